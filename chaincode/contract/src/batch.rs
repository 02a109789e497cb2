//! Batches: how one is formed, checked and recorded, and what the ledger answers about it.

mod contents;
mod read;
mod record;
mod reply;
mod standing;
mod trail;

use prost::Message;
pub use reply::{Batch, BatchLeaf, Body, Entries, Head, Place, Position, Recorded, Trail};
use sillok_proto::ledger::BatchBody;

use contents::Contents;
pub use contents::{MAX_BODY, MAX_COMPRESSED, MAX_ENTRIES, MAX_SEQUENCE, read_body};
pub(crate) use read::{get_batch, get_body, get_head, list_entries};
pub(crate) use record::record;
pub use record::{EVENT, TRANSIENT};
pub use standing::{MAX_AGE, MAX_AHEAD, MAX_WAIT, SKEW};
pub use trail::EVENT as TRAIL_EVENT;
pub(crate) use trail::get_trail;

use crate::{Code, Refusal, digest::sha256, id::SchoolId};

const COMPRESSION_LEVEL: i32 = 3;

/// A batch as `RecordBatch` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formed {
    /// The bytes of the BatchHeader: the argument.
    pub header: Vec<u8>,
    /// Their SHA-256.
    pub header_hash: [u8; 32],
    /// The BatchBody, zstd-compressed: the transient value `body`.
    pub body: Vec<u8>,
}

/// Forms a school's batch of these entries, which rest on these requests (compact JWS, each once, none too many).
///
/// `sequence` and `previous` are the head's sequence + 1 and the head's header hash. Refuses what the ledger would
/// refuse for its form alone and names the entry; signatures and standing are left to the ledger.
pub fn build(
    school: &SchoolId,
    sequence: u64,
    previous: [u8; 32],
    requests: &[String],
    entries: &[Vec<u8>],
) -> Result<Formed, Refusal> {
    let body = BatchBody { requests: requests.to_vec(), entries: entries.to_vec(), erased: Vec::new() };
    let header = Contents::read(school, &body)?.header(school, sequence, previous)?.encode_to_vec();
    Ok(Formed { header_hash: sha256(&[&header]), header, body: packed(&body)? })
}

/// A body as it travels and rests: [`read_body`] reads it.
pub fn packed(body: &BatchBody) -> Result<Vec<u8>, Refusal> {
    let body = zstd::bulk::compress(&body.encode_to_vec(), COMPRESSION_LEVEL).map_err(|error| {
        Refusal::new(Code::BatchMalformed, format!("the body cannot be compressed: {error}"))
    })?;
    contents::check_compressed(&body)?;
    Ok(body)
}
