//! When the statement that runs now has to end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;

/// How many of SQLite's steps between two looks at the clock. One may be the making of a long text.
const STEPS: i32 = 100;

/// A connection's deadline; none at first.
#[derive(Clone)]
pub(super) struct Deadline {
    since: Instant,
    /// Milliseconds after `since`.
    at: Arc<AtomicU64>,
}

impl Deadline {
    /// Has SQLite look at it while it works.
    pub(super) fn watch(connection: &mut Connection) -> rusqlite::Result<Self> {
        let deadline = Self { since: Instant::now(), at: Arc::new(AtomicU64::new(u64::MAX)) };
        let watched = deadline.clone();
        connection.progress_handler(STEPS, Some(move || watched.is_over()))?;
        Ok(deadline)
    }

    /// From now on, for so long.
    pub(super) fn set(&self, ms: u64) {
        let at = self.since.elapsed() + Duration::from_millis(ms);
        self.at.store(u64::try_from(at.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What follows may take as long as it takes.
    pub(super) fn clear(&self) {
        self.at.store(u64::MAX, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.since.elapsed().as_millis() > u128::from(self.at.load(Ordering::Relaxed))
    }
}
