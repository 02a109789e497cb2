//! How many entries wait for the ledger, counted at most every so often.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::metrics;
use crate::records::{Records, RecordsError};

/// The count, remembered for a moment.
pub(super) struct Backlog {
    lasts: Duration,
    counted: Mutex<Option<(Instant, u64)>>,
}

impl Backlog {
    pub(super) fn new(lasts: Duration) -> Self {
        Self { lasts, counted: Mutex::new(None) }
    }

    /// The count; those who ask while it is being counted wait for that answer.
    pub(super) async fn get(&self, records: &dyn Records) -> Result<u64, RecordsError> {
        let mut counted = self.counted.lock().await;
        if let Some((_, count)) = counted.filter(|(since, _)| since.elapsed() < self.lasts) {
            return Ok(count);
        }
        let count = records.unrecorded().await?;
        *counted = Some((Instant::now(), count));
        metrics::unrecorded(count);
        Ok(count)
    }
}
