//! What every call passes before it reaches its handler, on both ports: a request id, a log line and metrics, a guard
//! against panics, the limits of head, rate and time.

use std::{
    borrow::Cow,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{AUTHORIZATION, HOST},
        uri::Authority,
    },
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use futures_util::FutureExt as _;
use metrics::Label;
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

/// The URI a call was made to, without its query: what an access token names as `htu` (RFC 9449, section 4.2). Calls with
/// an `Authorization` have it.
#[derive(Clone, Debug)]
pub(crate) struct Target(pub(crate) String);

/// How a face speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Face {
    /// `rest` or `grpc`.
    pub(crate) name: &'static str,
    /// How it tells a problem.
    pub(crate) answer: fn(Problem) -> Response,
    /// Makes a problem of an error that a library answered with.
    pub(crate) complete: fn(Response) -> Response,
    /// What a call is called in the log and the metrics; never what the caller made up.
    pub(crate) operation: fn(&Request) -> String,
}

/// The edge of one face.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    face: Face,
    /// The gate that both faces share.
    gate: Arc<Gate>,
    /// The largest head, in bytes.
    header_bytes: usize,
    /// The largest body that a handler reads.
    body: DefaultBodyLimit,
    /// How long a call may take.
    time: Duration,
}

impl Edge {
    /// An edge with these limits.
    pub(crate) fn new(face: Face, gate: Arc<Gate>, limits: &Limits) -> Self {
        Self {
            face,
            gate,
            header_bytes: limits.header_bytes,
            body: DefaultBodyLimit::max(limits.body_bytes),
            time: Duration::from_millis(limits.request_ms),
        }
    }

    /// Puts the edge around every route. It is one layer: each further one costs every call a few allocations.
    pub(crate) fn around(self, router: Router) -> Router {
        router.layer(from_fn_with_state(self, observe))
    }

    /// The answer, or what it was that a handler's panic left of it.
    async fn guard(&self, request: Request, next: Next) -> Response {
        match AssertUnwindSafe(self.limit(request, next)).catch_unwind().await {
            Ok(response) => response,
            Err(_) => (self.face.answer)(of_panic()),
        }
    }

    /// The answer within the limits, or the problem that it goes beyond them.
    async fn limit(&self, mut request: Request, next: Next) -> Response {
        if let Err(problem) = self.admit(&request) {
            return (self.face.answer)(problem);
        }
        self.body.apply(&mut request);
        match tokio::time::timeout(self.time, next.run(request)).await {
            Ok(response) => (self.face.complete)(response),
            Err(_) => (self.face.answer)(self.out_of_time()),
        }
    }

    fn out_of_time(&self) -> Problem {
        let detail = format!(
            "the request was not done after {} ms; send the same again to learn what became of it",
            self.time.as_millis()
        );
        Problem::new(Kind::TimedOut, "limit.time", detail)
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
        Err(problem) => (edge.face.answer)(problem),
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

async fn observe(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    if request.headers().contains_key(AUTHORIZATION) {
        let target = Target(target_of(&request));
        request.extensions_mut().insert(target);
    }
    let id = hex::encode(rand::random::<[u8; 8]>());
    let operation = (edge.face.operation)(&request);
    let span = tracing::info_span!("request", id, face = edge.face.name, operation);
    let started = Instant::now();
    let mut response = edge.guard(request, next).instrument(span.clone()).await;
    span.in_scope(|| tell(edge.face.name, operation, &response, started.elapsed()));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn tell(face: &'static str, operation: String, response: &Response, took: Duration) {
    let status = response.status();
    let told = response.extensions().get::<Told>();
    let code = told.map_or(Cow::Borrowed(""), |told| told.code.clone());
    let milliseconds = took.as_millis();
    if told.is_some_and(|told| told.fault) {
        tracing::warn!(status = status.as_u16(), code = &*code, milliseconds, "answered");
    } else {
        tracing::info!(status = status.as_u16(), code = &*code, milliseconds, "answered");
    }
    let mut labels = vec![Label::from_static_parts("face", face), Label::new("operation", operation)];
    metrics::histogram!("sillok_request_seconds", labels.clone()).record(took.as_secs_f64());
    labels.extend([Label::new("status", status.as_str().to_owned()), Label::new("code", code)]);
    metrics::counter!("sillok_requests_total", labels).increment(1);
}

/// The authority is the one the caller named (HTTP/2) or the Host header (HTTP/1.1).
fn target_of(request: &Request) -> String {
    let scheme = if request.extensions().get::<Encrypted>().is_some() { "https" } else { "http" };
    let host = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(Authority::as_str).or_else(host).unwrap_or_default();
    format!("{scheme}://{authority}{}", request.uri().path())
}

fn of_panic() -> Problem {
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
