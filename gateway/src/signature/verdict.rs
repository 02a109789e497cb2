//! Whether a signature is to be believed: every check with its own name, and one word in the end.

use serde::{Deserialize, Serialize};
use sillok_contract::{
    digest::Digest,
    id::{MspId, SignerId},
    signature::{Commitment, Signature, SignatureRecord, Subject},
};
use utoipa::ToSchema;

use super::{SignatureProof, SignatureProofError};
use crate::{
    ledger::receipt::Roots,
    verdict::{Check, Checks, broken},
};

/// The one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is the document's, and its signer's; both offices recorded it while they stood.
    Valid,
    /// Something does not hold: it is forged, damaged, or not what the offices recorded.
    Refuted,
    /// It is its signer's, and both offices recorded it while they stood; which document it is of nobody has looked at.
    NotCompared,
}

impl Outcome {
    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Refuted => "refuted",
            Self::NotCompared => "not_compared",
        }
    }
}

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// Proof, signature and approval are of their forms.
    Form,
    /// The document is the one that was signed.
    Document,
    /// The certificate's key made the signature.
    Signature,
    /// An office's root issued the signer's certificate.
    Issuer,
    /// Both certificates were valid when it was signed.
    Validity,
    /// Every office endorsed the transaction.
    Receipt,
    /// The transaction recorded this very signature: both offices found that its signer stood, then and when it was signed.
    Record,
    /// Where an office holds the key: the signer's own key approved this use of it.
    Approval,
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// The one word.
    pub outcome: Outcome,
    /// Each check that was made; where one fails, those that rest on it are not.
    pub checks: Vec<Check<Link>>,
    /// Who signed what and when, where it is genuine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Summary>,
}

/// Who signed what and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// The signature: SHA-256 of its signing input, hexadecimal.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// SHA-256 of the document, hexadecimal.
    #[schema(value_type = String)]
    pub hash: Digest,
    /// What the document is: `urn:sillok:…`.
    #[schema(value_type = String)]
    pub subject: Subject,
    /// What the signer commits to by it, if they say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub purpose: Option<Commitment>,
    /// Who signed.
    #[schema(value_type = String)]
    pub signer: SignerId,
    /// The office whose authority issued their certificate.
    #[schema(value_type = String)]
    pub office: MspId,
    /// Whether that office holds the key and the signer approved its use.
    pub approved: bool,
    /// When it was signed, by the signer's clock, in microseconds since the Unix epoch.
    pub signed_at: i64,
    /// When it was recorded, by the transaction's time, likewise.
    pub recorded_at: i64,
    /// The transaction that recorded it.
    pub transaction: String,
    /// The block that it is said to be in: no office signs its number.
    pub block: u64,
}

impl Verdict {
    /// Judges a proof against the offices' root certificates, with nothing else at hand. `document` is the SHA-256 of the
    /// document's bytes.
    pub fn of(file: &[u8], document: Option<Digest>, roots: &Roots) -> Self {
        let mut checks = Checks::default();
        let signature = checks.genuine(file, document, roots);
        let outcome = match (&signature, document) {
            (None, _) => Outcome::Refuted,
            (Some(_), Some(_)) => Outcome::Valid,
            (Some(_), None) => Outcome::NotCompared,
        };
        Self { outcome, checks: checks.told(), signature }
    }

    /// The first check that fails.
    pub fn broken(&self) -> Option<&Check<Link>> {
        broken(&self.checks)
    }
}

impl Checks<Link> {
    fn genuine(&mut self, file: &[u8], document: Option<Digest>, roots: &Roots) -> Option<Summary> {
        let (proof, signature) = self.look(Link::Form, read(file))?;
        if let Some(document) = document {
            let same = document == signature.statement.hash;
            self.look(Link::Document, same.then_some(()).ok_or(SignatureProofError::OtherDocument))?;
        }
        self.look(Link::Signature, signature.verify())?;
        let office = self.look(Link::Issuer, issuer(&signature, roots))?;
        let signed_at = signature.signed_at();
        let valid = signature.certificate.valid_at(signed_at);
        self.look(Link::Validity, valid.and_then(|()| signature.authority.valid_at(signed_at)))?;
        let endorsed = self.look(Link::Receipt, proof.endorsed(roots))?;
        let record = self.look(Link::Record, proof.record(&signature, &endorsed))?;
        if record.approval.is_some() || !matches!(proof.approval(), Ok(None)) {
            self.look(Link::Approval, check_approval(&proof, &signature, &record))?;
        }
        Some(Summary {
            digest: record.digest,
            hash: record.hash,
            subject: record.subject,
            purpose: record.purpose,
            signer: record.signer,
            office,
            approved: record.approval.is_some(),
            signed_at,
            recorded_at: record.at,
            transaction: record.transaction,
            block: proof.block(),
        })
    }
}

fn read(file: &[u8]) -> Result<(SignatureProof, Signature), SignatureProofError> {
    let proof = SignatureProof::parse(file)?;
    let signature = proof.signature()?;
    proof.approval()?;
    Ok((proof, signature))
}

/// The office that issued the signer's certificate, by the authority that the signature brings along.
fn issuer(signature: &Signature, roots: &Roots) -> Result<MspId, SignatureProofError> {
    let (msp, authority) = roots.issuer_of(&signature.certificate).ok_or(SignatureProofError::Issuer)?;
    match *authority == signature.authority {
        true => Ok(MspId::new(msp)?),
        false => Err(SignatureProofError::Issuer),
    }
}

fn check_approval(
    proof: &SignatureProof,
    signature: &Signature,
    record: &SignatureRecord,
) -> Result<(), SignatureProofError> {
    match (proof.approval()?, &record.approval) {
        (Some(approval), Some(approved)) if approval.digest == approved.act => {
            Ok(signature.statement.check_approval(&approval, &record.signer, &approved.key)?)
        }
        _ => Err(SignatureProofError::OtherApproval),
    }
}
