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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use prost::Message as _;
    use sillok_proto::{embedded as wire, ledger::Leaf};

    use super::*;
    use crate::ledger::Engine;

    const BATCH: &str = "batch/s/000000000001";

    fn learner(id: &str) -> LearnerId {
        LearnerId::new(id).unwrap()
    }

    /// The receipt of a batch with an entry of each of these.
    fn receipt(learners: &[&str]) -> Receipt {
        let leaf = |id: &&str| Leaf { learner: (*id).to_owned(), ..Leaf::default() };
        let record = BatchRecord { leaves: learners.iter().map(leaf).collect(), ..BatchRecord::default() };
        let write = wire::Write { key: BATCH.to_owned(), value: record.encode_to_vec(), deleted: false };
        let effect = wire::Effect { writes: vec![write], ..wire::Effect::default() };
        let payload = effect.encode_to_vec();
        let (transaction, endorsements) = (String::new(), Vec::new());
        Receipt { engine: Engine::Embedded, transaction, block: 1, payload, endorsements }
    }

    #[test]
    fn whoever_follows_is_woken_by_an_entry_of_theirs_and_by_no_other() {
        let followers = Followers::default();
        followers.recorded(&receipt(&["L1"]), BATCH);
        let (mut own, mut same) = (followers.follow(&learner("L1")), followers.follow(&learner("L1")));
        let other = followers.follow(&learner("L2"));
        followers.recorded(&receipt(&["L3", "L1", "not an id"]), BATCH);
        assert!(own.woken.has_changed().unwrap() && same.woken.has_changed().unwrap());
        assert!(!other.woken.has_changed().unwrap());
        own.woken.mark_unchanged();
        same.woken.mark_unchanged();
        followers.recorded(&receipt(&["L1"]), "batch/s/000000000002");
        assert!(!own.woken.has_changed().unwrap(), "that is of another batch");
        drop(own);
        followers.recorded(&receipt(&["L1"]), BATCH);
        assert!(same.woken.has_changed().unwrap(), "the other one still follows");
        drop((same, other));
        assert!(followers.bells().is_empty(), "nobody is remembered who has gone");
    }
}
