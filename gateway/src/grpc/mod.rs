//! gRPC: the same operations as REST, from the same service; health and reflection beside them.

mod certificates;
mod gateway;
mod health;
mod letters;
mod message;
mod problem;
mod signatures;

use std::{
    collections::HashSet,
    sync::{Arc, LazyLock},
};

use axum::{Router, extract::Request, middleware::from_fn_with_state};
use prost::Message as _;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use sillok_proto::{
    DESCRIPTORS,
    gateway::{
        dead_letters_server::DeadLettersServer, gateway_server::GatewayServer,
        signatures_server::SignaturesServer,
    },
};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;

use crate::{
    config::Limits,
    server::{Edge, Face, Gate, bound},
    service::{Role, Roles, Service},
};

const FACE: Face = Face { name: "grpc", answer: problem::answer, complete: problem::complete, operation };

/// What the handlers work with.
#[derive(Clone)]
pub(crate) struct Grpc {
    service: Service,
    gate: Arc<Gate>,
    stopping: CancellationToken,
}

impl Grpc {
    /// The face of a service. Its streams end when `stopping` is cancelled.
    pub(crate) fn new(service: Service, gate: Arc<Gate>, stopping: CancellationToken) -> Self {
        Self { service, gate, stopping }
    }

    /// The map of gRPC: every service of these roles, and what stands around it.
    pub(crate) fn router(self, roles: &Roles, limits: &Limits) -> Router {
        let edge = Edge::new(FACE, self.gate.clone(), limits);
        let gateway = GatewayServer::new(self.clone()).max_decoding_message_size(limits.body_bytes);
        let signatures = SignaturesServer::new(self.clone()).max_decoding_message_size(limits.body_bytes);
        let letters = DeadLettersServer::new(self.clone()).max_decoding_message_size(limits.body_bytes);
        let health = HealthServer::new(health::Health::new(self.service, self.gate, self.stopping));
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()
            .expect("the descriptors are compiled in");
        let routes = Routes::new(health).add_service(reflection).into_axum_router();
        if !roles.has(Role::Api) {
            return edge.around(routes);
        }
        let operations = Routes::new(gateway)
            .add_service(signatures)
            .add_service(letters)
            .into_axum_router()
            .reset_fallback()
            .route_layer(from_fn_with_state(edge.clone(), bound));
        edge.around(routes.merge(operations))
    }
}

/// The method's full name; what no service here has is `unknown`.
fn operation(request: &Request) -> String {
    static METHODS: LazyLock<HashSet<String>> = LazyLock::new(|| {
        [DESCRIPTORS, tonic_health::pb::FILE_DESCRIPTOR_SET, tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET]
            .into_iter()
            .filter_map(|descriptors| FileDescriptorSet::decode(descriptors).ok())
            .flat_map(|set| set.file)
            .flat_map(|file| methods(&file))
            .collect()
    });
    let path = request.uri().path();
    if METHODS.contains(path) { path.to_owned() } else { "unknown".to_owned() }
}

fn methods(file: &FileDescriptorProto) -> Vec<String> {
    let path = |service: &str, method: &str| format!("/{}.{service}/{method}", file.package());
    let services = file.service.iter();
    services
        .flat_map(|service| service.method.iter().map(|method| path(service.name(), method.name())))
        .collect()
}
