//! What the ledger says of a recorded batch, as Sillok's own tables are to hold it: for recorded batches they are a cache
//! of the ledger, and can be made anew from it.

use async_trait::async_trait;
use serde_json::{Map, Value};
use sillok_contract::{
    entry::{Entry, EntryId},
    id::{EducatorId, LearnerId, SchoolId},
};
use sillok_proto::ledger::{RowImage, entry::Result as EntryResult};

use super::{
    QueryOutcome, Result,
    execution::{canonical, digest},
};

/// What stands in an entry's row for what cannot be told any more, because its body was erased.
pub(super) const ERASED: &str = "erased";

/// Where an entry of the outbox must stand: in no batch, or where its batch holds it. Of the entries `e`.
pub(super) const ASTRAY: &str = "e.batch IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sillok_batches b
    WHERE b.school = e.school AND b.sequence = e.batch AND substr(b.entries, e.leaf * 32 + 1, 32) = e.id)";

/// What keeps Sillok's own tables in step with the ledger. Like [`super::Records`]: whatever is answered `Ok` is durable.
#[async_trait]
pub trait Mending: Send + Sync {
    /// A school's batch, recorded or in flight, as it lies there.
    async fn kept_batch(&self, school: &SchoolId, sequence: u64) -> Result<Option<KeptBatch>>;
    /// The numbers of a school's batches that have a receipt and come after this one, in order, at most `limit`.
    async fn recorded_after(&self, school: &SchoolId, after: u64, limit: u32) -> Result<Vec<u64>>;
    /// The requests with these digests, those that are there, as they lie there, in no order.
    async fn kept_requests(&self, digests: &[[u8; 32]]) -> Result<Vec<KeptRequest>>;
    /// Entries that say they are in a batch which does not hold them, so that no gateway would ever record them; at most
    /// `limit`. Reads the whole outbox.
    async fn astray(&self, limit: u32) -> Result<Vec<Astray>>;
    /// Makes the rows of a recorded batch what the ledger says: the batch, all of its entries, and the requests that are
    /// named. Whatever stands in their places is overwritten, be it in flight. All of it in one transaction, or nothing.
    async fn mend(&self, batch: &LedgerBatch) -> Result<()>;
    /// Deletes a batch that has a receipt: one that the ledger does not have. Its entries go astray by that.
    async fn forget_batch(&self, school: &SchoolId, sequence: u64) -> Result<()>;
    /// A school's entries that are astray wait for a batch again; how many they were.
    async fn free_astray(&self, school: &SchoolId) -> Result<u64>;
}

/// Whoever knows the ledger, for the watch: what somebody writes of recorded batches is true or not.
#[async_trait]
pub trait Witness: Send + Sync {
    /// Whether a batch's receipt says the same as the batch itself. Asks nobody: a forger can make both.
    fn fits(&self, batch: &KeptBatch) -> bool;
    /// Whether the ledger has the batch so. Not, where it cannot be asked.
    async fn has(&self, batch: &KeptBatch) -> bool;
}

/// A recorded batch with all that the tables hold of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerBatch {
    /// The school.
    pub school: SchoolId,
    /// From 1.
    pub sequence: u64,
    /// The bytes of the `BatchHeader` message.
    pub header: Vec<u8>,
    /// The JSON of the receipt.
    pub receipt: Vec<u8>,
    /// The transaction that recorded it.
    pub transaction: String,
    /// The block's number.
    pub block: u64,
    /// In the order of the leaves.
    pub entries: Vec<LedgerEntry>,
    /// Requests of these entries that are to be stored anew; the others are as they should be.
    pub requests: Vec<LedgerRequest>,
}

/// An entry of such a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Its id.
    pub id: EntryId,
    /// Whom it is about.
    pub learner: LearnerId,
    /// The rest; none where its body was erased.
    pub body: Option<LedgerBody>,
}

