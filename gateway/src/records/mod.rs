//! The records database, as the gateway sees it: the office's own tables, and beside them what Sillok keeps until the
//! ledger has it (requests, outbox, batches).

pub mod pgoutput;
pub mod policy;
pub mod schema;

mod alert;
mod certificate;
#[cfg(test)]
pub(crate) mod conformance;
mod engine;
mod events;
mod execution;
mod letter;
mod mending;
mod migration;
mod picture;
mod plain;
mod postgres;
mod rows;
mod settings;
mod shelf;
mod signature;
mod sqlite;

use std::ops::RangeInclusive;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sillok_contract::{
    entry::EntryId,
    id::{EducatorId, LearnerId, SchoolId},
    purpose::ResultKind,
};
use tokio_util::sync::CancellationToken;

use crate::certificate::CertificateId;
pub use alert::{Alert, Evidence, Finding, NewAlert, Sighting};
pub use certificate::StoredCertificate;
pub use engine::{drop_watch, open, open_for_events, prepare};
pub use events::{Ask, Behind, Cursor, Events, Held, MAX_DATA, MOST_BEHIND, StoredEvent, Way};
pub use letter::{DeadLetter, Discarded, LetterCount, LettersWanted, NewDeadLetter};
pub use mending::{
    Astray, KeptBatch, KeptRequest, LedgerBatch, LedgerBody, LedgerEntry, LedgerRequest, Mending, Witness,
    is_outcome_of, outcome_of,
};
pub use picture::{OutboxRow, Picture, Row, Sought};
pub use plain::Plain;
pub use policy::OutputColumn;
pub use settings::{OpenError, Settings, WatchMode, WatchSettings};
pub use shelf::Shelf;
pub use signature::{SignatureList, SignatureState, StoredSignature, UnknownState};

/// A request that has passed every check and may be executed.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// SHA-256 of the compact JWS: the request's id.
    pub digest: [u8; 32],
    /// SHA-256 over the JWS and all queries as sent: tells the same request sent again from another under its `jti`.
    pub content: [u8; 32],
    /// The compact JWS.
    pub jws: String,
    /// The educator's single-use id for it. Unique together with the educator.
    pub jti: String,
    /// Who signed: an educator, or an officer in their place.
    pub educator: EducatorId,
    /// For which school.
    pub school: SchoolId,
    /// Between which times it may be executed, in microseconds since the Unix epoch.
    pub times: RangeInclusive<i64>,
    /// What to do, in order.
    pub queries: Vec<AdmittedQuery>,
    /// Whether each has to find one row, else nothing is done: as what restores a row that was seen.
    pub one_row_each: bool,
}

/// One query of an admitted request.
#[derive(Clone, Debug)]
pub struct AdmittedQuery {
    /// The JSON text as sent.
    pub bytes: Vec<u8>,
    /// Whom it is about.
    pub learner: LearnerId,
    /// What the policy made of its statement.
    pub statement: Statement,
}

/// A statement that the policy let through, confined to its learner.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The SQL to run, with `$1`, `$2`, … for the parameters; the same text on every database.
    pub sql: String,
    /// The values, in order.
    pub parameters: Vec<serde_json::Value>,
    /// What it does.
    pub effect: Effect,
    /// What it gives: the columns of a SELECT, or all of the written table's; each name once.
    pub columns: Vec<OutputColumn>,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A SELECT.
    Read,
    /// An INSERT or UPDATE of the table: the images are the rows after.
    Write {
        /// The protected table.
        table: String,
    },
    /// A SELECT whose rows, which are whole, are adopted: the images are the rows as they are.
    Adopt {
        /// The protected table.
        table: String,
    },
    /// A DELETE from the table: the images are the rows as they last were.
    Delete {
        /// The protected table.
        table: String,
    },
}

impl Effect {
    /// What form the result of such a statement has.
    pub fn result(&self) -> ResultKind {
        match self {
            Self::Read => ResultKind::Read,
            Self::Write { .. } | Self::Delete { .. } => ResultKind::Written,
            Self::Adopt { .. } => ResultKind::Adopted,
        }
    }
}

/// What a request's execution gave, the same each time it is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// One a query, in order.
    pub results: Vec<QueryOutcome>,
}

/// An executed request.
#[derive(Clone, Debug, PartialEq)]
pub struct Executed {
    /// What it gave, now or when it was first sent.
    pub outcome: Outcome,
    /// Where it was executed before: its digest then. An ES256 signature has a twin, and a request may be signed anew.
    pub before: Option<[u8; 32]>,
}

