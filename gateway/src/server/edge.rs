//! What every call passes before it reaches its handler, on both ports: a request id, a log line and metrics, a guard
//! against panics, the limits of head, rate and time.

use std::{
    any::Any,
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header::HOST, uri::Authority},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument as _;

use super::{
    Gate, Peer,
    connection::{ClientCertificate, Encrypted},
    gate::RateKey,
};
use crate::{
    config::Limits,
    problem::{Kind, Problem},
};

/// The header that names a request in the gateway's log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The problem an answer tells, for the log and the metrics.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Its code.
    pub(crate) code: Cow<'static, str>,
    /// Whether the gateway or what it needs is to blame, not the caller.
    pub(crate) fault: bool,
}

impl From<&Problem> for Told {
    fn from(problem: &Problem) -> Self {
        let fault = matches!(problem.kind, Kind::Internal | Kind::Unavailable | Kind::TimedOut);
        Self { code: problem.code.into(), fault }
    }
}

/// The URI a call was made to, without its query: what an access token names as `htu` (RFC 9449, section 4.2).
#[derive(Clone, Debug)]
pub(crate) struct Target(pub(crate) String);

/// The edge of one face.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    /// `rest` or `grpc`.
    pub(crate) face: &'static str,
    /// How this face tells a problem.
    pub(crate) answer: fn(Problem) -> Response,
    /// What a call is called in the log and the metrics; never what the caller made up.
    pub(crate) operation: fn(&Request) -> String,
    /// The gate that both faces share.
    pub(crate) gate: Arc<Gate>,
    /// The largest head, in bytes.
    pub(crate) header_bytes: usize,
    /// How long a call may take.
    pub(crate) time: Duration,
}

impl Edge {
    /// An edge with these limits.
    pub(crate) fn new(
        face: &'static str,
        answer: fn(Problem) -> Response,
        operation: fn(&Request) -> String,
        gate: Arc<Gate>,
        limits: &Limits,
    ) -> Self {
        let time = Duration::from_millis(limits.request_ms);
        Self { face, answer, operation, gate, header_bytes: limits.header_bytes, time }
    }

    /// Puts the edge around every route.
    pub(crate) fn around(self, router: Router) -> Router {
        let answer = self.answer;
        router
            .layer(from_fn_with_state(self.clone(), limit))
            .layer(CatchPanicLayer::custom(move |panic| answer(of_panic(panic))))
            .layer(from_fn_with_state(self, observe))
    }

    fn admit(&self, request: &Request) -> Result<(), Problem> {
        let size = head_size(request);
        if size > self.header_bytes {
            let detail = format!("the request's head has {size} bytes; {} are allowed", self.header_bytes);
            return Err(Problem::new(Kind::TooLarge, "limit.headers", detail));
        }
        match rate_key(request) {
            Some(caller) => self.gate.count(&caller),
            None => Ok(()),
        }
    }
}

/// Work that counts against the requests at once. For the routes that reach the engines.
pub(crate) async fn bound(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    match edge.gate.enter() {
        Ok(_place) => next.run(request).await,
        Err(problem) => (edge.answer)(problem),
    }
}

/// The operation by the route that matched.
pub(crate) fn matched_route(request: &Request) -> String {
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
    format!("{} {route}", method_of(request))
}

/// Methods beyond the known ones are the caller's own words.
fn method_of(request: &Request) -> &'static str {
    const KNOWN: [&str; 8] = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"];
    KNOWN.into_iter().find(|known| *known == request.method().as_str()).unwrap_or("OTHER")
}

async fn limit(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    if let Err(problem) = edge.admit(&request) {
        return (edge.answer)(problem);
    }
    tokio::time::timeout(edge.time, next.run(request)).await.unwrap_or_else(|_| {
        let detail = format!(
            "the request was not done after {} ms; send the same again to learn what became of it",
            edge.time.as_millis()
        );
        (edge.answer)(Problem::new(Kind::TimedOut, "limit.time", detail))
    })
}

async fn observe(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let target = Target(target_of(&request));
    request.extensions_mut().insert(target);
    let id = hex::encode(rand::random::<[u8; 8]>());
    let operation = (edge.operation)(&request);
    let span = tracing::info_span!("request", id, face = edge.face, operation);
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| tell(&edge, operation, &response, started.elapsed()));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn tell(edge: &Edge, operation: String, response: &Response, took: Duration) {
    let status = response.status().as_u16();
    let told = response.extensions().get::<Told>();
    let code = told.map_or("", |told| &told.code);
    let milliseconds = took.as_millis();
    if told.is_some_and(|told| told.fault) {
        tracing::warn!(status, code, milliseconds, "answered");
    } else {
        tracing::info!(status, code, milliseconds, "answered");
    }
    let labels = [
        ("face", edge.face.to_owned()),
        ("operation", operation),
        ("status", status.to_string()),
        ("code", code.to_owned()),
    ];
    metrics::counter!("sillok_requests_total", &labels).increment(1);
    metrics::histogram!("sillok_request_seconds", &labels[..2]).record(took.as_secs_f64());
}

/// The authority is the one the caller named (HTTP/2) or the Host header (HTTP/1.1).
fn target_of(request: &Request) -> String {
    let scheme = if request.extensions().get::<Encrypted>().is_some() { "https" } else { "http" };
    let host = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(Authority::as_str).or_else(host).unwrap_or_default();
    format!("{scheme}://{authority}{}", request.uri().path())
}

fn of_panic(_: Box<dyn Any + Send>) -> Problem {
    // What the panic said went to standard error, where the operator reads it; it may hold a caller's data.
    tracing::error!("a handler panicked");
    Problem::new(
        Kind::Internal,
        "internal",
        "the gateway failed; its log says more under this answer's x-request-id",
    )
}

fn head_size(request: &Request) -> usize {
    let line = request.method().as_str().len()
        + request.uri().path().len()
        + request.uri().query().map_or(0, str::len);
    line + size_of_headers(request.headers())
}

fn size_of_headers(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

fn rate_key(request: &Request) -> Option<RateKey> {
    let extensions = request.extensions();
    let certificate =
        extensions.get::<ClientCertificate>().map(|certificate| RateKey::Certificate(certificate.0));
    certificate.or_else(|| extensions.get::<Peer>().map(|peer| RateKey::of_address(peer.address.ip())))
}
