//! Why a certificate is not what it should be.

use sillok_contract::{Refusal, entry::EntryId};

use crate::{ledger::receipt::ReceiptError, proof::ProofError, verdict::Wrong};

/// Why a certificate cannot be read, or is not true. Each names the link of the chain that breaks.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CertificateError {
    /// The file or the JWT is longer than one that is read.
    #[error("the certificate is larger than any that is read")]
    TooLarge,
    /// The file is not of its form.
    #[error("this is not a certificate's file: {0}")]
    File(String),
    /// The JWT is not of its form.
    #[error("the credential is not a JWT of VC-JOSE-COSE as offices sign it: {0}")]
    Jwt(String),
    /// The credential in it is not of its form.
    #[error("the credential is not of its form: {0}")]
    Credential(String),
    /// The officer's key did not sign it.
    #[error("the signature is not that of the certificate in x5c")]
    Signature,
    /// No office's root issued the signer's certificate.
    #[error("no office's root certificate issued the signer's certificate")]
    NoOffice,
    /// Another office's officer signed it than the issuer.
    #[error(
        "the credential names {named} as its issuer, and somebody of {office} signed it, or another root of it"
    )]
    OtherOffice {
        /// The office that is named.
        named: String,
        /// Whose certificate it is.
        office: String,
    },
    /// The signer's certificate is no person's.
    #[error("the signer's certificate is no officer's: its unit is neither client nor admin")]
    NotAnOfficer,
    /// The signer's certificate, or the root, was not good when the credential began.
    #[error("the signer's certificate was not good when the credential begins: {0}")]
    OfficerTime(Refusal),
    /// There are not as many proofs as entries that the credential names.
    #[error("the credential names {named} entries, and {given} proofs come with it")]
    Proofs {
        /// How many it names.
        named: usize,
        /// How many came.
        given: usize,
    },
    /// A proof does not hold.
    #[error("the proof of entry {entry} does not hold: {error} ({})", error.code())]
    Proof {
        /// Which.
        entry: EntryId,
        /// Why not.
        error: ProofError,
    },
    /// A proof is not the one that the credential names.
    #[error("in the place of the proof of entry {0} comes another than the credential names")]
    OtherProof(EntryId),
    /// A proof is of another learner's entry.
    #[error("entry {0} is about another learner")]
    OtherLearner(EntryId),
    /// The entries are not in their order, or one is there twice.
    #[error("the entries are not in the order of the learner's trail, each once")]
    EvidenceOrder,
    /// A row is not what the proofs say.
    #[error("no proof holds this row of {table} as its last image: {row}")]
    Row {
        /// The table.
        table: String,
        /// The row.
        row: String,
    },
    /// No row rests on an entry.
    #[error("no row of the record rests on entry {0}")]
    Superfluous(EntryId),
    /// A receipt of the ledger does not hold.
    #[error("the ledger's receipt of {what} does not hold: {error} ({})", error.code())]
    Receipt {
        /// Of what.
        what: &'static str,
        /// Why not.
        error: ReceiptError,
    },
    /// A receipt is of something else.
    #[error("the ledger's receipt is not that of {0} of this certificate")]
    OtherReceipt(&'static str),
    /// The ledger holds another digest.
    #[error("the ledger holds another certificate under this id: its digest is not this one's")]
    OtherDigest,
    /// Another officer's act issued it.
    #[error("the ledger says that another officer issued it than the one who signed it")]
    OtherOfficer,
    /// The countersignature is not of its form.
    #[error("the countersignature is not of its form: {0}")]
    CountersignatureForm(Refusal),
    /// It is not the wallet's.
    #[error("the countersignature is not that of the wallet's key that the credential names")]
    Countersignature,
    /// It is for something else.
    #[error("the learner countersigned something else than this certificate")]
    OtherCountersignature,
    /// The status answer does not hold.
    #[error("what the offices are said to answer does not hold: {0} ({code})", code = .0.code())]
    Status(ReceiptError),
    /// The status answer is no answer about a certificate.
    #[error("what the offices answered is no certificate's status")]
    OtherAnswer,
    /// The status answer is about another certificate.
    #[error("the offices' answer is about another certificate")]
    OtherStatus,
    /// The status answer is another question's.
    #[error("the offices' answer is to another question: it may be old, or another's")]
    Nonce,
}

impl CertificateError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "certificate.too_large",
            Self::File(_) => "certificate.file",
            Self::Jwt(_) => "certificate.jwt",
            Self::Credential(_) => "certificate.credential",
            Self::Signature => "certificate.signature",
            Self::NoOffice => "certificate.no_office",
            Self::OtherOffice { .. } => "certificate.other_office",
            Self::NotAnOfficer => "certificate.not_an_officer",
            Self::OfficerTime(_) => "certificate.officer_time",
            Self::Proofs { .. } => "certificate.proofs",
            Self::Proof { .. } => "certificate.proof",
            Self::OtherProof(_) => "certificate.other_proof",
            Self::OtherLearner(_) => "certificate.other_learner",
            Self::EvidenceOrder => "certificate.evidence_order",
            Self::Row { .. } => "certificate.row",
            Self::Superfluous(_) => "certificate.superfluous",
            Self::Receipt { .. } => "certificate.receipt",
            Self::OtherReceipt(_) => "certificate.other_receipt",
            Self::OtherDigest => "certificate.other_digest",
            Self::OtherOfficer => "certificate.other_officer",
            Self::CountersignatureForm(_) => "certificate.countersignature_form",
            Self::Countersignature => "certificate.countersignature",
            Self::OtherCountersignature => "certificate.other_countersignature",
            Self::Status(_) => "certificate.status",
            Self::OtherAnswer => "certificate.other_answer",
            Self::OtherStatus => "certificate.other_status",
            Self::Nonce => "certificate.nonce",
        }
    }
}

impl From<CertificateError> for Wrong {
    fn from(error: CertificateError) -> Self {
        Self { code: error.code().to_owned(), detail: error.to_string() }
    }
}
