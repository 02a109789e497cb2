//! A learner's entries as a stream that goes on where it was and follows what is recorded.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::stream::{self, BoxStream, StreamExt};
use sillok_contract::id::LearnerId;

use super::{super::LearnerEntry, Caller, Core, followers::Follower};
use crate::problem::Problem;

/// How many entries are read at once.
const PAGE: u32 = 32;
/// What another gateway recorded is looked for so many times more rarely than the database is for work: each look asks
/// a peer.
const MORE_RARELY: u32 = 10;
/// After this, and then twice that and so on, it is looked again where the ledger told of an entry that the database does
/// not know yet.
const SOON: Duration = Duration::from_millis(50);

/// Where a stream is.
struct Following {
    core: Arc<Core>,
    caller: Caller,
    learner: LearnerId,
    /// The number of the last entry that was read.
    last: u64,
    read: VecDeque<LearnerEntry>,
    /// For how long it waits for what the database does not know yet.
    pause: Duration,
    follower: Follower,
}

impl Core {
    pub(in crate::service) fn follow_learner(
        self: &Arc<Self>,
        caller: &Caller,
        learner: &LearnerId,
        after: u64,
    ) -> Result<BoxStream<'static, Result<LearnerEntry, Problem>>, Problem> {
        caller.check_learner(learner)?;
        let following = Following {
            core: self.clone(),
            caller: caller.clone(),
            learner: learner.clone(),
            last: after,
            read: VecDeque::new(),
            pause: SOON,
            follower: self.followers.follow(learner),
        };
        Ok(stream::try_unfold(following, Following::step).boxed())
    }
}

impl Following {
    async fn step(mut self) -> Result<Option<(LearnerEntry, Self)>, Problem> {
        loop {
            if let Some(entry) = self.read.pop_front() {
                return Ok(Some((entry, self)));
            }
            // Whatever is recorded after this wakes the next wait.
            self.follower.woken.mark_unchanged();
            let page = self.core.learner_entries(&self.caller, &self.learner, self.last, PAGE).await?;
            self.last = page.entries.last().map_or(self.last, |entry| entry.number);
            self.read = page.entries.into();
            match self.read.is_empty() {
                true => self.wait(page.count > self.last).await,
                false => self.pause = SOON,
            }
        }
    }

    /// Until an entry of the learner's was recorded here, or another gateway may have recorded one.
    async fn wait(&mut self, is_behind: bool) {
        let poll = Duration::from_millis(self.core.settings.batches.poll_ms.max(1)) * MORE_RARELY;
        let poll = if is_behind { self.pause.min(poll) } else { poll };
        self.pause = self.pause.saturating_mul(2);
        // A time-out is as good a reason to look as a signal.
        let _ = tokio::time::timeout(poll, self.follower.woken.changed()).await;
    }
}
