//! The report of a learner's verification.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sillok_contract::{entry::EntryId, id::LearnerId};
use utoipa::ToSchema;

use super::{Compared, Difference, ErasedEntry, Tally, erased::erased, outbox::Examined};
use crate::{
    keys::{OfficeDocument, OfficeSignatureError, OfficeSigner},
    ledger::{
        receipt::Roots,
        story::{Content, Fault, Story},
    },
};

/// The `typ` of a signed report.
pub const REPORT_TYPE: &str = "sillok-report+jws";
/// The version of the report's form.
const VERSION: u32 = 1;

/// What came of comparing database and ledger for one learner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The version of this form: 1.
    pub version: u32,
    /// Whom it is about.
    #[schema(value_type = String)]
    pub learner: LearnerId,
    /// When the database was looked at, microseconds since the Unix epoch.
    pub time: i64,
    /// Whether database and ledger agree in everything: there are neither differences nor faults.
    pub agrees: bool,
    /// How many entries the ledger has about the learner.
    pub recorded: u64,
    /// Of them, how many had their bodies erased on legal grounds.
    pub erased: u64,
    /// How many entries are in the database, on their way to the ledger.
    pub pending: u64,
    /// The tables with the learner's rows.
    pub tables: Vec<TableReport>,
    /// Where the database differs from the ledger.
    pub differences: Vec<Difference>,
    /// What does not hold of the ledger itself.
    pub faults: Vec<Fault>,
    /// Rows of which nothing can be told, because they rest on erased entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untold: Vec<UntoldRow>,
    /// Entries whose bodies were erased: by whom and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erasures: Vec<ErasedEntry>,
    /// Entries that the ledger refused: their effects are in the database, and count as differences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<SetAside>,
}

/// How much of a table agrees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TableReport {
    /// The table.
    pub table: String,
    /// The learner's rows in the database.
    pub rows: u64,
    /// Of them, those that are as they were last recorded.
    pub agreeing: u64,
}

/// A row that rests on an erased entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UntoldRow {
    /// The table.
    pub table: String,
    /// The row's key.
    #[schema(value_type = Object)]
    pub key: Map<String, Value>,
}

/// An entry that the ledger refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetAside {
    /// The entry.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub entry: EntryId,
    /// The refusal's stable code.
    pub refusal: String,
}

impl Report {
    pub(super) fn new(story: &Story, outbox: Examined, compared: Compared, time: i64) -> Self {
        let mut differences = compared.differences;
        differences.extend(outbox.differences);
        let untold = compared.untold.into_iter();
        let set_aside = outbox.set_aside.into_iter();
        Self {
            version: VERSION,
            learner: story.learner.id.clone(),
            time,
            agrees: differences.is_empty() && story.faults.is_empty(),
            recorded: story.count,
            erased: story.entries.iter().filter(|told| told.content == Content::Erased).count() as u64,
            pending: outbox.pending.len() as u64,
            tables: tables(compared.tables),
            differences,
            faults: story.faults.clone(),
            erasures: erased(story),
            untold: untold.map(|row| UntoldRow { key: row.columns(), table: row.table }).collect(),
            set_aside: set_aside.map(|(entry, refusal)| SetAside { entry, refusal }).collect(),
        }
    }

    /// Canonical JSON (RFC 8785): what is signed.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).expect("a report has only text, numbers, lists and images")
    }

    /// The report, signed by an office.
    pub fn signed(self, office: &OfficeSigner) -> SignedReport {
        let jws = office.sign(REPORT_TYPE, &self.to_json());
        SignedReport { report: self, jws }
    }
}

fn tables(tallies: BTreeMap<String, Tally>) -> Vec<TableReport> {
    let table = |(table, Tally { rows, agreeing })| TableReport { table, rows, agreeing };
    tallies.into_iter().map(table).collect()
}

/// A report with an office's signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SignedReport {
    /// The report, for whoever reads it. What counts is the same in `jws`.
    pub report: Report,
    /// A compact JWS (ES256), `typ` `sillok-report+jws`, its payload the report's canonical JSON, with the certificate
    /// of the office's gateway in `x5c`.
    pub jws: String,
}

/// Why a signed report is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The signature does not hold, or is no office's.
    #[error(transparent)]
    Signature(#[from] OfficeSignatureError),
    /// What is signed is not a report.
    #[error("what is signed is not a report in its canonical form")]
    Malformed,
}

impl SignedReport {
    /// Verifies a compact JWS against the offices' roots; gives the report, and the MSP of the office that signed it.
    pub fn verify(jws: &str, roots: &Roots) -> Result<(Report, String), ReportError> {
        let document = OfficeDocument::verify(jws, REPORT_TYPE)?;
        let msp = roots.office_of(&document.certificate).ok_or(OfficeSignatureError::NoOffice)?;
        let report: Report = serde_json::from_slice(&document.payload).map_err(|_| ReportError::Malformed)?;
        match report.to_json() == document.payload {
            true => Ok((report, msp.to_owned())),
            false => Err(ReportError::Malformed),
        }
    }
}
