//! The comparison with the same SQL straight to the database: the statements that the gateway runs, with what they give
//! back, in one transaction a request, over as many connections and as durable. No signature, no policy, no entry.

use std::{sync::Arc, time::Duration};

use super::{
    drive::{Refused, Work},
    town::Town,
    workload::Workload,
};
use crate::{
    cli::Failure,
    keys::Asked,
    records::{Plain, RecordsError, Statement, policy::Policy},
};

/// How long a caller waits after a failure.
const PAUSE: Duration = Duration::from_millis(100);

/// Statements to the database.
#[derive(Clone)]
pub(super) struct Direct {
    pub(super) plain: Arc<Plain>,
    pub(super) policy: Arc<Policy>,
    pub(super) town: Arc<Town>,
    pub(super) workload: Arc<Workload>,
    /// How many queries a transaction has.
    pub(super) queries: u32,
    /// How many statements are under way on a connection at once.
    pub(super) ahead: usize,
}

impl Direct {
    /// Enters the marks that so many callers later correct and read.
    pub(super) async fn enter_base(&self, callers: usize) -> Result<(), Failure> {
        for caller in 0..callers {
            let learners = self.town.caller(caller).learners.iter();
            let statements = learners.map(|learner| self.admit(&Workload::base(learner, caller))).collect();
            self.plain.execute(statements, self.ahead).await.map_err(|error| {
                Failure::failed("bench.records", format!("the base marks were not entered: {error}"))
            })?;
        }
        Ok(())
    }

    fn admit(&self, asked: &Asked) -> Statement {
        let admitted = self.policy.admit(&asked.learner, &asked.sql, &asked.params);
        admitted.expect("the workload's statements are of the admitted ones")
    }
}

impl Work for Direct {
    type Ready = Vec<Statement>;
    type Done = ();

    fn ready(&self, caller: usize) -> Vec<Statement> {
        let learners = self.town.caller(caller).learners_from(self.workload.seat(), self.queries);
        learners.map(|learner| self.admit(&self.workload.next(learner, caller))).collect()
    }

    async fn perform(&self, _: usize, statements: Vec<Statement>) -> Result<(), Refused> {
        match self.plain.execute(statements, self.ahead).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let unclear = matches!(error, RecordsError::Unavailable(_));
                Err(Refused { code: format!("{error}"), wait: PAUSE, unclear })
            }
        }
    }
}
