//! Problem documents (RFC 9457).

use axum::{
    extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection},
    http::{
        HeaderValue, StatusCode, Uri,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    problem::{Kind, Problem},
    server::Told,
};

/// The media type of problem documents.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not done (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Document<'a> {
    /// Names the code as a URI.
    #[serde(rename = "type")]
    #[schema(example = "urn:sillok:problem:request.signature")]
    kind: String,
    /// The status in words.
    #[schema(example = "Bad Request")]
    title: &'a str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 400)]
    status: u16,
    /// What happened and what to do, for people.
    #[schema(
        example = "the request's signature does not verify; sign it with the key of the named certificate"
    )]
    detail: &'a str,
    /// What happened, for programs. It never changes its meaning.
    #[schema(example = "request.signature")]
    code: &'a str,
    /// Whether sending the same again may help.
    retry: bool,
    /// The ledger transaction it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    transaction: Option<&'a str>,
}

/// A problem with its HTTP status.
#[derive(Debug)]
pub(super) struct HttpProblem {
    status: StatusCode,
    problem: Problem,
}

impl HttpProblem {
    /// A problem whose status is not its kind's.
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, problem: Problem::new(Kind::Invalid, code, detail) }
    }
}

impl From<Problem> for HttpProblem {
    fn from(problem: Problem) -> Self {
        let status = match (problem.kind, problem.code) {
            (_, "limit.headers") => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            (kind, _) => status_of(kind),
        };
        Self { status, problem }
    }
}

impl IntoResponse for HttpProblem {
    fn into_response(self) -> Response {
        let Self { status, problem } = self;
        let document = Document {
            kind: format!("urn:sillok:problem:{}", problem.code),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: &problem.detail,
            code: problem.code,
            retry: problem.retry,
            transaction: problem.transaction.as_deref(),
        };
        let body = serde_json::to_vec(&document).expect("a problem document has string keys only");
        let mut response = (status, [(CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        if let Some(seconds) = problem.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(Told::from(&problem));
        response
    }
}

/// A problem as this face answers it.
pub(super) fn answer(problem: Problem) -> Response {
    HttpProblem::from(problem).into_response()
}

fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::TimedOut => StatusCode::GATEWAY_TIMEOUT,
    }
}

/// The answer where there is no route.
pub(super) async fn unknown_path(_: Uri) -> HttpProblem {
    let detail = "there is nothing at this path; /openapi.json names what there is";
    HttpProblem::new(StatusCode::NOT_FOUND, "path.unknown", detail)
}

/// Makes a problem document of an error that a library answered with, such as a wrong method.
pub(super) fn complete(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.extensions().get::<Told>().is_some() {
        return response;
    }
    let (code, detail) = match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            ("method.not_allowed", "this path does not take this method; see Allow")
        }
        StatusCode::NOT_FOUND => {
            ("path.unknown", "there is nothing at this path; /openapi.json names what there is")
        }
        StatusCode::PAYLOAD_TOO_LARGE => ("limit.body", "the body is larger than it may be"),
        status if status.is_client_error() => ("request.malformed", "the request cannot be read"),
        _ => ("internal", "the gateway failed; its log says more under this answer's x-request-id"),
    };
    let mut completed = HttpProblem::new(status, code, detail).into_response();
    if let Some(allow) = response.headers().get(axum::http::header::ALLOW) {
        completed.headers_mut().insert(axum::http::header::ALLOW, allow.clone());
    }
    completed
}

impl From<JsonRejection> for HttpProblem {
    fn from(rejection: JsonRejection) -> Self {
        match rejection {
            JsonRejection::MissingJsonContentType(_) => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "body.media_type",
                "the body must be JSON: send Content-Type: application/json",
            ),
            JsonRejection::BytesRejection(rejection) => rejection.into(),
            malformed => Self::new(StatusCode::BAD_REQUEST, "body.malformed", malformed.body_text()),
        }
    }
}

impl From<BytesRejection> for HttpProblem {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let detail = "the body is larger than it may be; send fewer queries under one signature";
            return Problem::new(Kind::TooLarge, "limit.body", detail).into();
        }
        Self::new(StatusCode::BAD_REQUEST, "body.malformed", "the body could not be read to its end")
    }
}

impl From<PathRejection> for HttpProblem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "path.malformed", rejection.body_text())
    }
}

impl From<QueryRejection> for HttpProblem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "query.malformed", rejection.body_text())
    }
}