/// What one query gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryOutcome {
    /// The id of its entry.
    pub entry: EntryId,
    /// Whom it was about.
    pub learner: LearnerId,
    /// Rows read or written.
    pub rows: u64,
    /// The rows read, or the images of those written: objects by column.
    pub data: Vec<serde_json::Value>,
}

/// An entry as the database holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its id.
    pub id: EntryId,
    /// Its position in the database's own order: later effects on the same row have greater numbers.
    pub number: i64,
    /// Its school.
    pub school: SchoolId,
    /// Its learner.
    pub learner: LearnerId,
    /// Who signed for it.
    pub educator: EducatorId,
    /// The request it came with: SHA-256 of the compact JWS.
    pub request: [u8; 32],
    /// The bytes of the `Entry` message: what is hashed.
    pub bytes: Vec<u8>,
    /// When it was executed, microseconds since the Unix epoch.
    pub executed_at: i64,
    /// Where it stands.
    pub status: EntryStatus,
}

/// Where an entry stands on its way to the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryStatus {
    /// Waiting for its batch, or in one that is in flight.
    Pending,
    /// On the ledger.
    Recorded {
        /// The batch.
        sequence: u64,
        /// The leaf, from 0.
        index: u32,
    },
    /// The ledger refused it; somebody has to look.
    SetAside {
        /// The refusal's stable code.
        code: String,
        /// The refusal's sentence.
        reason: String,
    },
}

/// A stored request.
#[derive(Clone, Debug)]
pub struct StoredRequest {
    /// Its compact JWS.
    pub jws: String,
    /// Who signed.
    pub educator: EducatorId,
    /// For which school.
    pub school: SchoolId,
    /// What it gave.
    pub outcome: Outcome,
}

/// A school with unrecorded entries or a batch in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The school.
    pub school: SchoolId,
    /// Entries that are in no batch yet.
    pub pending: u64,
    /// When the oldest of them was executed, microseconds since the Unix epoch.
    pub oldest: Option<i64>,
    /// Whether a batch is in flight.
    pub in_flight: bool,
}

/// The right to write one school's batches, until it ends or somebody has taken it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The school.
    pub school: SchoolId,
    /// Grows with each owner. What a former owner still tries to write is refused by it.
    pub token: i64,
}

/// A batch as the database holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBatch {
    /// The school.
    pub school: SchoolId,
    /// From 1, without gaps.
    pub sequence: u64,
    /// The bytes of the `BatchHeader` message.
    pub header: Vec<u8>,
    /// The ids of its entries, in the order of the leaves.
    pub entries: Vec<EntryId>,
    /// The zstd-compressed `BatchBody`; kept until the batch is on the ledger.
    pub body: Option<Vec<u8>>,
    /// The endorsed transaction, once there is one: id and signed envelope.
    pub submitted: Option<(String, Vec<u8>)>,
    /// The JSON of the receipt and the block's number, once it is on the ledger.
    pub recorded: Option<(Vec<u8>, u64)>,
}

/// Why the database did not do a thing. Nothing of the call took effect, unless it is [`RecordsError::InDoubt`].
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The database is away or overloaded; try again.
    #[error("the records database is not to be had: {0}")]
    Unavailable(String),
    /// The database was lost while it committed: all of the call took effect, or nothing. The same may be tried again.
    #[error("the records database was lost while it committed: {0}")]
    InDoubt(String),
    /// The statement took longer than it may.
    #[error("the statement took longer than {0} ms; ask for less at once")]
    TimedOut(u64),
    /// The database refused the statement: a constraint, a type, an unknown column. The caller's to mend.
    #[error("query {query}: the database refused the statement: {reason}")]
    Statement {
        /// Which of the request's queries, from 0.
        query: u32,
        /// What the database said, without any row's data.
        reason: String,
    },
    /// The statement gives or touches more rows than it may.
    #[error("query {query} touches more than {limit} rows; narrow it down")]
    TooManyRows {
        /// Which of the request's queries, from 0.
        query: u32,
        /// The limit.
        limit: u64,
    },
    /// The statement writes or adopts rows whose images do not go into one entry.
    #[error("query {query} touches more than the {limit} bytes of an entry; take fewer rows at once")]
    TooManyBytes {
        /// Which of the request's queries, from 0.
        query: u32,
        /// The limit.
        limit: usize,
    },
    /// The request's rows have more bytes than they may.
    #[error(
        "the rows of the request have more than {limit} bytes from query {query} on; ask for less at once"
    )]
    ResultTooLarge {
        /// Which of the request's queries went beyond, from 0.
        query: u32,
        /// The limit.
        limit: u64,
    },
    /// A query that had to find one row, as it was seen before, found none or several.
    #[error("query {query} does not find the one row that it was made for")]
    NotOne {
        /// Which of the request's queries, from 0.
        query: u32,
    },
    /// It was executed at a time at which it may not be, by the clock: that was set, or the request waited for long.
    #[error("the request was executed at a time at which it may not be")]
    OutOfTime,
    /// The educator has used this `jti` for another request.
    #[error("the request id was used before, for another request; use a new jti")]
    Replayed,
    /// The lease has ended or was taken over.
    #[error("another gateway writes this school's batches now")]
    LeaseLost,
    /// What the database holds cannot be read.
    #[error("the records database holds what cannot be read: {0}")]
    Corrupt(String),
}

