//! The roles that handle events, and what keeps events going.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{
    Core, Role, Roles, Service,
    signatures::{OfficeSigner, Recorder, Verifier},
};
use crate::{
    events::{self, Consumer, Group, Handler, Topic},
    monitor::{self, Watcher},
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
        let signer = OfficeSigner { core: core.clone(), group: group(Role::Signer) };
        let verifier = Verifier { core: core.clone(), group: group(Role::Verifier) };
        let recorder = Recorder { core: core.clone(), group: group(Role::Recorder) };
        tokio::join!(
            events::relay(&core.events, core.records.clone(), shutdown),
            core.keep_events(roles, shutdown),
            core.consume(roles, Role::Signer, &[Topic::SignaturesRequested], &signer, shutdown),
            core.consume(roles, Role::Verifier, &[Topic::SignaturesCreated], &verifier, shutdown),
            core.consume(roles, Role::Recorder, &[Topic::SignaturesVerified], &recorder, shutdown),
            self.monitor(roles, shutdown),
        );
    }

    async fn monitor(&self, roles: &Roles, shutdown: &CancellationToken) {
        if !roles.has(Role::Monitor) {
            return;
        }
        let core = &self.core;
        let Some(before) = core.alerts_before(shutdown).await else { return };
        let groups = groups();
        let watcher = Watcher::new(&core.monitor, &before, Arc::new(self.clone()));
        tokio::join!(
            core.consume(roles, Role::Monitor, &monitor::TOPICS, &watcher, shutdown),
            watcher.measure(&*core.bus, &groups, shutdown),
        );
    }
}

impl Core {
    async fn consume(
        &self,
        roles: &Roles,
        role: Role,
        topics: &[Topic],
        handler: &dyn Handler,
        shutdown: &CancellationToken,
    ) {
        if !roles.has(role) {
            return;
        }
        let consumer = Consumer {
            bus: self.bus.clone(),
            records: self.records.clone(),
            settings: self.events.clone(),
            group: group(role),
            topics: topics.to_vec(),
        };
        consumer.consume(handler, shutdown).await;
    }

    /// Deletes old events and measures how far the consumers are behind.
    async fn keep_events(&self, roles: &Roles, shutdown: &CancellationToken) {
        if roles.has(Role::Api) {
            let groups = groups();
            tokio::join!(
                events::prune(&self.events, &*self.records, shutdown),
                events::measure(&*self.bus, &groups, shutdown),
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
}

/// The consumers of a role are one group.
fn group(role: Role) -> Group {
    Group::new(role.as_str()).expect("a role's name is letters")
}

/// Those whose being behind is measured.
fn groups() -> [Group; 4] {
    [Role::Signer, Role::Verifier, Role::Recorder, Role::Monitor].map(group)
}
