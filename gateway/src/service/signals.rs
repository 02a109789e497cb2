//! Who has work, told within this process: a request's execution wakes its school's writer, a finished batch wakes
//! those who follow it. Nothing rests on a signal alone: whatever is missed here is found by polling the database.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sillok_contract::id::SchoolId;
use tokio::{
    sync::{Notify, mpsc, watch},
    time::Instant,
};

/// The signals of all schools.
pub(super) struct Signals {
    schools: Mutex<HashMap<SchoolId, Arc<Signal>>>,
    start: mpsc::UnboundedSender<Arc<Signal>>,
}

/// One school's signals.
pub(super) struct Signal {
    /// The school.
    pub(super) school: SchoolId,
    known: Mutex<Known>,
    more: Notify,
    finished: watch::Sender<u64>,
    start: mpsc::UnboundedSender<Arc<Signal>>,
}

/// What the database says of a school.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// How many entries are in no batch yet.
    pub(super) entries: u64,
    /// In how long the oldest falls due.
    pub(super) due: Duration,
}

/// What is known to wait; an estimate, set right whenever the database is read.
#[derive(Default)]
struct Known {
    entries: u64,
    /// When the oldest of them falls due.
    due: Option<Instant>,
    /// Whether a writer runs, or is about to.
    running: bool,
    /// Until when no writer need be started, because another gateway has the lease.
    elsewhere: Option<Instant>,
}

/// Why a writer should look now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Enough entries, as far as is known: read them.
    Count,
    /// The oldest is old enough.
    Age,
    /// Nothing came for a while.
    Nothing,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded is an estimate: whatever a panic left behind is set right by the next poll.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Signals {
    /// Signals, and the schools whose writers are to be started.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Arc<Signal>>) {
        let (start, starts) = mpsc::unbounded_channel();
        (Self { schools: Mutex::default(), start }, starts)
    }

    /// A school's.
    pub(super) fn of(&self, school: &SchoolId) -> Arc<Signal> {
        let mut schools = lock(&self.schools);
        if let Some(signal) = schools.get(school) {
            return signal.clone();
        }
        let signal = Arc::new(Signal {
            school: school.clone(),
            known: Mutex::default(),
            more: Notify::new(),
            finished: watch::Sender::new(0),
            start: self.start.clone(),
        });
        schools.insert(school.clone(), signal.clone());
        signal
    }
}

impl Signal {
    /// Entries were executed here; the oldest falls due after `age`.
    pub(super) fn executed(self: &Arc<Self>, entries: u64, age: Duration) {
        self.tell(|known| {
            known.entries += entries;
            known.due.get_or_insert_with(|| Instant::now() + age);
        });
    }

    /// The database says that the school has something to record: entries, or a batch in flight.
    pub(super) fn polled(self: &Arc<Self>, waiting: Waiting) {
        self.tell(|known| {
            let due = Instant::now() + waiting.due;
            known.entries = known.entries.max(waiting.entries);
            if waiting.entries > 0 {
                known.due = Some(known.due.map_or(due, |known| known.min(due)));
            }
        });
    }

    fn tell(self: &Arc<Self>, change: impl FnOnce(&mut Known)) {
        let mut known = lock(&self.known);
        change(&mut known);
        let elsewhere = known.elsewhere.is_some_and(|until| Instant::now() < until);
        if !known.running && !elsewhere {
            // With nobody at the other end there is no batcher here, and nothing to start.
            known.running = self.start.send(self.clone()).is_ok();
        }
        drop(known);
        self.more.notify_one();
    }

    /// What was read from the database: so many wait, the oldest due after `age`.
    pub(super) fn read(&self, entries: u64, age: Duration) {
        let mut known = lock(&self.known);
        known.entries = entries;
        known.due = (entries > 0).then(|| Instant::now() + age);
    }

    /// A batch takes so many of those that wait. The others are no younger than they were: they fall due after `age` at
    /// the latest.
    pub(super) fn took(&self, entries: u64, age: Duration) {
        let left = lock(&self.known).entries.saturating_sub(entries);
        self.read(left, age);
    }