/// Short for this module's results.
pub type Result<T> = std::result::Result<T, RecordsError>;

/// A records database. Several gateways may use one at once. Whatever a call answers `Ok` to is durable.
#[async_trait]
pub trait Records: Mending + Shelf + Events + Send + Sync {
    /// Whether the database answers now.
    async fn ready(&self) -> Result<()>;

    /// Executes an admitted request in one database transaction: runs every statement in order, writes one outbox
    /// entry a query, stores request and outcome. All of it or nothing.
    ///
    /// The same request again (same educator, `jti` and content), also at the same moment on another gateway, answers
    /// with the first one's outcome and does nothing; other content under that `jti` is [`RecordsError::Replayed`].
    /// Both go before whatever else would be refused.
    /// `now` is called once a query, after its statement ran: its time of execution. Outside of the request's times it is
    /// [`RecordsError::OutOfTime`]: the ledger would refuse the entry, and its effect would stay.
    async fn execute(&self, request: &Admitted, now: &(dyn Fn() -> i64 + Send + Sync)) -> Result<Executed>;

    /// What request used this `jti` of this educator: its [`Admitted::content`]. For those that are refused before
    /// they are executed; what decides is [`Records::execute`].
    async fn used(&self, educator: &EducatorId, jti: &str) -> Result<Option<[u8; 32]>>;
    /// The request with this digest.
    async fn request(&self, digest: &[u8; 32]) -> Result<Option<StoredRequest>>;
    /// The entries with these ids, those that are there, in no order.
    async fn entries(&self, ids: &[EntryId]) -> Result<Vec<StoredEntry>>;
    /// The entry with this id.
    async fn entry(&self, id: &EntryId) -> Result<Option<StoredEntry>> {
        Ok(self.entries(std::slice::from_ref(id)).await?.pop())
    }
    /// How many entries, of all schools, are neither recorded nor set aside. Cheap: asked on every request.
    async fn unrecorded(&self) -> Result<u64>;

    /// Schools that have something to record. Its cost grows with unrecorded entries, not with history.
    async fn backlog(&self) -> Result<Vec<Backlog>>;
    /// Takes the right to write a school's batches for `ttl_ms`, if nobody has it or the last owner's time is over.
    /// Time is the database's.
    async fn claim(&self, school: &SchoolId, owner: &str, ttl_ms: u64) -> Result<Option<Lease>>;
    /// Prolongs a lease; [`RecordsError::LeaseLost`] where it was taken over.
    async fn renew(&self, lease: &Lease, ttl_ms: u64) -> Result<()>;
    /// Gives a lease back. One that is lost already is no error.
    async fn release(&self, lease: &Lease) -> Result<()>;
    /// The school's batch that is formed and not recorded, if there is one. There is never more than one.
    async fn in_flight(&self, lease: &Lease) -> Result<Option<StoredBatch>>;
    /// The school's last recorded batch.
    async fn last_batch(&self, school: &SchoolId) -> Result<Option<StoredBatch>>;
    /// The school's pending entries that are in no batch, oldest first; at most `count`, and of at most `bytes` in
    /// sum (always at least one). With them the compact JWS of every request they came with, by its digest.
    async fn pending(
        &self,
        school: &SchoolId,
        count: u32,
        bytes: u64,
    ) -> Result<(Vec<StoredEntry>, Vec<([u8; 32], String)>)>;
    /// Stores a new batch and puts its entries into it. Refused where one is in flight or the sequence is taken.
    async fn form(&self, lease: &Lease, batch: &StoredBatch) -> Result<()>;
    /// Stores the signed envelope of the batch in flight, replacing an earlier one: call it before submitting.
    async fn store_envelope(
        &self,
        lease: &Lease,
        sequence: u64,
        transaction: &str,
        envelope: &[u8],
    ) -> Result<()>;
    /// The batch is on the ledger: stores the receipt, marks its entries recorded, drops body and envelope.
    async fn finish(
        &self,
        lease: &Lease,
        sequence: u64,
        receipt: &[u8],
        transaction: &str,
        block: u64,
    ) -> Result<()>;
    /// Dissolves the batch in flight: its entries are pending again, except the refused ones, which are set aside.
    async fn dissolve(
        &self,
        lease: &Lease,
        sequence: u64,
        refused: &[(EntryId, String, String)],
    ) -> Result<()>;

