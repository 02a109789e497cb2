//! What an officer's request is for, and what may come of its queries.

use serde::{Deserialize, Serialize};
use sillok_proto::ledger::entry::Result as Outcome;

use crate::{Code, Refusal};

/// Why an officer signs a request in an educator's place. An educator's request has no purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Rows that were there before Sillok are taken on as they are: SELECTs whose rows are recorded whole.
    Baseline,
    /// Rows that were changed behind the ledger's back are put back to their last recorded images.
    Restore,
    /// Something that was recorded wrongly is put right, such as after an objection.
    Correction,
}

/// What came of a query, by the form of its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultKind {
    /// Rows were read: their number and digest.
    Read,
    /// Rows were written: their images.
    Written,
    /// Rows were adopted: their images.
    Adopted,
}

impl From<&Outcome> for ResultKind {
    fn from(result: &Outcome) -> Self {
        match result {
            Outcome::Read(_) => Self::Read,
            Outcome::Written(_) => Self::Written,
            Outcome::Adopted(_) => Self::Adopted,
        }
    }
}

/// Refuses a result that a request of this purpose cannot have: who takes rows on does nothing else, and who restores or
/// corrects only writes.
pub fn check(purpose: Option<Purpose>, result: ResultKind) -> Result<(), Refusal> {
    let (fits, rule) = match purpose {
        None => (result != ResultKind::Adopted, "an educator's query reads or writes; only baseline adopts"),
        Some(Purpose::Baseline) => (result == ResultKind::Adopted, "a query of baseline adopts rows"),
        Some(Purpose::Restore) => (result == ResultKind::Written, "a query of restore writes"),
        Some(Purpose::Correction) => (result == ResultKind::Written, "a query of correction writes"),
    };
    match fits {
        true => Ok(()),
        false => Err(Refusal::new(Code::EntryPurpose, rule)),
    }
}
