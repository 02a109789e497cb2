//! Why a proof does not hold.

use sillok_contract::{Refusal, id::SchoolId};

use crate::ledger::receipt::ReceiptError;

/// What is wrong with a proof. Each variant has a stable code and says in a sentence why the proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The file is larger than any proof.
    #[error("this is no proof file: it is too large")]
    TooLarge,
    /// The file is not of the form, or it is cut off.
    #[error("this is no proof file, or it is damaged: {0}")]
    Malformed(String),
    /// The form is of another version.
    #[error("this proof has the form of version {0}, which this program does not know; use a newer one")]
    Version(u32),
    /// The file is not canonical JSON.
    #[error("this proof file has been changed: it is not the canonical JSON in which proofs are written")]
    NotCanonical,
    /// The digest is not that of the rest.
    #[error("this proof file is damaged: its digest is not that of its content")]
    Damaged,
    /// The entry is not of its form.
    #[error("the entry in this proof cannot be taken: {0}")]
    Entry(Refusal),
    /// The header is not of its form.
    #[error("the batch header in this proof is not of its form")]
    Header,
    /// The header is another school's than the entry.
    #[error(
        "this proof rests on another school's root: the entry is of {entry}, the batch header of {header}"
    )]
    OtherSchool {
        /// The entry's school.
        entry: SchoolId,
        /// The header's, as it stands there.
        header: String,
    },
    /// The path does not lead to the header's root.
    #[error("this entry is not in the batch: the path does not lead from it to the root in the header")]
    Path,
    /// The entry was executed outside the header's times.
    #[error("this entry is not of the batch: its time is not between the header's first and last")]
    Time,
    /// The receipt does not verify.
    #[error("{0}")]
    Receipt(#[from] ReceiptError),
    /// The endorsed transaction did not record the batch.
    #[error("the transaction that the offices endorsed did not record batch {sequence} of {school}")]
    NotRecorded {
        /// The school.
        school: SchoolId,
        /// The batch's number.
        sequence: u64,
    },
    /// The batch as endorsed is not of its form.
    #[error("what the offices endorsed as the batch is not of its form")]
    Record,
    /// The offices endorsed another header.
    #[error("this proof rests on another root: the offices endorsed another header for this batch")]
    OtherHeader,
    /// The batch names another transaction than the receipt.
    #[error("the batch was recorded by another transaction than the receipt's")]
    OtherTransaction,
    /// The offices endorsed another leaf in this place.
    #[error("the offices endorsed another entry in this place of the batch")]
    OtherLeaf,
    /// The request is not the one the entry names.
    #[error("the request in this proof is not the one the entry rests on")]
    OtherRequest,
    /// The request is not of its form.
    #[error("the request in this proof cannot be taken: {0}")]
    Request(Refusal),
    /// The request is about another school.
    #[error("the request was signed for another school, {0}")]
    RequestSchool(SchoolId),
    /// Who signed did not sign for this query.
    #[error("the request was not signed for this query: its hash is not in its place in the request")]
    Query,
    /// The certificate cannot be read.
    #[error("the signer's certificate in this proof cannot be taken: {0}")]
    Certificate(Refusal),
    /// The certificate is not the one the request names.
    #[error("the certificate in this proof is not the one the request names")]
    OtherCertificate,
    /// The signature is wrong.
    #[error("the signature on the request does not hold: {0}")]
    Signature(Refusal),
}

impl ProofError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "proof.too_large",
            Self::Malformed(_) => "proof.malformed",
            Self::Version(_) => "proof.version",
            Self::NotCanonical => "proof.not_canonical",
            Self::Damaged => "proof.damaged",
            Self::Entry(_) => "proof.entry",
            Self::Header => "proof.header",
            Self::OtherSchool { .. } => "proof.other_school",
            Self::Path => "proof.path",
            Self::Time => "proof.time",
            Self::Receipt(error) => error.code(),
            Self::NotRecorded { .. } => "proof.not_recorded",
            Self::Record => "proof.record",
            Self::OtherHeader => "proof.other_header",
            Self::OtherTransaction => "proof.other_transaction",
            Self::OtherLeaf => "proof.other_leaf",
            Self::OtherRequest => "proof.other_request",
            Self::Request(_) => "proof.request",
            Self::RequestSchool(_) => "proof.request_school",
            Self::Query => "proof.query",
            Self::Certificate(_) => "proof.certificate",
            Self::OtherCertificate => "proof.other_certificate",
            Self::Signature(_) => "proof.signature",
        }
    }
}
