//! When entries come to rest: every school's batches, looked at again and again while the load runs.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sillok_contract::id::SchoolId;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::town::Town;
use crate::{cli::Failure, client::Client};

/// How often each school is looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long nothing may be recorded while something is still to be.
const PATIENCE: Duration = Duration::from_secs(120);

/// A batch, when it was first seen recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Which of the town's schools.
    pub(super) school: usize,
    pub(super) sequence: u64,
    pub(super) count: u32,
    pub(super) at: Instant,
}

/// Watches what is recorded.
pub(super) struct Recording {
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: CancellationToken,
    watchers: JoinSet<()>,
}

impl Recording {
    /// Watches all schools of the town from the batches on that were seen last.
    pub(super) fn begin(town: &Arc<Town>, client: &Client) -> Self {
        let (seen, stop) = (Arc::<Mutex<Vec<Seen>>>::default(), CancellationToken::new());
        let mut watchers = JoinSet::new();
        for (number, school) in town.schools.iter().enumerate() {
            let client = client.with_access(town.caller(number).educator.access());
            let (town, seen, stop, school) = (town.clone(), seen.clone(), stop.clone(), school.clone());
            watchers.spawn(async move {
                // An answer that does not come is asked for again: the load may have the gateway shed this, too.
                while !stop.is_cancelled() {
                    look(&town, number, &school, &client, &seen).await;
                    tokio::time::sleep(INTERVAL).await;
                }
            });
        }
        Self { seen, stop, watchers }
    }

    /// How many entries were seen recorded.
    pub(super) fn total(&self) -> u64 {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().map(|seen| u64::from(seen.count)).sum()
    }

    /// Waits until so many entries are seen recorded; a failure when no more come.
    pub(super) async fn reach(&self, entries: u64) -> Result<(), Failure> {
        let (mut last, mut since) = (self.total(), Instant::now());
        while last < entries {
            tokio::time::sleep(INTERVAL).await;
            let total = self.total();
            if total > last {
                (last, since) = (total, Instant::now());
            }
            if since.elapsed() > PATIENCE {
                let detail = format!("{total} of {entries} executed queries are recorded, and no more come");
                return Err(Failure::failed("bench.unrecorded", detail));
            }
        }
        Ok(())
    }

    /// Stops watching; what was seen.
    pub(super) async fn end(mut self) -> Vec<Seen> {
        self.stop.cancel();
        while self.watchers.join_next().await.is_some() {}
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn look(town: &Town, number: usize, school: &SchoolId, client: &Client, seen: &Mutex<Vec<Seen>>) {
    while let Ok(batches) = client.batches(school, town.head(number)).await {
        let Some(last) = batches.last() else { return };
        let at = Instant::now();
        town.saw(number, last.sequence);
        let new = batches.iter().map(|batch| Seen {
            school: number,
            sequence: batch.sequence,
            count: batch.count,
            at,
        });
        seen.lock().unwrap_or_else(PoisonError::into_inner).extend(new);
    }
}
