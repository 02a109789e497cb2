//! The roles that handle events, and what keeps events going.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{
    Core, Role, Roles, Service,
    signatures::{OfficeSigner, Recorder, Verifier},
};
use crate::{
    events::{self, Consumer, Group, Handler},
    monitor::Watcher,
    records::{Alert, Result as Stored},
};

/// How long is waited until what was raised before is asked for again.
const AGAIN: Duration = Duration::from_secs(1);
/// How many alerts are read at a time.
const PAGE: u32 = 1_000;

impl Service {
    /// Handles events in these roles, until `shutdown`.
    pub(super) async fn consume(&self, roles: &Roles, shutdown: &CancellationToken) {
        let core = &self.core;
        let signer = OfficeSigner { core: core.clone(), group: core.group(Role::Signer) };
        let verifier = Verifier { core: core.clone(), group: core.group(Role::Verifier) };
        let recorder = Recorder { core: core.clone(), group: core.group(Role::Recorder) };
        tokio::join!(
            core.keep_events(roles, shutdown),
            core.consume(roles, Role::Signer, &signer, shutdown),
            core.consume(roles, Role::Verifier, &verifier, shutdown),
            core.consume(roles, Role::Recorder, &recorder, shutdown),
            self.monitor(roles, shutdown),
        );
    }

    async fn monitor(&self, roles: &Roles, shutdown: &CancellationToken) {
        if !roles.has(Role::Monitor) {
            return;
        }
        let core = &self.core;
        let Some(before) = core.alerts_before(shutdown).await else { return };
        let groups = core.groups();
        let watcher = Watcher::new(&core.monitor, &before, Arc::new(self.clone()));
        tokio::join!(
            core.consume(roles, Role::Monitor, &watcher, shutdown),
            watcher.measure(&*core.bus, &groups, shutdown),
        );
    }
}

impl Core {
    async fn consume(&self, roles: &Roles, role: Role, handler: &dyn Handler, shutdown: &CancellationToken) {
        if !roles.has(role) {
            return;
        }
        let consumer = Consumer {
            bus: self.bus.clone(),
            records: self.records.clone(),
            settings: self.events.clone(),
            group: self.group(role),
            topics: role.handles().to_vec(),
        };
        consumer.consume(handler, shutdown).await;
    }

    /// Brings events to Kafka, if they go there, deletes old ones and measures how far the consumers are behind.
    async fn keep_events(&self, roles: &Roles, shutdown: &CancellationToken) {
        if roles.has(Role::Api) {
            let groups = self.groups();
            tokio::join!(
                events::relay(&self.events, self.records.clone(), shutdown),
                events::prune(&self.events, &*self.records, shutdown),
                events::measure(&*self.bus, &groups, shutdown),
                events::count_letters(&*self.records, shutdown),
            );
        }
    }

    /// All alerts that were raised before; none if it is told to stop before they can be read.
    async fn alerts_before(&self, shutdown: &CancellationToken) -> Option<Vec<Alert>> {
        loop {
            match self.all_alerts().await {
                Ok(alerts) => return Some(alerts),
                Err(error) => {
                    tracing::warn!(%error, "the alerts of before cannot be read; it is tried again")
                }
            }
            shutdown.run_until_cancelled(tokio::time::sleep(AGAIN)).await?;
        }
    }

    async fn all_alerts(&self) -> Stored<Vec<Alert>> {
        let mut all: Vec<Alert> = Vec::new();
        loop {
            let page = self.records.alerts(all.last().map_or(0, |alert| alert.id), PAGE).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    fn group(&self, role: Role) -> Group {
        role.group(&self.monitor)
    }

    /// Those whose being behind is measured.
    fn groups(&self) -> [Group; 4] {
        [Role::Signer, Role::Verifier, Role::Recorder, Role::Monitor].map(|role| self.group(role))
    }
}
