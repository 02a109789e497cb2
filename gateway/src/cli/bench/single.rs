//! The comparison with one ledger transaction a query: a batch of one entry each, endorsed, ordered and committed
//! through the same peer gateway service, with the gateway's identity.
//!
//! A school has one batch in flight, so each caller here is a school of its own: nothing is made to wait for another
//! query. The queries are signed and their entries made before; no database takes part, which favours this side.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sillok_contract::id::SchoolId;

use super::{
    batch::{Author, Executed},
    drive::{Refused, Work},
    town::register,
    workload::Workload,
};
use crate::{
    cli::Failure,
    ledger::{
        Ledger, LedgerError,
        consortium::Consortium,
        contract::Contract,
        school::{Plan, School},
        transact,
    },
};

/// How long a caller waits after a failure.
const PAUSE: Duration = Duration::from_millis(100);

/// Schools of one educator and one learner each.
pub(super) struct Singles {
    ledger: Arc<dyn Ledger>,
    workload: Workload,
    schools: Vec<(Author, Mutex<Head>)>,
}

/// A school's last batch.
#[derive(Clone, Copy, Default)]
struct Head {
    sequence: u64,
    hash: [u8; 32],
}

impl Singles {
    /// Registers so many schools; each caller is one of them.
    pub(super) async fn register(
        consortium: &Consortium,
        audience: &str,
        mark: &str,
        schools: usize,
    ) -> Result<Vec<School>, Failure> {
        let plan = |number| Plan::new(SchoolId::new(format!("S{number}.{mark}"))?, 1, 1);
        let plans = (0..schools).map(plan).collect::<Result<Vec<_>, _>>()?;
        register(consortium, audience, &plans).await
    }

    /// Those schools on a ledger.
    pub(super) fn new(schools: Vec<School>, ledger: Arc<dyn Ledger>, reads: u32) -> Self {
        let author = |school: School| {
            let educator = school.educators.into_iter().next()?;
            Some((Author { educator, learners: school.learners }, Mutex::default()))
        };
        let schools = schools.into_iter().filter_map(author).collect();
        Self { ledger, workload: Workload::new(reads), schools }
    }
}

impl Work for Singles {
    type Ready = Executed;
    type Done = ();

    fn ready(&self, caller: usize) -> Executed {
        self.schools[caller].0.request(&self.workload, 1)
    }

    async fn perform(&self, caller: usize, executed: Executed) -> Result<(), Refused> {
        let (author, head) = &self.schools[caller];
        let last = *head.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = last.sequence + 1;
        let formed =
            author.batch(sequence, last.hash, vec![executed]).map_err(|failure| refused(&failure))?;
        let call = Contract::record_batch(formed.header, formed.body);
        transact(&*self.ledger, call).await.map_err(of_ledger)?;
        *head.lock().unwrap_or_else(PoisonError::into_inner) = Head { sequence, hash: formed.header_hash };
        Ok(())
    }
}

fn of_ledger(error: LedgerError) -> Refused {
    let unclear = matches!(error, LedgerError::Submit { .. } | LedgerError::CommitStatus { .. });
    Refused { unclear, ..refused(&error.into()) }
}

fn refused(failure: &Failure) -> Refused {
    Refused { code: failure.code.to_string(), wait: PAUSE, unclear: false }
}
