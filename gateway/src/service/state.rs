//! What the service answers with.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sillok_contract::{
    digest::sha256,
    entry::EntryId,
    id::{LearnerId, SchoolId},
};
use utoipa::ToSchema;

use crate::problem::{Kind, Problem};

/// A SHA-256, in JSON as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha256(&[bytes]))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = hex::FromHexError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An executed request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequestState {
    /// SHA-256 of its compact JWS.
    pub request: Digest,
    /// One result a query, in order.
    pub results: Vec<QueryResult>,
}

/// What one query gave, and where its entry stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QueryResult {
    /// Its entry.
    pub entry: EntryState,
    /// Rows read or written.
    pub rows: u64,
    /// The rows read, or the images of those written, as objects by column. Only in the answer to a submission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Vec<serde_json::Value>>,
}

/// An entry and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntryState {
    /// Its id: the RFC 6962 leaf hash of its bytes.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub entry: EntryId,
    /// Its school.
    #[schema(value_type = String)]
    pub school: SchoolId,
    /// Its learner.
    #[schema(value_type = String)]
    pub learner: LearnerId,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
}

/// Where an entry stands on its way to the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Place {
    /// In the database with its effect, waiting for its batch.
    Pending,
    /// On the ledger.
    Recorded {
        /// The batch's sequence.
        sequence: u64,
        /// The leaf in the batch, from 0.
        index: u32,
        /// The transaction that recorded it.
        transaction: String,
        /// The block the transaction is in.
        block: u64,
    },
    /// The ledger refused it; the offices have been alarmed.
    SetAside {
        /// The refusal's stable code.
        refusal: String,
    },
}

/// A recorded batch: its header and where it came to rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Batch {
    /// Its school.
    #[schema(value_type = String)]
    pub school: SchoolId,
    /// From 1, without gaps.
    pub sequence: u64,
    /// SHA-256 of the header.
    #[schema(value_type = String)]
    pub header_hash: Digest,
    /// SHA-256 of the header before; zeros in a school's first.
    #[schema(value_type = String)]
    pub previous: Digest,
    /// The RFC 6962 root over the entries.
    #[schema(value_type = String)]
    pub root: Digest,
    /// How many entries.
    pub count: u32,
    /// The earliest time of execution, microseconds since the Unix epoch.
    pub first_time: i64,
    /// The latest time of execution, microseconds since the Unix epoch.
    pub last_time: i64,
    /// The transaction that recorded it.
    pub transaction: String,
    /// The block the transaction is in.
    pub block: u64,
}

/// An entry that came to rest on the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EntryRecorded {
    /// Give it back to go on after this entry.
    #[schema(value_type = String)]
    pub cursor: Cursor,
    /// The entry.
    pub entry: EntryState,
}

/// One of a learner's entries on the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LearnerEntry {
    /// Which of the learner's entries it is, from 1, over all schools.
    pub number: u64,
    /// The entry.
    pub entry: EntryState,
}

/// A page of a learner's entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LearnerEntries {
    /// Whose.
    #[schema(value_type = String)]
    pub learner: LearnerId,
    /// How many there are on the ledger, as far as the gateway knows: what the offices attest is in the trail.
    pub count: u64,
    /// In the order of their numbers, which have no gap.
    pub entries: Vec<LearnerEntry>,
}

/// A place in the stream of a school's entries; as text `sequence:index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The batch.
    pub sequence: u64,
    /// The leaf, from 0.
    pub index: u32,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.index)
    }
}

impl FromStr for Cursor {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let malformed = || {
            Problem::new(
                Kind::Invalid,
                "cursor.malformed",
                "a cursor is `sequence:index`, as the stream gave it",
            )
        };
        let (sequence, index) = text.split_once(':').ok_or_else(malformed)?;
        Ok(Self {
            sequence: sequence.parse().map_err(|_| malformed())?,
            index: index.parse().map_err(|_| malformed())?,
        })
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Whether a part of the gateway works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PartState {
    /// `database`, `ledger` or `batcher`.
    pub part: &'static str,
    /// Whether it works now.
    pub ready: bool,
    /// Why not; or what somebody has to look at, though it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let cursor = Cursor { sequence: 12, index: 7 };
        assert_eq!(cursor.to_string(), "12:7");
        assert_eq!("12:7".parse::<Cursor>().unwrap(), cursor);
        for bad in ["", "12", "12:", ":7", "12:7:1", "a:b", "-1:0", "1:4294967296"] {
            assert_eq!(bad.parse::<Cursor>().unwrap_err().code, "cursor.malformed", "{bad}");
        }
    }

    #[test]
    fn where_an_entry_stands_lies_beside_its_id() {
        let entry = EntryState {
            entry: EntryId([1; 32]),
            school: SchoolId::new("s").unwrap(),
            learner: LearnerId::new("l").unwrap(),
            place: Place::Pending,
        };
        let json = serde_json::to_value(&entry).unwrap();
        assert_eq!(json["status"], "pending");
        assert_eq!(json["entry"], "01".repeat(32));
    }
}
