use fabric_protos::peer;
use prost::bytes::Bytes;

use crate::Stub;

/// What a chaincode answers to a transaction.
///
/// Below [`ERROR_THRESHOLD`](Self::ERROR_THRESHOLD) the peer endorses it, and its writes may reach the ledger; from
/// there on it does not, and the client gets status and message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// In the manner of HTTP: 200 is success.
    pub status: i32,
    /// For people; empty on success.
    pub message: String,
    /// For programs.
    pub payload: Bytes,
}

impl Response {
    /// The status of a success.
    pub const OK: i32 = 200;
    /// From this status on a peer does not endorse.
    pub const ERROR_THRESHOLD: i32 = 400;
    /// The status of a failure without a more exact one.
    pub const ERROR: i32 = 500;

    /// Success, with what the client asked for.
    pub fn success(payload: impl Into<Bytes>) -> Self {
        Self { status: Self::OK, message: String::new(), payload: payload.into() }
    }

    /// Failure, with status 500 and a sentence that says why.
    pub fn error(message: impl Into<String>) -> Self {
        Self { status: Self::ERROR, message: message.into(), payload: Bytes::new() }
    }

    /// Whether a peer endorses it.
    #[must_use]
    pub fn is_endorsed(&self) -> bool {
        self.status < Self::ERROR_THRESHOLD
    }
}

impl From<Response> for peer::Response {
    fn from(Response { status, message, payload }: Response) -> Self {
        Self { status, message, payload }
    }
}

impl From<peer::Response> for Response {
    fn from(peer::Response { status, message, payload }: peer::Response) -> Self {
        Self { status, message, payload }
    }
}

/// A program that endorsing peers run to learn what a transaction reads and writes.
///
/// Every peer runs it for itself and all must come to the same result, so it may depend on nothing but the stub: no
/// clock, no randomness, no file, no iteration order of a hash map.
///
/// Transactions run side by side, each on a thread of its own that may block. A panic ends its transaction alone.
pub trait Chaincode: Send + Sync + 'static {
    /// Prepares the ledger, where the chaincode's definition demands it (`--init-required`).
    fn init(&self, stub: &Stub) -> Response {
        let _ = stub;
        Response::success(Bytes::new())
    }

    /// Runs one transaction.
    fn invoke(&self, stub: &Stub) -> Response;
}
