//! Waiting: by looking again, with a limit, never by a time alone.

use std::time::{Duration, Instant};

/// How long anything that must happen may take.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Looks until there is something; fails the test when patience ends.
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look).await
}

/// Looks until there is something; fails the test when this time is over.
pub async fn within<T>(limit: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let patience = Patience::new(limit, what);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        patience.pause().await;
    }
}

/// The patience for one thing.
pub struct Patience<'a> {
    what: &'a str,
    limit: Duration,
    end: Instant,
}

impl<'a> Patience<'a> {
    /// It begins now.
    pub fn new(limit: Duration, what: &'a str) -> Self {
        Self { what, limit, end: Instant::now() + limit }
    }

    /// A moment before the next look; fails the test when patience has ended.
    pub async fn pause(&self) {
        assert!(Instant::now() < self.end, "{}: not within {:?}", self.what, self.limit);
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
