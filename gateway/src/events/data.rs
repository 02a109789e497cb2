//! What events tell, topic by topic: who produces an event and who handles it share this one definition. Members that a
//! reader does not know are passed over, so that members may be added.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sillok_contract::{
    entry::{Entry, EntryId},
    id::{EducatorId, LearnerId, SchoolId},
};
use sillok_proto::ledger::{RowImage, entry::Result as Outcome};
use utoipa::ToSchema;

use crate::records::Discarded;

/// The data of `signatures.verified`: a signature was verified, with whatever outcome; or an office that was to make it with
/// a key that it holds did not, and `failure` says why. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignatureVerified {
    /// Its id: SHA-256 of the JWS signing input, in hexadecimal.
    pub signature: String,
    /// The hash that it signs, in hexadecimal.
    pub hash: String,
    /// The URI of what it signs.
    pub subject: String,
    /// Who it says that signed; where it is not valid, that is a claim.
    pub signer: String,
    /// The thumbprint of the certificate that it names.
    pub certificate: String,
    /// Who handed it in: the caller as the gateway's limits know them, such as a client certificate or an address.
    pub source: String,
    /// When it was signed, by its own word.
    pub signed_at: i64,
    /// When it was handed in.
    pub received_at: i64,
    /// When it was verified.
    pub verified_at: i64,
    /// Why it is not valid; `None` if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Since when the certificate, or the key of the approval, is revoked, as known when it was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_since: Option<i64>,
}

/// Why a signature is not valid, or was not made or not recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SignatureFailure)]
pub struct Failure {
    /// A stable code: of the first check that it did not stand.
    pub code: String,
    /// A sentence.
    pub detail: String,
}

/// The data of `records.entries`: a batch of entries came to rest on the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntriesRecorded {
    /// Whose.
    #[schema(value_type = String)]
    pub school: SchoolId,
    /// The batch's number.
    pub sequence: u64,
    /// The transaction that recorded it.
    pub transaction: String,
    /// Its block.
    pub block: u64,
    /// Its entries, in order.
    pub entries: Vec<RecordedEntry>,
}

/// An entry of a batch: who did what to whose record, without the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordedEntry {
    /// Its id.
    #[schema(value_type = String)]
    pub entry: EntryId,
    /// Who signed: an educator, or an officer where the request has a purpose.
    #[schema(value_type = String)]
    pub educator: EducatorId,
    /// Whom it is about.
    #[schema(value_type = String)]
    pub learner: LearnerId,
    /// When it was executed, microseconds since the Unix epoch.
    pub executed_at: i64,
    /// What was done.
    pub action: Action,
    /// How many rows of which table were written or adopted; of rows read it is not told where they lie.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rows: BTreeMap<String, u64>,
}

/// What an entry did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Rows were read.
    Read,
    /// New rows were written.
    Inserted,
    /// Rows were written that may have been there before.
    Changed,
    /// Rows were deleted.
    Deleted,
    /// An officer took on rows that were there before Sillok.
    Adopted,
}

impl RecordedEntry {
    /// What is told of an entry.
    pub fn of(entry: &Entry) -> Self {
        let (action, images): (_, &[RowImage]) = match &entry.result {
            Outcome::Read(_) => (Action::Read, &[]),
            Outcome::Adopted(adopted) => (Action::Adopted, &adopted.images),
            Outcome::Written(written) => (written_by(&entry.statement.sql, &written.images), &written.images),
        };
        let mut rows = BTreeMap::new();
        for image in images {
            *rows.entry(image.table.clone()).or_default() += 1;
        }
        Self {
            entry: entry.id,
            educator: entry.educator.clone(),
            learner: entry.learner.clone(),
            executed_at: entry.executed_at,
            action,
            rows,
        }
    }

    /// How many rows were written or adopted.
    pub fn count(&self) -> u64 {
        self.rows.values().fold(0, |sum, rows| sum.saturating_add(*rows))
    }
}

/// An image does not tell whether its row was there before; the statement does. What is not plainly an INSERT counts as a
/// change, so that no way of writing it hides one.
fn written_by(sql: &str, images: &[RowImage]) -> Action {
    let upper = sql.trim_start().to_ascii_uppercase();
    match () {
        () if images.iter().any(|image| image.deleted) => Action::Deleted,
        () if upper.starts_with("INSERT") && !upper.contains("CONFLICT") => Action::Inserted,
        () => Action::Changed,
    }
}

/// The data of `dead-letters`: a group could not handle an event, or somebody decided that it need not be handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterTold {
    /// The dead letter's number.
    pub id: i64,
    /// The group.
    pub group: String,
    /// The event's id; of what is no event, its place.
    pub event: String,
    /// Its topic.
    pub topic: String,
    /// Why it could not be handled.
    pub reason: String,
    /// How often it was tried.
    pub tries: u32,
    /// Who took it away unhandled, once somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discarded: Option<DiscardTold>,
}

/// Who decided that an event need not be handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiscardTold {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl From<&Discarded> for DiscardTold {
    fn from(decided: &Discarded) -> Self {
        Self { by: decided.by.clone(), reason: decided.reason.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_overwrite_counts_as_a_change() {
        let deleted = RowImage { deleted: true, ..RowImage::default() };
        let cases = [
            ("INSERT INTO grades (score) VALUES (1)", &[][..], Action::Inserted),
            ("\n insert into grades (score) values (1)", &[], Action::Inserted),
            (
                "INSERT INTO grades (score) VALUES (1) on conflict do update SET score = 1",
                &[],
                Action::Changed,
            ),
            ("/* INSERT */ UPDATE grades SET score = 1", &[], Action::Changed),
            ("UPDATE grades SET score = 1", &[], Action::Changed),
            ("DELETE FROM grades", &[deleted], Action::Deleted),
            ("DELETE FROM grades", &[], Action::Changed),
        ];
        for (sql, images, action) in cases {
            assert_eq!(written_by(sql, images), action, "{sql}");
        }
    }
}
