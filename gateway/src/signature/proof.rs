//! The proof of one recorded signature: made, written, read.

use serde::{Deserialize, Serialize};
use sillok_contract::{
    Refusal,
    act::SignedAct,
    key,
    signature::{Place, Signature, SignatureRecord},
};

use crate::{
    ledger::{
        Receipt,
        receipt::{EndorsedWrites, ReceiptError, Roots, verify},
    },
    verdict::Wrong,
};

/// The version of the form.
pub const VERSION: u32 = 1;
/// The longest proof file that is read, in bytes.
pub const MAX_PROOF: usize = 16 * 1024 * 1024;

/// The proof of one signature. Whether it is true shows when it is verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureProof {
    version: u32,
    jws: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval: Option<String>,
    receipt: Receipt,
}

/// Why a signature's proof does not hold. Each variant has a stable code and says in a sentence why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureProofError {
    /// The file is larger than any proof.
    #[error("this is no proof of a signature: it is too large")]
    TooLarge,
    /// The file is not of the form, or it is cut off.
    #[error("this is no proof of a signature, or it is damaged: {0}")]
    Malformed(String),
    /// The form is of another version.
    #[error("this proof has the form of version {0}, which this program does not know; use a newer one")]
    Version(u32),
    /// The contract's own rule, broken.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Other bytes were signed.
    #[error("this is not the document that was signed: its SHA-256 is another")]
    OtherDocument,
    /// The certificates are not of an office of the roots.
    #[error(
        "no root certificate of the offices issued the signer's certificate, or it is not the one in x5c"
    )]
    Issuer,
    /// The receipt does not verify.
    #[error("{0}")]
    Receipt(#[from] ReceiptError),
    /// The endorsed transaction did not record the signature.
    #[error("the transaction that the offices endorsed did not record this signature")]
    NotRecorded,
    /// The offices endorsed something else under the signature's name.
    #[error("the offices recorded this signature otherwise: {0} is another")]
    OtherRecord(&'static str),
    /// The approval that the offices saw is not beside the signature, or one is that they did not see.
    #[error("the approval beside this signature is not the one that the offices recorded")]
    OtherApproval,
}

impl SignatureProofError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "signature_proof.too_large",
            Self::Malformed(_) => "signature_proof.malformed",
            Self::Version(_) => "signature_proof.version",
            Self::Refused(refusal) => refusal.code.as_str(),
            Self::OtherDocument => "signature_proof.other_document",
            Self::Issuer => "signature_proof.issuer",
            Self::Receipt(error) => error.code(),
            Self::NotRecorded => "signature_proof.not_recorded",
            Self::OtherRecord(_) => "signature_proof.other_record",
            Self::OtherApproval => "signature_proof.other_approval",
        }
    }
}

impl From<SignatureProofError> for Wrong {
    fn from(error: SignatureProofError) -> Self {
        Self { code: error.code().to_owned(), detail: error.to_string() }
    }
}

impl SignatureProof {
    /// Of a signature as it was recorded, the approval beside it, and the receipt of the transaction that recorded it.
    pub fn new(jws: String, approval: Option<String>, receipt: Receipt) -> Self {
        Self { version: VERSION, jws, approval, receipt }
    }

    /// Reads a proof file.
    pub fn parse(json: &[u8]) -> Result<Self, SignatureProofError> {
        if json.len() > MAX_PROOF {
            return Err(SignatureProofError::TooLarge);
        }
        let proof: Self = serde_json::from_slice(json)
            .map_err(|error| SignatureProofError::Malformed(error.to_string()))?;
        match proof.version {
            VERSION => Ok(proof),
            other => Err(SignatureProofError::Version(other)),
        }
    }

    /// The proof file: canonical JSON.
    pub fn to_json(&self) -> String {
        let json = serde_json_canonicalizer::to_vec(self).expect("text, numbers and lists have a JSON form");
        String::from_utf8(json).expect("JSON is UTF-8")
    }

    /// The signature, of the right form.
    pub fn signature(&self) -> Result<Signature, SignatureProofError> {
        Ok(Signature::parse(&self.jws)?)
    }

    /// The approval, of the right form, if there is one.
    pub fn approval(&self) -> Result<Option<SignedAct>, SignatureProofError> {
        Ok(self.approval.as_deref().map(SignedAct::parse).transpose()?)
    }

    /// The block that the ledger gave the transaction. No office signs its number.
    pub fn block(&self) -> u64 {
        self.receipt.block
    }

    /// What both offices endorsed.
    pub(super) fn endorsed(&self, roots: &Roots) -> Result<EndorsedWrites, SignatureProofError> {
        Ok(verify(&self.receipt, roots)?)
    }

    /// The signature's record among what both offices endorsed: of this very signature, by this very transaction.
    pub(super) fn record(
        &self,
        signature: &Signature,
        endorsed: &EndorsedWrites,
    ) -> Result<SignatureRecord, SignatureProofError> {
        let place: Place = written(endorsed, &key::signature_place(signature.digest))?;
        let record: SignatureRecord = written(endorsed, &key::signature(place.hash, &place.signer))?;
        let statement = &signature.statement;
        let same = [
            ("the signature's digest", record.digest == signature.digest),
            ("the signature's text", record.jws == signature.hash()),
            ("the document's hash", record.hash == statement.hash),
            ("what it is about", record.subject == statement.subject),
            ("its purpose", record.purpose == statement.purpose),
            ("the certificate", record.certificate.0 == signature.certificate.thumbprint()),
            ("the time of signing", record.signed_at == signature.signed_at()),
            ("the transaction", record.transaction == self.receipt.transaction),
        ];
        match same.into_iter().find(|(_, same)| !same) {
            Some((what, _)) => Err(SignatureProofError::OtherRecord(what)),
            None => Ok(record),
        }
    }
}

/// A document among the writes.
fn written<T: serde::de::DeserializeOwned>(
    endorsed: &EndorsedWrites,
    key: &str,
) -> Result<T, SignatureProofError> {
    let value = endorsed.writes.get(key).and_then(Option::as_ref);
    let value = value.ok_or(SignatureProofError::NotRecorded)?;
    serde_json::from_slice(value).map_err(|error| SignatureProofError::Malformed(error.to_string()))
}
