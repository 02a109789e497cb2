//! What the gateway does, whichever face asks: REST and gRPC both call [`Service`] and add nothing of their own.

mod caller;
mod settings;
mod state;

use std::sync::Arc;

use futures_util::stream::BoxStream;
use sillok_contract::{entry::EntryId, id::SchoolId};

pub use caller::Caller;
pub use settings::{BatchSettings, RequestSettings, Settings, StandingSettings};
pub use state::{
    Batch, Cursor, Digest, EntryRecorded, EntryState, PartState, Place, QueryResult, RequestState,
};

use crate::problem::{Kind, Problem};

/// The time, in microseconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The operations of the gateway. Cheap to clone: every clone is the same service.
#[derive(Clone)]
pub struct Service;

impl Service {
    /// Executes a signed request and answers as soon as effect and entries are durable.
    ///
    /// `request` is the compact JWS; `queries` are the texts it signs for, as sent, in the order of the hashes. It
    /// needs no bearer token: the signature says who asks. The same request sent again answers as the first time.
    pub async fn submit(&self, _request: &str, _queries: Vec<Vec<u8>>) -> Result<RequestState, Problem> {
        Err(unfinished())
    }

    /// The state of an executed request, entry by entry, without the rows; `digest` is the SHA-256 of its JWS.
    pub async fn request(&self, _caller: &Caller, _digest: [u8; 32]) -> Result<RequestState, Problem> {
        Err(unfinished())
    }

    /// The state of one entry.
    pub async fn entry(&self, _caller: &Caller, _id: EntryId) -> Result<EntryState, Problem> {
        Err(unfinished())
    }

    /// The proof of a recorded entry: canonical JSON (RFC 8785).
    pub async fn proof(&self, _caller: &Caller, _id: EntryId) -> Result<String, Problem> {
        Err(unfinished())
    }

    /// A school's recorded batches after a sequence, in order. A `limit` of 0 means the most: 100.
    pub async fn batches(
        &self,
        _caller: &Caller,
        _school: &SchoolId,
        _after: u64,
        _limit: u32,
    ) -> Result<Vec<Batch>, Problem> {
        Err(unfinished())
    }

    /// A school's recorded entries after the cursor (none: from the first), each once and in order, then those to
    /// come as they are recorded. It ends only with the service or with an error; go on from the last cursor.
    pub async fn entries(
        &self,
        _caller: &Caller,
        _school: &SchoolId,
        _after: Option<Cursor>,
    ) -> Result<BoxStream<'static, Result<EntryRecorded, Problem>>, Problem> {
        Err(unfinished())
    }

    /// Who the bearer of this access token is. `method` and `uri` are those of the call it comes with; for gRPC
    /// `POST` and the URI of the RPC's path.
    pub async fn authenticate(&self, _bearer: &str, _method: &str, _uri: &str) -> Result<Caller, Problem> {
        Err(unfinished())
    }

    /// Each part that must work for requests to be taken, and why it does not.
    pub async fn ready(&self) -> Vec<PartState> {
        Vec::new()
    }
}

fn unfinished() -> Problem {
    Problem::new(Kind::Internal, "internal.unfinished", "this operation is not built yet")
}