/// The body of such an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerBody {
    /// Who signed for it.
    pub educator: EducatorId,
    /// SHA-256 of its request's compact JWS.
    pub request: [u8; 32],
    /// The bytes of the `Entry` message.
    pub bytes: Vec<u8>,
    /// Microseconds since the Unix epoch.
    pub executed_at: i64,
}

/// A request whose entries are on the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRequest {
    /// SHA-256 of its compact JWS.
    pub digest: [u8; 32],
    /// Who signed.
    pub educator: EducatorId,
    /// The single-use id.
    pub jti: String,
    /// SHA-256 of what the signature covers.
    pub content: [u8; 32],
    /// The compact JWS.
    pub jws: String,
    /// The JSON of the [`super::Outcome`].
    pub outcome: Vec<u8>,
}

/// A row of `sillok_batches`, as it lies there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptBatch {
    /// The school.
    pub school: String,
    /// Its number.
    pub sequence: i64,
    /// The header.
    pub header: Vec<u8>,
    /// The entries' ids, one after the other.
    pub entries: Vec<u8>,
    /// The transaction.
    pub transaction: Option<String>,
    /// The JSON of the receipt; none while it is in flight.
    pub receipt: Option<Vec<u8>>,
    /// The block's number.
    pub block: Option<i64>,
}

/// A row of `sillok_requests`, as it lies there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptRequest {
    /// SHA-256 of the compact JWS, as it says.
    pub digest: Vec<u8>,
    /// Who signed.
    pub educator: String,
    /// The single-use id.
    pub jti: String,
    /// SHA-256 of what the signature covers, as it says.
    pub content: Vec<u8>,
    /// The compact JWS.
    pub jws: String,
    /// The school.
    pub school: String,
    /// What it gave.
    pub outcome: Vec<u8>,
}

/// Where an entry says that it stands, and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Astray {
    /// The entry's id.
    pub id: Vec<u8>,
    /// Its school.
    pub school: String,
    /// Its learner.
    pub learner: String,
    /// The batch that does not hold it.
    pub batch: i64,
}

/// What can still be told of a query's outcome from its entry: the rows that it wrote. Those that it read were never
/// recorded, only their digest.
pub fn outcome_of(entry: &Entry) -> QueryOutcome {
    let image = |image: &RowImage| serde_json::from_slice(&image.image).unwrap_or_default();
    let (rows, data) = match &entry.result {
        EntryResult::Read(read) => (read.rows, Vec::new()),
        EntryResult::Written(written) => (written.rows, written.images.iter().map(image).collect()),
        EntryResult::Adopted(adopted) => {
            (adopted.images.len() as u64, adopted.images.iter().map(image).collect())
        }
    };
    QueryOutcome { entry: entry.id, learner: entry.learner.clone(), rows, data }
}

/// Whether a stored outcome is what the entry says. It may hold no rows: they were erased, or made anew from the ledger.
pub fn is_outcome_of(outcome: &QueryOutcome, entry: &Entry) -> bool {
    let expected = outcome_of(entry);
    let same =
        (outcome.entry, &outcome.learner, outcome.rows) == (expected.entry, &expected.learner, expected.rows);
    let rows: Option<Vec<&Map<String, Value>>> = outcome.data.iter().map(Value::as_object).collect();
    let Some(rows) = rows.filter(|_| same) else { return false };
    if rows.is_empty() {
        return true;
    }
    let are = |images: &[RowImage]| {
        let image = |(row, image): (&&Map<String, Value>, &RowImage)| {
            canonical(row).is_ok_and(|canonical| canonical == image.image)
        };
        rows.len() == images.len() && rows.iter().zip(images).all(image)
    };
    match &entry.result {
        EntryResult::Read(read) => digest(rows.iter().copied()).is_ok_and(|digest| digest == read.digest),
        EntryResult::Written(written) => are(&written.images),
        EntryResult::Adopted(adopted) => are(&adopted.images),
    }
}
