//! Why a call of the gateway failed, as its callers read it.

use reqwest::{Response, header::RETRY_AFTER};
use serde::Deserialize;

/// What of a problem document callers need (RFC 9457).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Refused {
    /// The HTTP status.
    #[serde(default)]
    pub status: u16,
    /// Stable, such as `request.signature`.
    pub code: String,
    /// A sentence for people.
    #[serde(default)]
    pub detail: String,
    /// Whether sending the same again may help.
    #[serde(default)]
    pub retry: bool,
    /// Seconds to wait before that.
    #[serde(skip)]
    pub retry_after: Option<u64>,
    /// The ledger transaction it is about.
    #[serde(default)]
    pub transaction: Option<String>,
}

/// Why a call of the gateway failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// The address or the certificate to trust cannot be used.
    #[error("the gateway cannot be called: {0}")]
    Setting(String),
    /// No answer: it is not known whether the gateway did what was asked. Sending the same request again is safe.
    #[error("the gateway does not answer: {0}")]
    Unreachable(String),
    /// The gateway answered with a problem.
    #[error("{}: {}", .0.code, .0.detail)]
    Refused(Refused),
    /// The answer is not of its form: probably no Sillok gateway.
    #[error("the gateway's answer cannot be read: {0}")]
    Malformed(String),
}

impl ClientError {
    pub(super) fn unreachable(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
        Self::Unreachable(causes.last().map_or_else(|| error.to_string(), ToString::to_string))
    }

    pub(super) async fn told(response: Response) -> Self {
        let status = response.status().as_u16();
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        match response.bytes().await {
            Ok(body) => match serde_json::from_slice::<Refused>(&body) {
                Ok(refused) => Self::Refused(Refused { status, retry_after, ..refused }),
                Err(_) => Self::Malformed(format!("status {status} without a problem document")),
            },
            Err(error) => Self::unreachable(error),
        }
    }

    /// The stable code the gateway refused with, if it did.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refused) => Some(&refused.code),
            _ => None,
        }
    }
}
