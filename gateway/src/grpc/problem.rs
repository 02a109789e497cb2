//! Problems as gRPC tells them: a status whose details are a `google.rpc.Status` (the richer error model of gRPC) with a
//! `sillok.v1.Problem` and, where a time to wait is known, a `google.rpc.RetryInfo`.

use axum::{body::Body, response::Response};
use prost::Message as _;
use prost_types::{Any, Duration};
use sillok_proto::gateway;
use tonic::{Code, Status};

use crate::{
    problem::{Kind, Problem},
    server::Told,
};

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
struct RichStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Duration>,
}

/// The status that tells a problem.
pub(super) fn status(problem: Problem) -> Status {
    let code = code_of(&problem);
    let told = gateway::Problem {
        code: problem.code.to_owned(),
        detail: problem.detail.clone(),
        retry: problem.retry,
        transaction: problem.transaction.unwrap_or_default(),
    };
    let mut details = vec![packed("sillok.v1.Problem", &told)];
    if let Some(seconds) = problem.retry_after {
        let delay = Duration { seconds: seconds.into(), nanos: 0 };
        details.push(packed("google.rpc.RetryInfo", &RetryInfo { retry_delay: Some(delay) }));
    }
    let rich = RichStatus { code: code.into(), message: problem.detail.clone(), details };
    Status::with_details(code, problem.detail, rich.encode_to_vec().into())
}

/// A problem as this face answers it.
pub(super) fn answer(problem: Problem) -> Response {
    let told = Told::from(&problem);
    let mut response = status(problem).into_http::<Body>();
    response.extensions_mut().insert(told);
    response
}

/// Gives details to a status that a library answered with, such as one of an unknown method.
pub(super) fn complete(response: Response) -> Response {
    let Some(status) = Status::from_header_map(response.headers()) else { return response };
    if status.code() == Code::Ok || response.extensions().get::<Told>().is_some() {
        return response;
    }
    match problem_in(&status) {
        Some(told) => with_told(response, told),
        None => answer(of_library(&status)),
    }
}

/// The problem that a handler put into its status.
fn problem_in(status: &Status) -> Option<Told> {
    let rich = RichStatus::decode(status.details()).ok()?;
    let packed = rich.details.iter().find(|any| any.type_url.ends_with("/sillok.v1.Problem"))?;
    let problem = gateway::Problem::decode(packed.value.as_slice()).ok()?;
    let fault = matches!(status.code(), Code::Internal | Code::Unavailable | Code::DeadlineExceeded);
    Some(Told { code: problem.code.into(), fault })
}

/// Handlers give every status its problem, so these come from before a handler: the call itself is wrong.
fn of_library(status: &Status) -> Problem {
    match status.code() {
        Code::Unimplemented => {
            let detail =
                "there is no such method, or not in this encoding; ask the reflection service what there is";
            Problem::new(Kind::Invalid, "method.unknown", detail)
        }
        Code::OutOfRange | Code::ResourceExhausted => {
            let detail = "the message is larger than it may be; send fewer queries under one signature";
            Problem::new(Kind::TooLarge, "limit.body", detail)
        }
        _ => Problem::new(Kind::Invalid, "message.malformed", "the message is not of its method's form"),
    }
}

fn with_told(mut response: Response, told: Told) -> Response {
    response.extensions_mut().insert(told);
    response
}

fn packed(name: &str, message: &impl prost::Message) -> Any {
    Any { type_url: format!("type.googleapis.com/{name}"), value: message.encode_to_vec() }
}

fn code_of(problem: &Problem) -> Code {
    match problem.kind {
        _ if problem.code == "method.unknown" => Code::Unimplemented,
        Kind::Invalid => Code::InvalidArgument,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::Forbidden => Code::PermissionDenied,
        Kind::NotFound => Code::NotFound,
        Kind::Conflict => Code::AlreadyExists,
        Kind::TooLarge => Code::OutOfRange,
        Kind::Unprocessable => Code::FailedPrecondition,
        Kind::TooMany => Code::ResourceExhausted,
        Kind::Internal => Code::Internal,
        Kind::Unavailable => Code::Unavailable,
        Kind::TimedOut => Code::DeadlineExceeded,
    }
}
