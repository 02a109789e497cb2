//! What an operator and a supervisor ask.

use axum::{
    Extension, Json,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Rest, problem::HttpProblem};
use crate::{
    config::Metrics,
    problem::{Kind, Problem},
    server::{Peer, Told},
    service::PartState,
};

/// Whether the gateway can take requests.
#[derive(Serialize, ToSchema)]
pub(super) struct Readiness {
    /// Whether every part works.
    ready: bool,
    /// Each part.
    parts: Vec<PartState>,
}

/// Whether the process runs.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "operation",
    responses((status = 200, description = "It does.", body = String, content_type = "text/plain", example = "ok")),
    security(())
)]
pub(super) async fn healthz() -> &'static str {
    "ok"
}

/// Whether requests can be taken, and which part stands in the way.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    responses(
        (status = 200, description = "Every part works.", body = Readiness),
        (status = 503, description = "A part does not work.", body = Readiness)
    ),
    security(())
)]
pub(super) async fn readyz(State(rest): State<Rest>) -> Response {
    let parts = rest.service.ready().await;
    let ready = !rest.stopping.is_cancelled() && parts.iter().all(|part| part.ready);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = (status, Json(Readiness { ready, parts })).into_response();
    if !ready {
        response.extensions_mut().insert(Told { code: "not_ready".into(), fault: true });
    }
    response
}

/// The gateway's metrics, in Prometheus' text format.
///
/// The configuration says who may read them; by default callers on the gateway's own machine.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    responses((status = 200, description = "Metrics.", body = String, content_type = "text/plain")),
    security(())
)]
pub(super) async fn metrics(
    State(rest): State<Rest>,
    Extension(peer): Extension<Peer>,
) -> Result<Response, HttpProblem> {
    let allowed = match rest.metrics_for {
        Metrics::Anyone => true,
        Metrics::Loopback => peer.address.ip().to_canonical().is_loopback(),
        Metrics::Nobody => false,
    };
    if !allowed {
        let detail = "the metrics are not for this address; the gateway's listen.metrics says for whom";
        return Err(Problem::new(Kind::Forbidden, "metrics.forbidden", detail).into());
    }
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], rest.metrics.render()).into_response())
}
