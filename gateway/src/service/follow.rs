//! A school's recorded entries as a stream that goes on where it was and follows what is recorded.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::stream::{self, BoxStream, StreamExt};
use sillok_contract::{entry::EntryId, id::SchoolId};
use tokio::sync::watch;

use super::{Batch, Caller, Core, Cursor, EntryRecorded, EntryState, Place, problems, view};
use crate::{problem::Problem, records::StoredBatch};

/// How many batches are read at once.
const PAGE: u32 = 16;

/// Where a stream is.
struct Follower {
    core: Arc<Core>,
    caller: Caller,
    school: SchoolId,
    /// The first entry not looked at yet.
    next: Cursor,
    read: VecDeque<(Arc<Batch>, u32, EntryId)>,
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
            read: VecDeque::new(),
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
            while let Some((batch, index, id)) = self.read.pop_front() {
                if let Some(recorded) = self.recorded(&batch, index, id).await? {
                    return Ok(Some((recorded, self)));
                }
            }
            if !self.read_on().await? {
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
        let batch = Arc::new(view::read_batch(stored)?);
        let entries = (0..).zip(&stored.entries);
        let unseen =
            entries.filter(|(index, _)| Cursor { sequence: stored.sequence, index: *index } >= self.next);
        self.read.extend(unseen.map(|(index, id)| (batch.clone(), index, *id)));
        Ok(())
    }

    /// The entry, if it is the caller's to see.
    async fn recorded(
        &self,
        batch: &Batch,
        index: u32,
        id: EntryId,
    ) -> Result<Option<EntryRecorded>, Problem> {
        let entry = self.core.stored_entry(&id).await?;
        if !self.caller.sees_those_of(&entry.educator) {
            return Ok(None);
        }
        let (sequence, transaction) = (batch.sequence, batch.transaction.clone());
        let place = Place::Recorded { sequence, index, transaction, block: batch.block };
        let entry = EntryState { entry: id, school: entry.school, learner: entry.learner, place };
        Ok(Some(EntryRecorded { cursor: Cursor { sequence, index }, entry }))
    }

    /// Until a batch is finished here, or another gateway may have finished one.
    async fn wait(&mut self) {
        let poll = Duration::from_millis(self.core.settings.batches.poll_ms.max(1));
        // A time-out is as good a reason to look as a signal.
        let _ = tokio::time::timeout(poll, self.finished.changed()).await;
    }
}
