//! What the ledger answers about batches and entries, as JSON.

use serde::{Deserialize, Serialize};

use crate::{
    entry::EntryId,
    erasure::Erasure,
    id::{LearnerId, SchoolId},
    json::base64_bytes,
};

/// The answer to `RecordBatch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The school.
    pub school: SchoolId,
    /// The batch's number, from 1.
    pub sequence: u64,
    /// SHA-256 of the header; in JSON 64 hexadecimal digits, like every hash here.
    #[serde(with = "hex::serde")]
    pub header_hash: [u8; 32],
    /// The transaction that recorded it: of a repeated batch, the first one.
    pub transaction: String,
    /// Whether it stood on the ledger before.
    pub repeated: bool,
}

/// A school's last batch: the answer to `GetHead` and the payload of the event `BatchRecorded`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The school.
    pub school: SchoolId,
    /// The last batch's number; 0 before the first.
    pub sequence: u64,
    /// SHA-256 of its header; zeros before the first.
    #[serde(with = "hex::serde")]
    pub header_hash: [u8; 32],
}

/// A batch on the channel: the answer to `GetBatch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The school.
    pub school: SchoolId,
    /// Its number, from 1.
    pub sequence: u64,
    /// The header's bytes, which the next header's `previous` is the hash of; in JSON base64.
    #[serde(with = "base64_bytes")]
    pub header: Vec<u8>,
    /// SHA-256 of the header.
    #[serde(with = "hex::serde")]
    pub header_hash: [u8; 32],
    /// SHA-256 of the header before; zeros in the first.
    #[serde(with = "hex::serde")]
    pub previous: [u8; 32],
    /// RFC 6962 root over the entries.
    #[serde(with = "hex::serde")]
    pub root: [u8; 32],
    /// How many entries.
    pub count: u32,
    /// Earliest time of execution, microseconds since the Unix epoch.
    pub first_time: i64,
    /// Latest time of execution, microseconds since the Unix epoch.
    pub last_time: i64,
    /// The entries, in the order of the tree.
    pub leaves: Vec<BatchLeaf>,
    /// The transaction that recorded it.
    pub transaction: String,
}

/// An entry in its batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchLeaf {
    /// The entry's id, its leaf hash.
    pub entry: EntryId,
    /// Whom it is about.
    pub learner: LearnerId,
    /// The learner's entries are numbered from 1, over all schools.
    pub number: u64,
    /// The learner's entry before this one; absent in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Position>,
}

/// Where an entry stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The school.
    pub school: SchoolId,
    /// The batch's number.
    pub sequence: u64,
    /// The leaf's index, from 0.
    pub index: u32,
}

/// One of a learner's entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The entry's id.
    pub entry: EntryId,
    /// Which of the learner's entries it is, from 1.
    pub number: u64,
    /// Where it stands.
    #[serde(flatten)]
    pub position: Position,
    /// The transaction that recorded it.
    pub transaction: String,
}

/// A learner's entries, newest first: the answer to `ListEntries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entries {
    /// The learner.
    pub learner: LearnerId,
    /// How many entries the learner has in all, whatever the page: the newest one's number.
    pub count: u64,
    /// This page. Numbers fall by one from item to item and from page to page, down to 1.
    pub items: Vec<Place>,
    /// Give it back to read on; empty when there is no more.
    pub bookmark: String,
}

/// How long a learner's trail is: the answer to `GetTrail`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trail {
    /// The learner.
    pub learner: LearnerId,
    /// How many entries the learner has: the newest one's number.
    pub count: u64,
    /// Where the newest stands; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Position>,
    /// What the asker drew at random, in hexadecimal digits: the answer is none from before.
    pub nonce: String,
    /// The time that the transaction's creator claims, in microseconds since the Unix epoch.
    pub time: i64,
    /// The transaction that was endorsed, and never submitted.
    pub transaction: String,
}

/// A batch's body: the answer to `GetBody`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// The school.
    pub school: SchoolId,
    /// The batch's number.
    pub sequence: u64,
    /// The BatchBody, zstd-compressed, as it was received, or as the last erasure left it; in JSON base64.
    #[serde(with = "base64_bytes")]
    pub body: Vec<u8>,
    /// What was erased of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erasures: Vec<Erasure>,
}
