//! Brings executed entries to the ledger, each once: one writer a school that has work, under a lease, so that of
//! several gateways on one database one writes.

mod carriage;
mod fault;
mod phases;
mod stuck;
mod writer;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use super::{
    Core,
    signals::{Signal, Waiting},
};
pub(super) use stuck::Stuck;
use writer::Writer;

/// Whether the batcher works, as readiness tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It does not run.
    Stopped,
    /// It is not this process's to run.
    Elsewhere,
    /// It runs.
    Working,
    /// It runs, and cannot learn what is to be done.
    Failing(String),
}

/// Brings executed entries to the ledger.
pub struct Batcher {
    core: Arc<Core>,
    starts: Arc<Mutex<mpsc::UnboundedReceiver<Arc<Signal>>>>,
}

impl Batcher {
    pub(super) fn new(core: Arc<Core>, starts: Arc<Mutex<mpsc::UnboundedReceiver<Arc<Signal>>>>) -> Self {
        Self { core, starts }
    }

    /// Records until `shutdown`; then records what is waiting, for as long as the settings allow, and gives its
    /// schools back. Dropped in between, at whatever point, it leaves everything such that another goes on.
    pub async fn run(self, shutdown: CancellationToken) {
        // One batcher a process: a second one would wait here until the first has ended.
        let mut starts = self.starts.lock().await;
        let mut writers = JoinSet::new();
        let mut poll =
            tokio::time::interval(Duration::from_millis(self.core.settings.batches.poll_ms.max(1)));
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(signal) = starts.recv() => self.start(signal, &mut writers, &shutdown),
                _ = poll.tick() => self.poll().await,
                Some(ended) = writers.join_next() => report(ended),
            }
        }
        self.drain(&mut starts, writers, &shutdown).await;
        self.core.health.send_replace(Health::Stopped);
    }

    fn start(&self, signal: Arc<Signal>, writers: &mut JoinSet<()>, shutdown: &CancellationToken) {
        let writer = Writer::new(self.core.clone(), signal, shutdown.clone());
        writers.spawn(writer.run());
    }

    /// Asks the database which schools have work: other gateways' entries, and what was missed.
    async fn poll(&self) {
        match self.core.records.backlog().await {
            Ok(backlog) => {
                for school in backlog {
                    let (_, age) = self.core.batch_closes(&school.school).await;
                    let old = school.oldest.map_or(Duration::ZERO, |since| self.core.age_since(since));
                    let waiting = Waiting { entries: school.pending, due: age.saturating_sub(old) };
                    self.core.signals.of(&school.school).polled(waiting);
                }
                self.core.health.send_replace(Health::Working);
            }
            Err(error) => {
                tracing::warn!(%error, "the batcher cannot learn which schools have entries to record");
                self.core.health.send_replace(Health::Failing(error.to_string()));
            }
        }
    }

    /// The writers drain by themselves; this waits for them, and for those that were about to start.
    async fn drain(
        &self,
        starts: &mut mpsc::UnboundedReceiver<Arc<Signal>>,
        mut writers: JoinSet<()>,
        shutdown: &CancellationToken,
    ) {
        let until = Instant::now() + Duration::from_millis(self.core.settings.batches.drain_ms + 1_000);
        while let Ok(signal) = starts.try_recv() {
            self.start(signal, &mut writers, shutdown);
        }
        let all = async {
            while let Some(ended) = writers.join_next().await {
                report(ended);
            }
        };
        if tokio::time::timeout_at(until, all).await.is_err() {
            tracing::warn!("some batches are still on their way; the next gateway goes on with them");
        }
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a school's writer ended abnormally; it is started again when the school has work");
    }
}
