//! A learner's trail: every entry about them by its number, over all schools, and what the offices attest of it.
//!
//! The numbers are the ledger's. They are read from there when somebody asks, from the newest entry down to what is known
//! already, and remembered: recording an entry writes nothing for it, and the database, whose administrator a learner has
//! no reason to believe, has no say in it.

mod follow;
mod followers;
mod known;

use std::{collections::HashMap, sync::Arc, time::Duration};

use sillok_contract::{entry::EntryId, id::LearnerId};
use tokio::sync::Mutex;

use super::{Caller, Core, LearnerEntries, LearnerEntry, problems};
use crate::{
    ledger::{Receipt, contract::Contract},
    problem::Problem,
    records::EntryStatus,
};
pub(super) use followers::Followers;
use known::Known;

/// The most entries of one answer.
const MOST_ENTRIES: u32 = 100;
/// How many learners' trails are remembered, and for how long after they were last asked for.
const LEARNERS: u64 = 1_000;
const IDLE: Duration = Duration::from_secs(600);

/// The trails that were asked for lately.
pub(super) struct Trails {
    contract: Contract,
    known: moka::future::Cache<LearnerId, Arc<Mutex<Known>>>,
}

impl Trails {
    pub(super) fn new(contract: Contract) -> Self {
        let known = moka::future::Cache::builder().max_capacity(LEARNERS).time_to_idle(IDLE).build();
        Self { contract, known }
    }

    /// A learner's entries with numbers greater than `after`, at most `limit`, and how many there are in all.
    async fn page(
        &self,
        learner: &LearnerId,
        after: u64,
        limit: u32,
    ) -> Result<(u64, Vec<(u64, EntryId)>), Problem> {
        let known = self.known.get_with_by_ref(learner, async { Arc::default() }).await;
        // Whoever asks for the same learner meanwhile shares what is read.
        let mut known = known.lock().await;
        if !known.holds(after, limit) {
            known.read_on(&self.contract, learner, after).await.map_err(problems::of_ledger)?;
        }
        Ok((known.count(), known.page(after, limit)))
    }
}

impl Core {
    /// What both offices attest of a learner's trail.
    pub(super) async fn trail(
        &self,
        caller: &Caller,
        learner: &LearnerId,
        nonce: &str,
    ) -> Result<Receipt, Problem> {
        caller.check_learner(learner)?;
        self.trails.contract.trail(learner, nonce).await.map_err(problems::of_ledger)
    }

    pub(super) async fn learner_entries(
        &self,
        caller: &Caller,
        learner: &LearnerId,
        after: u64,
        limit: u32,
    ) -> Result<LearnerEntries, Problem> {
        caller.check_learner(learner)?;
        let limit = if limit == 0 { MOST_ENTRIES } else { limit.min(MOST_ENTRIES) };
        let (count, numbered) = self.trails.page(learner, after, limit).await?;
        let entries = self.standing(&numbered).await?;
        Ok(LearnerEntries { learner: learner.clone(), count, entries })
    }

    /// Where these entries stand: up to the first that the database does not know to be recorded. The ledger may be a
    /// moment ahead of it; whoever asks again gets the rest.
    async fn standing(&self, numbered: &[(u64, EntryId)]) -> Result<Vec<LearnerEntry>, Problem> {
        let ids: Vec<_> = numbered.iter().map(|(_, id)| *id).collect();
        let stored = self.records.entries(&ids).await.map_err(problems::of_records)?;
        let mut stored: HashMap<_, _> = stored.into_iter().map(|entry| (entry.id, entry)).collect();
        let mut entries = Vec::with_capacity(ids.len());
        for (number, id) in numbered {
            let entry = stored.remove(id);
            let Some(entry) = entry.filter(|entry| matches!(entry.status, EntryStatus::Recorded { .. }))
            else {
                break;
            };
            entries.push(LearnerEntry { number: *number, entry: self.state_of(entry).await? });
        }
        Ok(entries)
    }
}
