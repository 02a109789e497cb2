//! What an audit found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sillok_contract::id::SchoolId;

use super::Mended;
use crate::{
    drift::{Difference, Report},
    ledger::story::Fault,
    service::Digest,
};

/// An audit, whole or as far as it has come. It can be kept, and gone on with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// When it began, microseconds since the Unix epoch.
    pub started: i64,
    /// When it ended; absent while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<i64>,
    /// The schools that have been audited.
    pub schools: BTreeMap<SchoolId, SchoolAudit>,
    /// Those with rows in the database whom the ledger does not know.
    pub strangers: Vec<Stranger>,
    /// Requests whose entries are not all in the outbox any more.
    #[serde(default)]
    pub cut: Vec<CutRequest>,
    /// Entries of the outbox that say they are in a batch which does not hold them.
    #[serde(default)]
    pub astray: Vec<Difference>,
    /// What was put back of the gateway's own tables before it was audited, by school; where that was asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mended: BTreeMap<SchoolId, Mended>,
}

/// What came of one school.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchoolAudit {
    /// Which.
    pub school: SchoolId,
    /// Up to which batch.
    pub batches: u64,
    /// The hash of that batch's header.
    pub header_hash: Digest,
    /// How many entries they hold.
    pub entries: u64,
    /// How many learners are at the school.
    pub learners: u64,
    /// How many rows they have.
    pub rows: u64,
    /// How many of them were looked at precisely.
    pub suspects: u64,
    /// The reports about those of whom database and ledger do not agree.
    pub reports: Vec<Report>,
    /// What does not hold of the school's batches themselves.
    pub faults: Vec<Fault>,
    /// In what the batches and requests that the database keeps differ from the ledger's.
    #[serde(default)]
    pub kept: Vec<Difference>,
}

/// Somebody with rows in the database whom the ledger does not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stranger {
    /// What the database calls them.
    pub learner: String,
}

/// A request that was executed, and some of whose entries are gone from the outbox.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutRequest {
    /// SHA-256 of its compact JWS, as the database says.
    pub request: String,
    /// How many entries are missing; absent where the request is not what was signed any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
}

impl SchoolAudit {
    /// Before anything is read.
    pub(super) fn of(school: SchoolId, learners: u64) -> Self {
        Self {
            school,
            batches: 0,
            header_hash: Digest([0; 32]),
            entries: 0,
            learners,
            rows: 0,
            suspects: 0,
            reports: Vec::new(),
            faults: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// How many things do not agree.
    pub fn findings(&self) -> u64 {
        let of = |report: &Report| report.differences.len() + report.faults.len();
        (self.reports.iter().map(of).sum::<usize>() + self.faults.len() + self.kept.len()) as u64
    }
}

impl Audit {
    /// One that begins now.
    pub fn begun(started: i64) -> Self {
        Self { started, ..Self::default() }
    }

    /// How many things do not agree.
    pub fn findings(&self) -> u64 {
        let of_schools: u64 = self.schools.values().map(SchoolAudit::findings).sum();
        of_schools + (self.strangers.len() + self.cut.len() + self.astray.len()) as u64
    }

    /// The sum of one of the schools' numbers.
    pub fn sum(&self, of: impl Fn(&SchoolAudit) -> u64) -> u64 {
        self.schools.values().map(of).sum()
    }
}
