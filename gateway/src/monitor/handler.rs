//! The monitor at work: what is done about events, and about groups that are behind.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{Monitor, Settings};
use crate::{
    clock,
    events::{Bus, Event, Group, HandleError, Handler},
    records::{Alert, NewAlert, Result as Stored},
};

/// How often it is measured how far groups are behind.
const MEASURING: Duration = Duration::from_secs(10);

/// Where alerts go.
#[async_trait]
pub trait Raise: Send + Sync {
    /// Stores those whose fingerprint is new, and tells of them.
    async fn raise(&self, alerts: &[NewAlert]) -> Stored<()>;
}

/// A [`Handler`] that shows the monitor each event, and raises what it finds. It needs no inbox: the same event gives the
/// same alerts, which are stored once.
///
/// What several consumers of one group share out, each monitor counts alone. The events of a school are all with one of
/// them; those of a signer or a source are not. So each monitor is a group of its own ([`Settings::group`]).
pub struct Watcher {
    monitor: Mutex<Monitor>,
    alerts: Arc<dyn Raise>,
}

impl Watcher {
    /// With these rules. It remembers of the alerts raised `before` whose hours are whose; what it finds goes to `alerts`.
    pub fn new(settings: &Settings, before: &[Alert], alerts: Arc<dyn Raise>) -> Self {
        let mut monitor = Monitor::new(settings);
        monitor.recall(before);
        Self { monitor: Mutex::new(monitor), alerts }
    }

    /// Measures how far these groups are behind, until `shutdown`.
    pub async fn measure(&self, bus: &dyn Bus, groups: &[Group], shutdown: &CancellationToken) {
        let mut due = Vec::new();
        loop {
            for group in groups {
                match bus.lag(group).await {
                    Ok(lags) => due.extend(self.monitor().measured(group, &lags, clock::now())),
                    Err(error) => {
                        tracing::debug!(%group, %error, "it cannot be told how far the group is behind")
                    }
                }
            }
            match self.raise(&due).await {
                Ok(()) => due.clear(),
                Err(error) => {
                    tracing::warn!(%error, "that groups are behind could not be raised; it is tried again")
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(MEASURING) => {}
            }
        }
    }

    async fn raise(&self, alerts: &[NewAlert]) -> Stored<()> {
        if alerts.is_empty() { Ok(()) } else { self.alerts.raise(alerts).await }
    }

    fn monitor(&self) -> std::sync::MutexGuard<'_, Monitor> {
        // Nothing awaits while it is held. A rule that panicked has counted one event half.
        self.monitor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Handler for Watcher {
    async fn handle(&self, events: &[Event]) -> Result<(), HandleError> {
        let found = {
            let (mut monitor, now) = (self.monitor(), clock::now());
            let see = |(index, event)| {
                let refuse =
                    |error: serde_json::Error| HandleError::Event { index, reason: error.to_string() };
                monitor.see(event, now).map_err(refuse)
            };
            events.iter().enumerate().map(see).collect::<Result<Vec<_>, _>>()?
        };
        Ok(self.raise(&found.concat()).await?)
    }
}
