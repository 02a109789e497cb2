//! What can stop a batch for now, and what a refusal says about whose fault it is.

use sillok_contract::{Code, Refusal};

use crate::{ledger::LedgerError, records::RecordsError};

/// Why a writer could not go on. Everything but a lost lease is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Another gateway writes this school now.
    #[error("another gateway writes this school's batches now")]
    LeaseLost,
    /// The database did not answer as it should.
    #[error(transparent)]
    Records(RecordsError),
    /// The ledger did not answer as it should.
    #[error(transparent)]
    Ledger(LedgerError),
    /// The transaction was ordered and took no effect: it is endorsed again.
    #[error("the batch's transaction took no effect: {0}")]
    Invalid(String),
    /// The transaction is in a block, and its receipt is not to be had yet.
    #[error("the receipt of transaction {0} is not to be had yet")]
    NoReceipt(String),
    /// The ledger refuses the batch for what is no entry's fault.
    #[error("the ledger refuses batch {sequence}, and no entry is to blame: {refusal}")]
    Refused {
        /// The batch.
        sequence: u64,
        /// What it said.
        refusal: Refusal,
    },
    /// The offices refuse the time of an entry, and it lies ahead of this gateway's own clock.
    #[error(
        "the ledger refuses batch {sequence} because of an entry that was executed later than it is by this gateway's \
         clock: is the clock right, and that of the gateway that executed it?"
    )]
    Ahead {
        /// The batch.
        sequence: u64,
    },
    /// Ledger and database do not belong together.
    #[error(
        "the ledger's last batch of this school is {ledger}, the database's is {database}: was one of them restored \
         from a copy, or is this another network's database? Nothing is recorded until they agree; what a restored copy \
         lacks, `sillok audit --mend` puts back from the ledger"
    )]
    Disagree {
        /// The ledger's.
        ledger: u64,
        /// The database's.
        database: u64,
    },
}

impl From<RecordsError> for Fault {
    fn from(error: RecordsError) -> Self {
        match error {
            RecordsError::LeaseLost => Self::LeaseLost,
            error => Self::Records(error),
        }
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl Fault {
    /// For the metrics.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::LeaseLost => "lease_lost",
            Self::Records(_) => "database",
            Self::Ledger(LedgerError::Endorse { .. }) => "endorse",
            Self::Ledger(LedgerError::Submit { .. }) => "submit",
            Self::Ledger(LedgerError::Rejected { .. }) => "rejected",
            Self::Ledger(LedgerError::CommitStatus { .. }) => "commit_status",
            Self::Ledger(_) => "ledger",
            Self::Invalid(_) => "invalid",
            Self::NoReceipt(_) => "receipt",
            Self::Refused { .. } => "refused",
            Self::Ahead { .. } => "clock",
            Self::Disagree { .. } => "disagree",
        }
    }

    /// Whether somebody has to look: waiting alone will not mend it.
    pub(super) fn alarming(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. }
                | Self::Ahead { .. }
                | Self::Disagree { .. }
                | Self::Records(RecordsError::Corrupt(_))
                | Self::Ledger(
                    LedgerError::Malformed(_) | LedgerError::Refused(_) | LedgerError::Rejected { .. }
                )
        )
    }
}

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// This entry's, by its index: it is set aside.
    Entry(usize),
    /// Something in the batch: smaller batches find it, or fit.
    Contents,
    /// The ledger could not be asked: try again.
    Away,
    /// None of the entries': setting any aside would lose it for nothing.
    Circumstances,
}

/// Whose fault the refusal of a batch of so many entries is.
pub(super) fn blame(refusal: &Refusal, entries: usize) -> Blame {
    let index = refusal.entry.map(|index| index as usize).filter(|&index| index < entries);
    match (index, refusal.code) {
        (_, Code::LedgerUnavailable) => Blame::Away,
        (_, Code::LedgerCorrupt) => Blame::Circumstances,
        (Some(index), _) => Blame::Entry(index),
        (None, code) if !lies_in_contents(code) => Blame::Circumstances,
        (None, _) if entries == 1 => Blame::Entry(0),
        (None, _) => Blame::Contents,
    }
}

/// Whether a refusal that names no entry can be one of the entries' fault all the same.
fn lies_in_contents(code: Code) -> bool {
    let subject = code.as_str().split('.').next().unwrap_or_default();
    matches!(code, Code::BatchTooLarge | Code::BatchMalformed)
        || matches!(subject, "entry" | "query" | "request")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_blamed_only_where_it_is_named_or_alone() {
        let refusal = |code| Refusal::new(code, "");
        let table = [
            (refusal(Code::EducatorRevoked).at_entry(3), 40, Blame::Entry(3)),
            (refusal(Code::EntryTime).at_entry(40), 40, Blame::Contents),
            (refusal(Code::EducatorRevoked), 40, Blame::Circumstances),
            (refusal(Code::LedgerCorrupt).at_entry(0), 2, Blame::Circumstances),
            (refusal(Code::BatchTooLarge), 40, Blame::Contents),
            (refusal(Code::BatchTooLarge), 1, Blame::Entry(0)),
            (refusal(Code::BatchTaken), 1, Blame::Circumstances),
            (refusal(Code::CreatorForbidden), 1, Blame::Circumstances),
            (refusal(Code::LedgerUnavailable).at_entry(0), 1, Blame::Away),
        ];
        for (refusal, entries, expected) in table {
            assert_eq!(blame(&refusal, entries), expected, "{refusal} of {entries}");
        }
    }
}
