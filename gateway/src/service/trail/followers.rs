//! Who follows a learner's trail in this process, and is woken when a batch with an entry of theirs is recorded here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sillok_contract::id::LearnerId;
use sillok_proto::ledger::BatchRecord;
use tokio::sync::watch;

use crate::ledger::{Receipt, receipt};

type Bells = HashMap<LearnerId, (usize, watch::Sender<()>)>;

/// The followers of all learners.
#[derive(Clone, Default)]
pub(in crate::service) struct Followers {
    bells: Arc<Mutex<Bells>>,
}

/// One follower. Nobody is remembered who has gone.
pub(super) struct Follower {
    followers: Followers,
    learner: LearnerId,
    pub(super) woken: watch::Receiver<()>,
}

impl Followers {
    fn bells(&self) -> MutexGuard<'_, Bells> {
        // Whom a panic left without a bell looks by and by all the same.
        self.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn follow(&self, learner: &LearnerId) -> Follower {
        let mut bells = self.bells();
        let (count, bell) = bells.entry(learner.clone()).or_insert_with(|| (0, watch::Sender::new(())));
        *count += 1;
        Follower { followers: self.clone(), learner: learner.clone(), woken: bell.subscribe() }
    }

    /// A batch was recorded under this key. Where nobody follows, its receipt is not even read.
    pub(in crate::service) fn recorded(&self, receipt: &Receipt, batch: &str) {
        if self.bells().is_empty() {
            return;
        }
        let writes = receipt::unverified_writes(receipt).unwrap_or_default();
        let record =
            writes.get(batch).and_then(Option::as_deref).map(<BatchRecord as prost::Message>::decode);
        let Some(Ok(record)) = record else { return };
        let bells = self.bells();
        for leaf in record.leaves {
            if let Some((_, bell)) = LearnerId::new(leaf.learner).ok().and_then(|learner| bells.get(&learner))
            {
                bell.send_replace(());
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut bells = self.followers.bells();
        if let Some((count, _)) = bells.get_mut(&self.learner) {
            *count -= 1;
            if *count == 0 {
                bells.remove(&self.learner);
            }
        }
    }
}
