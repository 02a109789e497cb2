//! What every face answers when something could not be done.

use serde::Serialize;

/// What kind of failure it is; decides the HTTP status and the gRPC code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The caller sent something that cannot be taken: 400, `INVALID_ARGUMENT`.
    Invalid,
    /// The caller did not prove who they are: 401, `UNAUTHENTICATED`.
    Unauthenticated,
    /// The caller may not do this: 403, `PERMISSION_DENIED`.
    Forbidden,
    /// There is no such thing, or not for this caller: 404, `NOT_FOUND`.
    NotFound,
    /// It contradicts what is already there: 409, `ALREADY_EXISTS`.
    Conflict,
    /// It is larger than the limits allow: 413, `OUT_OF_RANGE`.
    TooLarge,
    /// The statement could not be executed on the data as they are: 422, `FAILED_PRECONDITION`.
    Unprocessable,
    /// Too many at once; try again later: 429, `RESOURCE_EXHAUSTED`.
    TooMany,
    /// Something within failed: 500, `INTERNAL`.
    Internal,
    /// A part that is needed is away; try again later: 503, `UNAVAILABLE`.
    Unavailable,
    /// It took too long: 504, `DEADLINE_EXCEEDED`.
    TimedOut,
}

/// A failure as the caller sees it: RFC 9457 over REST, `sillok.v1.Problem` in gRPC's details.
///
/// `detail` is public: it says what happened and what to do, and holds no secret and no learner's data. What only the
/// operator may know is logged where the failure is handled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{code}: {detail}")]
pub struct Problem {
    /// Decides the status.
    #[serde(skip)]
    pub kind: Kind,
    /// Stable, such as `request.signature`.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
    /// Whether sending the same again may help.
    pub retry: bool,
    /// Seconds to wait before trying again, where that is known.
    #[serde(skip)]
    pub retry_after: Option<u32>,
    /// The ledger transaction it is about, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
}

impl Problem {
    /// A failure that trying again does not mend, unless its kind says otherwise.
    pub fn new(kind: Kind, code: &'static str, detail: impl Into<String>) -> Self {
        let retry = matches!(kind, Kind::TooMany | Kind::Unavailable | Kind::TimedOut);
        Self { kind, code, detail: detail.into(), retry, retry_after: None, transaction: None }
    }

    /// The same, with seconds to wait.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry = true;
        self.retry_after = Some(seconds);
        self
    }

    /// The same, about a ledger transaction.
    pub fn of_transaction(mut self, id: impl Into<String>) -> Self {
        self.transaction = Some(id.into());
        self
    }
}
