//! REST: the routes, and what each takes and answers. Whatever is done, [`crate::service`] does.

mod alerts;
mod batches;
mod body;
mod caller;
mod certificates;
mod document;
mod documents;
mod entries;
mod erasure;
mod learners;
mod letters;
mod objections;
mod operation;
mod origins;
mod page;
mod parameters;
mod problem;
mod requests;
mod signatures;
mod stream;
mod trail;

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::DefaultBodyLimit, middleware::from_fn_with_state};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt as _},
    routes,
};
use utoipa_swagger_ui::SwaggerUi;

use crate::{
    config::{Limits, Listen, Metrics},
    server::{Edge, Face, Gate, bound, matched_route},
    service::{Role, Roles, Service},
};

const FACE: Face =
    Face { name: "rest", answer: problem::answer, complete: problem::complete, operation: matched_route };

/// What the handlers work with.
#[derive(Clone)]
pub(crate) struct Rest {
    service: Service,
    gate: Arc<Gate>,
    stopping: CancellationToken,
    heartbeat: Duration,
    metrics: PrometheusHandle,
    metrics_for: Metrics,
    /// The pages that may call.
    origins: Vec<String>,
}

impl Rest {
    /// The face of a service. Its streams end when `stopping` is cancelled.
    pub(crate) fn new(
        service: Service,
        gate: Arc<Gate>,
        stopping: CancellationToken,
        settings: &Listen,
        metrics: PrometheusHandle,
    ) -> Self {
        let heartbeat = Duration::from_millis(settings.heartbeat_ms);
        let (metrics_for, origins) = (settings.metrics, settings.origins.clone());
        Self { service, gate, stopping, heartbeat, metrics, metrics_for, origins }
    }

    /// The map of REST: every route of these roles, and what stands around it.
    pub(crate) fn router(self, roles: &Roles, limits: &Limits) -> Router {
        let edge = Edge::new(FACE, self.gate.clone(), limits);
        let origins = self.origins.clone();
        let outline = OpenApiRouter::with_openapi(document::outline());
        let operations = match roles.has(Role::Api) {
            true => operations(outline, limits.certificate_bytes)
                .route_layer(from_fn_with_state(edge.clone(), bound)),
            false => outline,
        };
        let (routes, api) = operations
            .routes(routes!(operation::healthz))
            .routes(routes!(operation::readyz))
            .routes(routes!(operation::metrics))
            .split_for_parts();
        let routes = routes
            .with_state(self)
            .merge(SwaggerUi::new("/docs").url("/openapi.json", document::complete(api)))
            .fallback(problem::unknown_path);
        origins::admit(&origins, edge.around(routes))
    }
}

/// What callers ask of a gateway.
fn operations(outline: OpenApiRouter<Rest>, certificate_bytes: usize) -> OpenApiRouter<Rest> {
    outline
        .routes(routes!(requests::submit))
        .routes(routes!(requests::request))
        .routes(routes!(entries::entry))
        .routes(routes!(entries::proof))
        .routes(routes!(batches::list))
        .routes(routes!(stream::entries))
        .routes(routes!(learners::list))
        .routes(routes!(learners::verification))
        .routes(routes!(learners::history))
        .routes(routes!(trail::trail))
        .routes(routes!(trail::entries))
        .routes(routes!(stream::learner_entries))
        .routes(routes!(learners::restoration))
        .routes(routes!(alerts::list))
        .routes(routes!(letters::list))
        .routes(routes!(letters::letter))
        .routes(routes!(letters::replay))
        .routes(routes!(letters::discard))
        .routes(routes!(certificates::request, certificates::waiting))
        .routes(routes!(certificates::certificate))
        .routes(routes!(certificates::draft))
        .routes(routes!(certificates::file))
        .routes(routes!(certificates::print))
        .routes(routes!(certificates::act))
        .routes(routes!(certificates::status))
        .routes(routes!(page::page))
        .routes(routes!(certificates::verify).layer(DefaultBodyLimit::max(certificate_bytes)))
        .routes(routes!(erasure::state, erasure::erase))
        .routes(routes!(objections::file, objections::list))
        .routes(routes!(objections::objection))
        .routes(routes!(objections::decide))
        .routes(routes!(signatures::submit))
        .routes(routes!(signatures::request_signing))
        .routes(routes!(signatures::signature))
        .routes(routes!(signatures::proof))
        .routes(routes!(signatures::of_hash))
        .routes(routes!(documents::open, documents::list))
        .routes(routes!(documents::document))
        .routes(routes!(documents::act))
        .routes(routes!(documents::claim))
        .routes(routes!(documents::claim_of))
}
