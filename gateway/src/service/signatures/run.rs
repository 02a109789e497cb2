//! The roles that handle signatures, as consumers of their events.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Recorder, Verifier};
use crate::{
    events::{self, Consumer, Group, Handler, Topic},
    service::{Core, Role, Roles},
};

/// Handles events of signatures in these roles, until `shutdown`.
pub(in crate::service) async fn run(core: Arc<Core>, roles: &Roles, shutdown: CancellationToken) {
    let verifier = Verifier { core: core.clone(), group: group(Role::Verifier) };
    let recorder = Recorder { core: core.clone(), group: group(Role::Recorder) };
    let groups = [Role::Verifier, Role::Recorder].map(group);
    tokio::join!(
        consume(&core, roles, Role::Verifier, Topic::SignaturesCreated, &verifier, &shutdown),
        consume(&core, roles, Role::Recorder, Topic::SignaturesVerified, &recorder, &shutdown),
        async {
            if roles.has(Role::Api) {
                tokio::join!(
                    events::prune(&core.events, &*core.records, &shutdown),
                    events::measure(&*core.bus, &groups, &shutdown),
                );
            }
        },
    );
}

async fn consume(
    core: &Core,
    roles: &Roles,
    role: Role,
    topic: Topic,
    handler: &dyn Handler,
    shutdown: &CancellationToken,
) {
    if !roles.has(role) {
        return;
    }
    let consumer = Consumer {
        bus: core.bus.clone(),
        records: core.records.clone(),
        settings: core.events.clone(),
        group: group(role),
        topics: vec![topic],
    };
    consumer.consume(handler, shutdown).await;
}

/// The consumers of a role are one group.
fn group(role: Role) -> Group {
    Group::new(role.as_str()).expect("a role's name is letters")
}