    /// A recorded batch of a school.
    async fn batch(&self, school: &SchoolId, sequence: u64) -> Result<Option<StoredBatch>>;
    /// A school's recorded batches with a sequence greater than `after`, in order, at most `limit`.
    async fn batches(&self, school: &SchoolId, after: u64, limit: u32) -> Result<Vec<StoredBatch>>;
    /// Entries that the ledger refused, oldest first, at most `limit`.
    async fn set_aside(&self, limit: u32) -> Result<Vec<StoredEntry>>;

    /// What the database holds about one learner, all of it as of one moment: to be held against the ledger, so nothing
    /// of it need be of its form. Its cost grows with the learner's rows and entries and with the backlog.
    async fn picture(&self, sought: &Sought) -> Result<Picture>;
    /// The rows of these learners in every protected table.
    async fn rows_of(&self, learners: &[LearnerId]) -> Result<Vec<Row>>;
    /// The outbox's rows with these ids, those that are there, in no order.
    async fn outbox(&self, ids: &[EntryId]) -> Result<Vec<OutboxRow>>;
    /// Whom the protected tables' rows belong to, by the learner's column, each once: those after `after`, in the order
    /// of their bytes, at most `limit`.
    async fn learners(&self, after: &str, limit: u32) -> Result<Vec<String>>;
    /// Requests with their compact JWS: those whose digest is after `after`, in the order of digests, at most `limit`.
    async fn requests_after(&self, after: &[u8], limit: u32) -> Result<Vec<(Vec<u8>, String)>>;
    /// The outbox's entries with the digests of their requests: those whose id is after `after`, in the order of ids, at
    /// most `limit`.
    async fn entries_after(&self, after: &[u8], limit: u32) -> Result<Vec<(Vec<u8>, Vec<u8>)>>;
    /// Raises alerts: those whose fingerprint was not raised before, in order, which it gives.
    async fn raise(&self, alerts: &[NewAlert]) -> Result<Vec<Alert>>;
    /// Alerts with a greater number than `after`, in order, at most `limit`. Whoever has read one has missed none with
    /// a lesser number.
    async fn alerts(&self, after: i64, limit: u32) -> Result<Vec<Alert>>;
    /// Watches for writes that did not come through [`Records::execute`] until `shutdown`, where the database can tell of
    /// them; else it returns at once. Each is raised once, by one of all gateways on the database; also what was committed
    /// while there was none, once there is one again. What is written of recorded batches is let pass if the witness knows
    /// it.
    async fn watch(
        &self,
        _tell: &(dyn Fn(Sighting) + Send + Sync),
        _witness: &dyn Witness,
        _shutdown: &CancellationToken,
    ) {
    }

    /// Stores what is kept of a certificate; of one that is there, report and file anew.
    async fn store_certificate(&self, certificate: &StoredCertificate) -> Result<()>;
    /// The certificate with this id.
    async fn certificate(&self, id: &CertificateId) -> Result<Option<StoredCertificate>>;
    /// A learner's certificates, in the order in which they were asked for.
    async fn certificates(&self, learner: &LearnerId) -> Result<Vec<StoredCertificate>>;
    /// Erases what is kept of these entries besides the ledger: their bytes, and the rows in what their requests answered.
    /// What the answer's form is made of stays: ids, numbers, places. What was erased before is no error. Gives how many
    /// entries were not.
    async fn erase(&self, ids: &[EntryId]) -> Result<u64>;
}
