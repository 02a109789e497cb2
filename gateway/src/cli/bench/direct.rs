//! The comparison with the same SQL straight to the database: the statements that the gateway runs, with what they give
//! back, over as many connections and as durable. No signature, no policy, no entry.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

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
/// How many statements are under way on a connection at once where they are sent ahead: as many as keep their order.
const AHEAD: usize = 30;

/// How the statements of a request go to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    /// One after the other, each its own transaction: neither `BEGIN` nor `COMMIT` is sent.
    EachItsOwn,
    /// In one transaction, one after the other.
    Together,
    /// In one transaction, one sent before the other's answer.
    Ahead,
}

impl Way {
    /// Those in which requests of so many queries are sent.
    pub(super) fn of(queries: u32) -> &'static [Self] {
        match queries {
            1 => &[Self::EachItsOwn, Self::Together],
            _ => &[Self::EachItsOwn, Self::Together, Self::Ahead],
        }
    }

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::EachItsOwn => "each its own transaction",
            Self::Together => "in one transaction",
            Self::Ahead => "in one transaction, sent ahead",
        }
    }
}

/// Statements to the database.
#[derive(Clone)]
pub(super) struct Direct {
    pub(super) plain: Arc<Plain>,
    pub(super) policy: Arc<Policy>,
    pub(super) town: Arc<Town>,
    pub(super) workload: Arc<Workload>,
    /// How many queries a request has.
    pub(super) queries: u32,
    pub(super) way: Way,
}

impl Direct {
    /// Enters the marks that so many callers later correct and read.
    pub(super) async fn enter_base(&self, callers: usize) -> Result<(), Failure> {
        for caller in 0..callers {
            let learners = self.town.caller(caller).learners.iter();
            let statements = learners.map(|learner| self.admit(&Workload::base(learner, caller))).collect();
            self.plain.execute(statements, AHEAD).await.map_err(|error| {
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
        let done = match self.way {
            Way::EachItsOwn => self.plain.execute_each(statements).await,
            Way::Together => self.plain.execute(statements, 1).await,
            Way::Ahead => self.plain.execute(statements, AHEAD).await,
        };
        match done {
            Ok(_) => Ok(()),
            Err(error) => {
                let unclear = matches!(error, RecordsError::Unavailable(_));
                Err(Refused { code: format!("{error}"), wait: PAUSE, unclear })
            }
        }
    }
}
