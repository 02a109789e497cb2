//! What does not hold of the ledger itself.

use serde::{Deserialize, Serialize};
use sillok_contract::{batch::Batch, entry::EntryId, id::SchoolId};
use utoipa::ToSchema;

/// What kind of thing does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum FaultCode {
    /// A learner's entries are not numbered from 1 without a gap, each in the place that the next one names.
    #[serde(rename = "ledger.trail")]
    Trail,
    /// A header is not that of its batch.
    #[serde(rename = "ledger.header")]
    Header,
    /// A root is not that of the leaves.
    #[serde(rename = "ledger.root")]
    Root,
    /// A header is not the one that the next header names.
    #[serde(rename = "ledger.chain")]
    Chain,
    /// A batch's body is not to be had.
    #[serde(rename = "ledger.body_missing")]
    BodyMissing,
    /// A body's entries do not hash to the leaves, or are not of this batch.
    #[serde(rename = "ledger.body")]
    Body,
    /// The request that an entry rests on is not there, or does not ask for it.
    #[serde(rename = "ledger.request")]
    Request,
    /// The signature of a request is not that of whoever the entry names.
    #[serde(rename = "ledger.signature")]
    Signature,
}

impl FaultCode {
    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trail => "ledger.trail",
            Self::Header => "ledger.header",
            Self::Root => "ledger.root",
            Self::Chain => "ledger.chain",
            Self::BodyMissing => "ledger.body_missing",
            Self::Body => "ledger.body",
            Self::Request => "ledger.request",
            Self::Signature => "ledger.signature",
        }
    }
}

/// Something that does not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// What.
    pub code: FaultCode,
    /// A sentence for people.
    pub detail: String,
    /// The school whose batch it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub school: Option<SchoolId>,
    /// The batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The leaf, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// The entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub entry: Option<EntryId>,
}

impl Fault {
    /// Of no batch.
    pub(super) fn new(code: FaultCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), school: None, sequence: None, index: None, entry: None }
    }

    /// Of a batch.
    pub(crate) fn of_batch(code: FaultCode, school: &SchoolId, sequence: u64, detail: &str) -> Self {
        Self { school: Some(school.clone()), sequence: Some(sequence), ..Self::new(code, detail) }
    }

    /// Of a leaf of a batch.
    pub(crate) fn of_leaf(code: FaultCode, batch: &Batch, index: usize, detail: impl Into<String>) -> Self {
        let entry = batch.leaves.get(index).map(|leaf| leaf.entry);
        let of_batch = Self::of_batch(code, &batch.school, batch.sequence, "");
        Self { detail: detail.into(), index: u32::try_from(index).ok(), entry, ..of_batch }
    }
}
