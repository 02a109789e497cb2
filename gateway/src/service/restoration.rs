//! Restoration: a learner's rows are put back to their last recorded images, by an officer who has seen what will change.
//!
//! The office asks for a plan; an officer signs for its statements, with the purpose `restore`, and sends them as any
//! request. What is not in the plan of that very moment is refused as stale, and each statement may touch only the one
//! row that it was made for, as it was seen.

use std::collections::{BTreeMap, BTreeSet};

use sillok_contract::{id::LearnerId, request::Query};

use super::{Caller, Core, problems};
use crate::{
    drift::{Plan, PlannedStatement},
    problem::{Kind, Problem},
};

impl Core {
    /// How a learner's rows would be put back now. Nothing is done.
    pub(super) async fn restoration(&self, caller: &Caller, learner: &LearnerId) -> Result<Plan, Problem> {
        caller.check_office()?;
        self.plan(learner).await
    }

    async fn plan(&self, learner: &LearnerId) -> Result<Plan, Problem> {
        let looked = self.look_at(learner).await?;
        if let Some(fault) = looked.report.faults.first() {
            let detail = format!(
                "nothing is put back from a ledger that contradicts itself: {}: {}",
                fault.code.as_str(),
                fault.detail
            );
            return Err(Problem::new(Kind::Conflict, "restore.ledger_fault", detail));
        }
        let school = looked.learner.school_at((self.clock)());
        let school = school.map_err(|refusal| problems::of_refusal(Kind::Conflict, &refusal))?.clone();
        Ok(Plan::new(&looked.report, &looked.picture, self.policy.schema(), school))
    }

    /// Refuses queries that are not all of the plans that would be made now.
    pub(super) async fn check_restoration(&self, queries: Vec<Query>) -> Result<(), Problem> {
        let learners: BTreeSet<_> = queries.iter().map(|query| query.learner.clone()).collect();
        let mut plans = BTreeMap::new();
        for learner in learners {
            let plan = self.plan(&learner).await?;
            // An officer may have asked for the removals, too.
            plans.insert(learner, plan.with_removals().statements);
        }
        for (index, Query { learner, sql, params, .. }) in queries.into_iter().enumerate() {
            let asked = PlannedStatement { sql, params };
            let left = plans.get_mut(&learner).and_then(|statements| {
                let place = statements.iter().position(|planned| *planned == asked)?;
                Some(statements.swap_remove(place))
            });
            if left.is_none() {
                return Err(stale(index));
            }
        }
        Ok(())
    }
}

fn stale(query: usize) -> Problem {
    let detail = format!(
        "query {query} is not of the plan that would be made now: something was written since, or it was never of one; \
         nothing was done, ask for a new plan and sign that"
    );
    Problem::new(Kind::Conflict, "restore.stale", detail)
}
