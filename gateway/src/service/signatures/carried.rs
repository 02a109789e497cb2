//! What the events of signatures hold, besides what the monitor looks at.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use sillok_contract::{
    digest::Digest,
    signature::{Presented, Signature, Statement, Subject},
};
use utoipa::ToSchema;

use crate::{
    archive::ArchiveError,
    events::{Event, HandleError, NewEvent, Topic},
    ledger::LedgerError,
    monitor::SignatureVerified,
    problem::{Kind, Problem},
    records::RecordsError,
};

// How `Presented` is documented: the contract knows nothing of such documents.
/// A signature as it travels.
#[derive(ToSchema)]
#[schema(as = Presented)]
#[expect(dead_code, reason = "its schema alone is used")]
struct PresentedSchema {
    /// The signature: a compact JAdES JWS without a payload.
    jws: String,
    /// Where an office holds the signer's key: their approval, the act `signature.approve`, a compact JWS.
    #[schema(required = false, nullable = false)]
    approval: Option<String>,
}

/// The data of `signatures.requested`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignatureRequested {
    /// The id of the signature that is to be made, in hexadecimal: it follows from the approval and the ledger's registry.
    pub signature: String,
    /// SHA-256 of the document, likewise.
    pub hash: String,
    /// The URI of what is to be signed.
    pub subject: String,
    /// Who approved it.
    pub signer: String,
    /// Their approval: the act `signature.approve`, a compact JWS.
    pub approval: String,
    /// Who sent it.
    pub source: String,
    /// When it came in, microseconds since the Unix epoch.
    pub received_at: i64,
}

/// The data of `signatures.created`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignatureCreated {
    /// The signature as it was sent.
    #[serde(flatten)]
    #[schema(value_type = PresentedSchema)]
    pub presented: Presented,
    /// Who sent it.
    pub source: String,
    /// When it came in, microseconds since the Unix epoch.
    pub received_at: i64,
}

/// The data of `signatures.verified`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignatureForwarded {
    /// What was found.
    #[serde(flatten)]
    pub verified: SignatureVerified,
    /// The signature as it was sent. Not there where an office did not make what was asked of it.
    #[schema(value_type = PresentedSchema, required = false)]
    pub presented: Presented,
}

/// The data of `signatures.recorded`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignatureRested {
    /// Its id, in hexadecimal.
    pub signature: String,
    /// SHA-256 of the document, likewise.
    pub hash: String,
    /// The URI of what it signs.
    pub subject: String,
    /// Who signed.
    pub signer: String,
    /// The transaction that recorded it, unless the ledger refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// That transaction's block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// The code under which the ledger refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// An event of a signature, named by its digest and what it states, that came in at a time. It is keyed by the document of
/// several parties, so that their signatures keep their order; else by the hash.
pub(super) fn told(
    topic: Topic,
    (digest, statement): (Digest, &Statement),
    received_at: i64,
    now: i64,
    data: Value,
) -> NewEvent {
    let key = match &statement.subject {
        Subject::Document(id) => id.to_string(),
        Subject::Signature(_) | Subject::Hash(_) => statement.hash.to_string(),
    };
    NewEvent::new(topic, key, &format!("{digest}/{received_at}"), now, data)
}

/// A signature as events are told of it.
pub(super) fn named(signature: &Signature) -> (Digest, &Statement) {
    (signature.digest, &signature.statement)
}

/// Why an event does not go on.
#[derive(Debug)]
pub(super) enum Fault {
    /// Something that it needs is away.
    Later(String),
    /// It is none that can be handled, now or later.
    Poison(String),
}

/// The data of an event.
pub(super) fn read<T: DeserializeOwned>(event: &Event) -> Result<T, Fault> {
    T::deserialize(&event.data).map_err(|error| Fault::Poison(error.to_string()))
}

impl Fault {
    /// Of the event at this index.
    pub(super) fn at(self, index: usize) -> HandleError {
        match self {
            Self::Later(reason) => HandleError::Later(reason),
            Self::Poison(reason) => HandleError::Event { index, reason },
        }
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Self::Later(error.to_string())
    }
}

impl From<ArchiveError> for Fault {
    fn from(error: ArchiveError) -> Self {
        Self::Later(format!("the archive: {error}"))
    }
}

impl From<RecordsError> for Fault {
    fn from(error: RecordsError) -> Self {
        Self::Later(error.to_string())
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        match problem.kind {
            Kind::Unavailable | Kind::Internal => Self::Later(problem.detail),
            _ => Self::Poison(problem.detail),
        }
    }
}