    /// Waits until `count` entries are known to wait, the oldest falls due, or nothing came for `idle`.
    pub(super) async fn due(&self, count: u64, idle: Duration) -> Due {
        let idle = Instant::now() + idle;
        loop {
            let due = {
                let known = lock(&self.known);
                if known.entries >= count {
                    return Due::Count;
                }
                known.due
            };
            let (until, reason) = due.map_or((idle, Due::Nothing), |due| (due, Due::Age));
            if tokio::time::timeout_at(until, self.more.notified()).await.is_err() {
                return reason;
            }
        }
    }

    /// The writer ended. It is started again at once if more came meanwhile, but not before `elsewhere` has passed
    /// where another gateway has the lease.
    pub(super) fn ended(self: &Arc<Self>, elsewhere: Option<Duration>) {
        let mut known = lock(&self.known);
        known.running = false;
        if let Some(pause) = elsewhere {
            *known = Known { elsewhere: Some(Instant::now() + pause), ..Known::default() };
        } else if known.entries > 0 {
            known.running = self.start.send(self.clone()).is_ok();
        }
    }

    /// A batch of this sequence was finished here.
    pub(super) fn finished(&self, sequence: u64) {
        self.finished.send_replace(sequence);
    }

    /// Wakes at each finished batch.
    pub(super) fn follow(&self) -> watch::Receiver<u64> {
        self.finished.subscribe()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    const AGE: Duration = Duration::from_millis(20);
    const IDLE: Duration = Duration::from_millis(60);
    const LONG: Duration = Duration::from_secs(3600);

    fn signals() -> (Arc<Signal>, mpsc::UnboundedReceiver<Arc<Signal>>) {
        let (signals, starts) = Signals::new();
        (signals.of(&SchoolId::new("school").unwrap()), starts)
    }

    #[tokio::test]
    async fn a_writer_is_started_once_and_again_when_more_came() {
        let (signal, mut starts) = signals();
        signal.executed(1, AGE);
        signal.executed(1, AGE);
        assert!(starts.try_recv().is_ok());
        assert!(starts.try_recv().is_err(), "one writer a school");
        signal.read(0, AGE);
        signal.executed(1, AGE);
        signal.ended(None);
        assert!(starts.try_recv().is_ok(), "what came while it ended is not forgotten");
        signal.read(0, AGE);
        signal.ended(None);
        assert!(starts.try_recv().is_err());
    }

    #[tokio::test]
    async fn nobody_is_started_while_another_gateway_has_the_lease() {
        let (signal, mut starts) = signals();
        signal.executed(1, AGE);
        starts.try_recv().unwrap();
        signal.ended(Some(LONG));
        signal.executed(1, AGE);
        assert!(starts.try_recv().is_err());
        lock(&signal.known).elsewhere = Some(Instant::now());
        signal.polled(Waiting { entries: 0, due: AGE });
        assert!(starts.try_recv().is_ok(), "a batch in flight is reason enough");
    }

    #[tokio::test]
    async fn what_a_batch_leaves_is_still_known_to_wait() {
        let (signal, _starts) = signals();
        signal.executed(90, LONG);
        signal.took(40, LONG);
        assert_eq!(signal.due(40, LONG).await, Due::Count);
        signal.took(40, AGE);
        assert_eq!(signal.due(40, LONG).await, Due::Age);
        signal.took(40, AGE);
        assert_eq!(signal.due(40, IDLE).await, Due::Nothing);
    }

    #[tokio::test]
    async fn due_by_count_by_age_or_not_at_all() {
        let (signal, _starts) = signals();
        signal.executed(40, AGE);
        assert_eq!(signal.due(40, IDLE).await, Due::Count);
        signal.read(0, AGE);
        assert_eq!(signal.due(40, IDLE).await, Due::Nothing);
        signal.executed(39, AGE);
        let since = Instant::now();
        assert_eq!(signal.due(40, IDLE).await, Due::Age);
        assert!(since.elapsed() >= AGE);
    }

    #[tokio::test]
    async fn the_entry_that_fills_the_batch_ends_the_wait() {
        let (signal, _starts) = signals();
        let waiting = tokio::spawn({
            let signal = signal.clone();
            async move { signal.due(2, LONG).await }
        });
        tokio::task::yield_now().await;
        signal.executed(1, LONG);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        signal.executed(1, LONG);
        assert_eq!(waiting.await.unwrap(), Due::Count);
    }
}
