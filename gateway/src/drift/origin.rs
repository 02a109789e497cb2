//! The entry that a row rests on.

use serde::{Deserialize, Serialize};
use sillok_contract::{
    entry::{Entry, EntryId},
    id::{EducatorId, SchoolId},
};
use utoipa::ToSchema;

use crate::ledger::story::Told;

/// An entry: who it was, when, and where it stands on the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Origin {
    /// The entry's id.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub entry: EntryId,
    /// Its school.
    #[schema(value_type = String)]
    pub school: SchoolId,
    /// Who signed for it.
    #[schema(value_type = String)]
    pub signer: EducatorId,
    /// When it was executed, microseconds since the Unix epoch.
    pub executed_at: i64,
    /// Its batch; absent where it is not on the ledger yet, like what follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Its leaf, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// The transaction that recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
}

impl Origin {
    /// Of an entry that is not on the ledger yet.
    pub fn pending(entry: &Entry) -> Self {
        Self {
            entry: entry.id,
            school: entry.school.clone(),
            signer: entry.educator.clone(),
            executed_at: entry.executed_at,
            sequence: None,
            index: None,
            transaction: None,
        }
    }

    /// Of an entry on the ledger.
    pub fn recorded(told: &Told, entry: &Entry) -> Self {
        Self {
            sequence: Some(told.position.sequence),
            index: Some(told.position.index),
            transaction: Some(told.transaction.clone()),
            ..Self::pending(entry)
        }
    }
}
