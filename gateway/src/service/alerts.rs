//! Alerts: what was found in the database that did not come through the gateway, and what the monitor saw, told to the
//! offices.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Caller, Core, Service, metrics, problems};
use crate::{
    drift, monitor,
    problem::Problem,
    records::{Alert, KeptBatch, NewAlert, Result as Stored, Sighting, Witness},
};

/// The most alerts of one answer.
const MOST: u32 = 100;

/// Where a stream is.
struct Follower {
    core: Arc<Core>,
    /// The last alert that was read.
    after: i64,
    /// Alerts that were read and are still to be told.
    read: VecDeque<Alert>,
    raised: watch::Receiver<()>,
}

impl Core {
    /// Alerts after one, in order.
    pub(super) async fn alerts(
        &self,
        caller: &Caller,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Alert>, Problem> {
        caller.check_office()?;
        let limit = if limit == 0 { MOST } else { limit.min(MOST) };
        self.records.alerts(after, limit).await.map_err(problems::of_records)
    }

    /// Alerts after one, then those to come.
    pub(super) fn follow_alerts(
        self: &Arc<Self>,
        caller: &Caller,
        after: i64,
    ) -> Result<BoxStream<'static, Result<Alert, Problem>>, Problem> {
        caller.check_office()?;
        let (core, raised) = (self.clone(), self.alerted.subscribe());
        let follower = Follower { core, after, read: VecDeque::new(), raised };
        Ok(stream::try_unfold(follower, Follower::step).boxed())
    }

    /// Raises alerts: stores those whose fingerprint is new, and tells of them.
    pub(super) async fn raise(&self, alerts: &[NewAlert]) -> Stored<()> {
        let raised = self.records.raise(alerts).await?;
        self.tell(&raised);
        Ok(())
    }

    /// Watches the records database until `shutdown`.
    pub(super) async fn watch(&self, shutdown: CancellationToken) {
        let seen = |sighting| match sighting {
            Sighting::Alerts(raised) => self.tell(&raised),
            Sighting::Watching(watching) => metrics::watching(watching),
            Sighting::Retained(bytes) => metrics::retained(bytes),
        };
        let witness = Ledgered(self);
        self.records.watch(&seen, &witness, &shutdown).await;
    }

    fn tell(&self, raised: &[Alert]) {
        for Alert { id, finding, advice, .. } in raised {
            let key = finding.key.as_ref().and_then(|key| serde_json::to_string(key).ok());
            if monitor::KINDS.contains(&finding.kind.as_str()) {
                let (kind, detail) = (&finding.kind, &finding.detail);
                tracing::error!(alert = id, kind, key, detail, advice, "the events are out of the ordinary");
                metrics::out_of_the_ordinary(kind);
                continue;
            }
            tracing::error!(
                alert = id,
                kind = finding.kind,
                table = finding.table,
                key,
                operation = finding.operation,
                rows = finding.rows,
                committed_at = finding.committed_at,
                xid = finding.xid,
                lsn = finding.lsn,
                detail = finding.detail,
                "database and ledger do not agree, or the database was changed past the gateway"
            );
            metrics::drift(finding);
        }
        if !raised.is_empty() {
            self.alerted.send_replace(());
        }
    }
}

#[async_trait]
impl monitor::Raise for Service {
    async fn raise(&self, alerts: &[NewAlert]) -> Stored<()> {
        self.raise_alerts(alerts).await
    }
}

/// The ledger, as the watch asks it.
struct Ledgered<'c>(&'c Core);

#[async_trait]
impl Witness for Ledgered<'_> {
    fn fits(&self, batch: &KeptBatch) -> bool {
        drift::fits(batch)
    }

    async fn has(&self, batch: &KeptBatch) -> bool {
        let (Ok(school), Ok(sequence)) = (batch.school.parse(), u64::try_from(batch.sequence)) else {
            return false;
        };
        let limit = Duration::from_millis(self.0.settings.standing.ask_ms);
        let asked = tokio::time::timeout(limit, self.0.contract().batch(&school, sequence)).await;
        let Ok(Ok(Some(found))) = asked else { return false };
        drift::is_batch(batch, &found) && drift::fits(batch)
    }
}

impl Follower {
    async fn step(mut self) -> Result<Option<(Alert, Self)>, Problem> {
        loop {
            if let Some(alert) = self.read.pop_front() {
                return Ok(Some((alert, self)));
            }
            // Whatever is raised after this wakes the next wait.
            self.raised.mark_unchanged();
            let read = self.core.records.alerts(self.after, MOST).await.map_err(problems::of_records)?;
            match read.last() {
                Some(last) => {
                    self.after = last.id;
                    self.read = read.into();
                }
                None => self.wait().await,
            }
        }
    }

    /// Until one is raised here, or another gateway may have raised one.
    async fn wait(&mut self) {
        let poll = Duration::from_millis(self.core.settings.batches.poll_ms.max(1));
        // A time-out is as good a reason to look as a signal.
        let _ = tokio::time::timeout(poll, self.raised.changed()).await;
    }
}
