//! Refusals, as both faces tell them.

use prost::Message as _;
use serde::Deserialize;
use sillok_gateway::client::{ClientError, Refused};
use sillok_proto::gateway::Problem;
use tonic::Code;

/// What a refusal tells a program, whichever face told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Stable.
    pub code: String,
    /// For people.
    pub detail: String,
    /// Whether sending the same again may help.
    pub retry: bool,
    /// Seconds to wait before that.
    pub retry_after: Option<u64>,
    /// The ledger transaction it is about.
    pub transaction: Option<String>,
    /// As an HTTP status.
    pub status: u16,
}

/// Why there is no answer of the form that was asked for.
#[derive(Clone, Debug)]
pub enum Failed {
    /// The gateway refused.
    Refused(Refusal),
    /// No answer: it is not known whether it was done.
    Unanswered(String),
}

impl Failed {
    /// The refusal; fails the test where there was none.
    pub fn refused(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Unanswered(why) => panic!("the gateway did not answer: {why}"),
        }
    }
}

/// What was answered; fails the test where it was refused.
pub fn done<T>(answer: Result<T, Failed>) -> T {
    answer.map_err(Failed::refused).unwrap()
}

/// Fails the test unless it was refused with this code and status.
pub fn refused<T: std::fmt::Debug>(answer: Result<T, Failed>, code: &str, status: u16) {
    let refusal = answer.map_err(Failed::refused).unwrap_err();
    assert_eq!((refusal.code.as_str(), refusal.status), (code, status), "{refusal:?}");
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(Refused { status, code, detail, retry, retry_after, transaction }) => {
                Self::Refused(Refusal { code, detail, retry, retry_after, transaction, status })
            }
            ClientError::Unreachable(why) => Self::Unanswered(why),
            other => panic!("G12: neither an answer nor a problem: {other}"),
        }
    }
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
struct RichStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<prost_types::Duration>,
}

impl From<tonic::Status> for Failed {
    fn from(status: tonic::Status) -> Self {
        let rich = RichStatus::decode(status.details()).unwrap();
        let find = |name: &str| rich.details.iter().find(|any| any.type_url.ends_with(name));
        let Some(problem) = find("/sillok.v1.Problem") else {
            return Self::Unanswered(format!("{status:?}"));
        };
        let problem = Problem::decode(problem.value.as_slice()).unwrap();
        assert_eq!(rich.code, i32::from(status.code()), "G12: one status in two places");
        let delay = find("/google.rpc.RetryInfo").map(|any| RetryInfo::decode(any.value.as_slice()).unwrap());
        let seconds = delay.and_then(|info| info.retry_delay).map(|delay| delay.seconds.unsigned_abs());
        Self::Refused(Refusal {
            code: problem.code,
            detail: problem.detail,
            retry: problem.retry,
            retry_after: seconds,
            transaction: Some(problem.transaction).filter(|id| !id.is_empty()),
            status: http_of(status.code()),
        })
    }
}

fn http_of(code: Code) -> u16 {
    match code {
        Code::InvalidArgument => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::AlreadyExists => 409,
        Code::OutOfRange => 413,
        Code::FailedPrecondition => 422,
        Code::ResourceExhausted => 429,
        Code::Internal => 500,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
        other => panic!("G12: {other:?} is no status of the gateway"),
    }
}

/// A problem document (RFC 9457), every member of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    detail: String,
    code: String,
    retry: bool,
    transaction: Option<String>,
}

impl Refusal {
    /// Reads a REST answer that must be a problem document.
    pub async fn of_document(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let header = |name: &str| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
        let (media_type, retry_after) = (header("content-type"), header("retry-after"));
        assert_eq!(media_type.as_deref(), Some("application/problem+json"), "G12: status {status}");
        let document: Document = response.json().await.unwrap();
        assert_eq!(document.status, status, "G12: one status in two places");
        assert_eq!(document.kind, format!("urn:sillok:problem:{}", document.code), "G12");
        assert!(!document.title.is_empty() && !document.detail.is_empty(), "G12: {document:?}");
        Self {
            code: document.code,
            detail: document.detail,
            retry: document.retry,
            retry_after: retry_after.map(|seconds| seconds.parse().unwrap()),
            transaction: document.transaction,
            status,
        }
    }
}
