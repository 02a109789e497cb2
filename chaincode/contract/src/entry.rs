//! Entries: how the one recorded for a query is made, and its id.

use std::{fmt, str::FromStr};

use prost::Message as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sillok_proto::ledger::{self, RowImage, entry::Result as Outcome};

use crate::{
    Code, Refusal,
    id::{EducatorId, LearnerId, SchoolId},
    json, merkle, message,
    query::Query,
};

/// The longest entry, in bytes.
pub const MAX_ENTRY: usize = 256 * 1024;
/// The longest name of a table, in bytes (PostgreSQL's limit).
pub const MAX_TABLE: usize = 63;

/// An entry's id: the RFC 6962 leaf hash of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub [u8; 32]);

impl EntryId {
    /// The id of the entry with these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(merkle::leaf_hash(bytes))
    }
}

/// An entry whose form has been checked: every part is there, well-formed and canonical. Whether it is true (signed,
/// by someone who may, about a learner who is theirs) is the batch's business.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// The query as sent.
    pub query: Vec<u8>,
    /// The query, read.
    pub statement: Query,
    /// SHA-256 of the request's compact JWS.
    pub request_digest: [u8; 32],
    /// Which of the request's queries this is, from 0.
    pub query_index: u32,
    /// Where it was executed.
    pub school: SchoolId,
    /// Who asked: an educator, or the officer whose request has a purpose.
    pub educator: EducatorId,
    /// Whom it is about; the query names the same.
    pub learner: LearnerId,
    /// Microseconds since the Unix epoch.
    pub executed_at: i64,
    /// What came of it.
    pub result: Outcome,
}

impl Entry {
    /// Reads an entry's bytes. Refuses a message that another encoder would write otherwise (unknown fields, fields out
    /// of order, defaults written out), parts that are missing, and row images that are not canonical JSON.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_ENTRY {
            return Err(Refusal::new(Code::EntryTooLarge, format!("an entry has at most {MAX_ENTRY} bytes")));
        }
        let message: ledger::Entry = message::canonical(bytes).map_err(malformed)?;
        let statement = Query::parse(&message.query)?;
        let learner = LearnerId::new(message.learner)?;
        if statement.learner != learner {
            return Err(Refusal::new(Code::EntryLearner, "the entry and its query name different learners"));
        }
        let result = message.result.ok_or_else(|| malformed("it has no result"))?;
        check_result(&result)?;
        Ok(Self {
            id: EntryId::of(bytes),
            query: message.query,
            statement,
            request_digest: digest(&message.request_digest, "request_digest")?,
            query_index: message.query_index,
            school: SchoolId::new(message.school)?,
            educator: EducatorId::new(message.educator)?,
            learner,
            executed_at: message.executed_at,
            result,
        })
    }

    /// The bytes that were parsed: there is only one encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let message = ledger::Entry {
            query: self.query.clone(),
            request_digest: self.request_digest.to_vec(),
            query_index: self.query_index,
            school: self.school.to_string(),
            educator: self.educator.to_string(),
            learner: self.learner.to_string(),
            executed_at: self.executed_at,
            result: Some(self.result.clone()),
        };
        message.encode_to_vec()
    }
}

fn check_result(result: &Outcome) -> Result<(), Refusal> {
    match result {
        Outcome::Read(read) => digest(&read.digest, "the digest of the rows read").map(drop),
        Outcome::Written(written) if written.rows != written.images.len() as u64 => {
            Err(malformed("the number of rows is not the number of their images"))
        }
        Outcome::Written(written) => written.images.iter().try_for_each(check_image),
        Outcome::Adopted(adopted) if adopted.images.iter().any(|image| image.deleted) => {
            Err(malformed("a deleted row cannot be adopted"))
        }
        Outcome::Adopted(adopted) => adopted.images.iter().try_for_each(check_image),
    }
}

fn check_image(image: &RowImage) -> Result<(), Refusal> {
    if image.table.is_empty() || image.table.len() > MAX_TABLE || image.table.chars().any(char::is_control) {
        return Err(malformed(format!("a table's name has 1 to {MAX_TABLE} bytes")));
    }
    let (key, row) = (canonical_object(&image.key)?, canonical_object(&image.image)?);
    if key.is_empty() || key.iter().any(|(column, value)| row.get(column) != Some(value)) {
        return Err(malformed("a row's key is one or more of its image's columns, with the same values"));
    }
    Ok(())
}

fn canonical_object(bytes: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let object = json::object(bytes).map_err(|error| malformed(format!("a row is not JSON: {error}")))?;
    if json::canonical(&object) != bytes {
        return Err(malformed("a row is not canonical JSON (RFC 8785)"));
    }
    Ok(object)
}

fn digest(bytes: &[u8], name: &str) -> Result<[u8; 32], Refusal> {
    bytes.try_into().map_err(|_| malformed(format!("{name} has 32 bytes")))
}

fn malformed(why: impl fmt::Display) -> Refusal {
    Refusal::new(Code::EntryMalformed, format!("the entry is malformed: {why}"))
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryId({self})")
    }
}

impl FromStr for EntryId {
    type Err = hex::FromHexError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Serialize for EntryId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntryId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
