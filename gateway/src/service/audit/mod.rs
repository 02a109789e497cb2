//! The audit of everybody: school by school, each batch and each row read once.
//!
//! A school's batches are folded into a digest of each row's last image, and its learners' rows are held against them.
//! Who differs is a suspect, and is verified alone and precisely ([`super::verification`]): so what is written meanwhile
//! raises no alarm. Each learner is audited at the school where they are now; those who came from another one are
//! verified alone. At the end come the rows of those whom the ledger does not know.

mod alerts;
mod background;
mod chapters;
mod cut;
mod images;
mod kept;
mod mend;
mod registered;
mod report;
mod school;
mod settings;

use std::{sync::Arc, time::Duration};

use sillok_contract::id::SchoolId;

pub use mend::Mended;
pub use report::{Audit, CutRequest, SchoolAudit, Stranger};
pub use settings::AuditSettings;

pub(super) use background::run;

use super::{Core, problems};
use crate::{
    drift::{self, Difference},
    problem::Problem,
};
use registered::Registered;

/// How many ids of the database's learners are looked at between two pauses.
const PAGE: u32 = 500;

/// How many entries that are astray are told.
const ASTRAY: u32 = 1_000;

/// An audit under way.
pub struct Auditor {
    core: Arc<Core>,
    registered: Registered,
    pause: Duration,
}

impl Auditor {
    /// Reads who is registered. `pause` is made after so many batches, rows or learners, so that the load is bounded.
    pub(super) async fn begin(core: Arc<Core>, pause: Duration) -> Result<Self, Problem> {
        let registered = Registered::read(core.contract()).await.map_err(problems::of_ledger)?;
        Ok(Self { core, registered, pause })
    }

    /// The schools, in the order of their ids, each with how many batches it has.
    pub fn schools(&self) -> &[(SchoolId, u64)] {
        &self.registered.schools
    }

    /// Audits one school. `batch` is called after each of its batches.
    pub async fn school(
        &self,
        school: &SchoolId,
        batch: &(dyn Fn() + Send + Sync),
    ) -> Result<SchoolAudit, Problem> {
        school::audit(&self.core, &self.registered, school, self.pause, batch).await
    }

    /// Those with rows in the database whom the ledger does not know.
    pub async fn strangers(&self) -> Result<Vec<Stranger>, Problem> {
        let (mut strangers, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.core.records.learners(&after, PAGE).await.map_err(problems::of_records)?;
            let Some(last) = page.last() else { return Ok(strangers) };
            after.clone_from(last);
            for learner in page {
                if !self.registered.knows(&learner) && !self.is_registered_now(&learner).await? {
                    strangers.push(Stranger { learner });
                }
            }
            tokio::time::sleep(self.pause).await;
        }
    }

    /// Requests whose entries are not all in the outbox any more.
    pub async fn cut(&self) -> Result<Vec<CutRequest>, Problem> {
        cut::find(&*self.core.records, self.pause).await
    }

    /// Entries of the outbox that say they are in a batch which does not hold them; 1,000 at most.
    pub async fn astray(&self) -> Result<Vec<Difference>, Problem> {
        let astray = self.core.records.astray(ASTRAY).await.map_err(problems::of_records)?;
        Ok(astray.iter().map(drift::astray).collect())
    }

    async fn is_registered_now(&self, learner: &str) -> Result<bool, Problem> {
        let Ok(learner) = learner.parse() else { return Ok(false) };
        let found = self.core.contract().learner(&learner).await.map_err(problems::of_ledger)?;
        Ok(found.is_some())
    }
}
