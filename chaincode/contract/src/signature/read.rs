//! Signatures on the ledger, and reading them.

use serde::{Deserialize, Serialize};

use super::{Commitment, Subject};
use crate::{
    Code, Ledger, Refusal,
    digest::Digest,
    id::SignerId,
    key,
    registry::{self, ApprovalKey, Listing},
};

/// A signature on the ledger: who signed which hash, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureRecord {
    /// SHA-256 of the document.
    pub hash: Digest,
    /// Who signed it.
    pub signer: SignerId,
    /// What the signature names the document by.
    pub subject: Subject,
    /// What the signer commits to by it, if they say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Commitment>,
    /// SHA-256 of the signer's certificate's DER.
    pub certificate: Digest,
    /// The signature: see [`super::Signature::digest`].
    pub digest: Digest,
    /// SHA-256 of its compact JWS as it was received.
    pub jws: Digest,
    /// How the signer approved it, where an office holds the certificate's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approved>,
    /// When it was signed, by the signer's clock, in microseconds since the Unix epoch.
    pub signed_at: i64,
    /// The transaction's time, likewise.
    pub at: i64,
    /// The transaction.
    pub transaction: String,
}

/// An approval that was found to be good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// The approval: see [`crate::act::SignedAct::digest`].
    pub act: Digest,
    /// The signer's own key, which signed it.
    pub key: ApprovalKey,
}

/// Where a signature stands, by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// SHA-256 of the document.
    pub hash: Digest,
    /// Who signed it.
    pub signer: SignerId,
    /// SHA-256 of the signature's compact JWS as it was received.
    pub jws: Digest,
}

impl Place {
    pub(super) fn of(record: &SignatureRecord) -> Self {
        Self { hash: record.hash, signer: record.signer.clone(), jws: record.jws }
    }
}

/// A signer's signature of a document.
pub(crate) fn get(
    ledger: &mut dyn Ledger,
    hash: &Digest,
    signer: &SignerId,
) -> Result<SignatureRecord, Refusal> {
    registry::get(ledger, &key::signature(hash, signer)).map_err(unknown)
}

/// The signature with this digest.
pub(crate) fn find(ledger: &mut dyn Ledger, digest: &Digest) -> Result<SignatureRecord, Refusal> {
    let place: Place = registry::get(ledger, &key::signature_place(digest)).map_err(unknown)?;
    get(ledger, &place.hash, &place.signer)
}

/// A page of a document's signatures, in the order of the signers' ids; a document without any is refused.
pub(crate) fn list(
    ledger: &mut dyn Ledger,
    hash: &Digest,
    page_size: u32,
    bookmark: &str,
) -> Result<Listing<SignatureRecord>, Refusal> {
    let listing = registry::list(ledger, &key::signature(hash, ""), page_size, bookmark)?;
    match listing.items.is_empty() && bookmark.is_empty() {
        true => Err(not_found()),
        false => Ok(listing),
    }
}

/// The refusal for a signature that is not on the ledger.
pub(super) fn not_found() -> Refusal {
    Refusal::new(Code::SignatureNotFound, "signature does not exist")
}

fn unknown(refusal: Refusal) -> Refusal {
    match refusal.code {
        Code::NotFound => not_found(),
        _ => refusal,
    }
}
