//! A school's recorded entries as a stream that goes on where it was and follows what is recorded.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::stream::{self, BoxStream, StreamExt};
use sillok_contract::{entry::EntryId, id::SchoolId};
use tokio::sync::watch;

use super::{Batch, Caller, Core, Cursor, EntryRecorded, EntryState, Place, problems, view};
use crate::{
    problem::Problem,
    records::{StoredBatch, StoredEntry},
};

/// How many batches are read at once.
const PAGE: u32 = 16;

/// Where a stream is.
struct Follower {
    core: Arc<Core>,
    caller: Caller,
    school: SchoolId,
    /// The first entry not looked at yet.
    next: Cursor,
    /// Batches that were read, with those of their entries that were not looked at yet.
    batches: VecDeque<(Batch, Vec<(u32, EntryId)>)>,
    /// Of the batch before them, what is still to be told.
    entries: VecDeque<EntryRecorded>,
    finished: watch::Receiver<u64>,
}

impl Core {
    pub(super) fn entries(
        self: &Arc<Self>,
        caller: &Caller,
        school: &SchoolId,
        after: Option<Cursor>,
    ) -> Result<BoxStream<'static, Result<EntryRecorded, Problem>>, Problem> {
        caller.check_school(school)?;
        let follower = Follower {
            core: self.clone(),
            caller: caller.clone(),
            school: school.clone(),
            next: after.map_or(Cursor { sequence: 1, index: 0 }, Cursor::next),
            batches: VecDeque::new(),
            entries: VecDeque::new(),
            finished: self.signals.of(school).follow(),
        };
        Ok(stream::try_unfold(follower, Follower::step).boxed())
    }
}

impl Cursor {
    /// The least cursor after this one.
    fn next(self) -> Self {
        match self.index.checked_add(1) {
            Some(index) => Self { index, ..self },
            None => Self { sequence: self.sequence.saturating_add(1), index: 0 },
        }
    }
}

impl Follower {
    async fn step(mut self) -> Result<Option<(EntryRecorded, Self)>, Problem> {
        loop {
            if let Some(entry) = self.entries.pop_front() {
                return Ok(Some((entry, self)));
            }
            if let Some((batch, unseen)) = self.batches.pop_front() {
                self.entries = self.recorded(&batch, &unseen).await?;
            } else if !self.read_on().await? {
                self.wait().await;
            }
        }
    }

    /// Reads the next batches; whether there were any.
    async fn read_on(&mut self) -> Result<bool, Problem> {
        // Whatever is finished after this wakes the next wait.
        self.finished.mark_unchanged();
        let after = self.next.sequence.saturating_sub(1);
        let batches = self.core.records.batches(&self.school, after, PAGE).await;
        let batches = batches.map_err(problems::of_records)?;
        for stored in &batches {
            self.take(stored)?;
        }
        if let Some(last) = batches.last() {
            self.next = self.next.max(Cursor { sequence: last.sequence.saturating_add(1), index: 0 });
        }
        Ok(!batches.is_empty())
    }

    fn take(&mut self, stored: &StoredBatch) -> Result<(), Problem> {
        let batch = view::read_batch(stored)?;
        let entries = (0..).zip(stored.entries.iter().copied());
        let unseen =
            entries.filter(|(index, _)| Cursor { sequence: stored.sequence, index: *index } >= self.next);
        self.batches.push_back((batch, unseen.collect()));
        Ok(())
    }

    /// Those of a batch's entries that are the caller's to see.
    async fn recorded(
        &self,
        batch: &Batch,
        unseen: &[(u32, EntryId)],
    ) -> Result<VecDeque<EntryRecorded>, Problem> {
        let ids: Vec<_> = unseen.iter().map(|(_, id)| *id).collect();
        let entries = unseen.iter().zip(self.core.stored_entries(&ids).await?);
        let seen = entries.filter(|(_, entry)| self.caller.sees(entry));
        Ok(seen.map(|((index, _), entry)| recorded(batch, *index, entry)).collect())
    }

    /// Until a batch is finished here, or another gateway may have finished one.
    async fn wait(&mut self) {
        let poll = Duration::from_millis(self.core.settings.batches.poll_ms.max(1));
        // A time-out is as good a reason to look as a signal.
        let _ = tokio::time::timeout(poll, self.finished.changed()).await;
    }
}

fn recorded(batch: &Batch, index: u32, entry: StoredEntry) -> EntryRecorded {
    let (sequence, transaction) = (batch.sequence, batch.transaction.clone());
    let place = Place::Recorded { sequence, index, transaction, block: batch.block };
    let entry = EntryState { entry: entry.id, school: entry.school, learner: entry.learner, place };
    EntryRecorded { cursor: Cursor { sequence, index }, entry }
}
