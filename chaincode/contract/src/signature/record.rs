//! `RecordSignatures`: the one way a signature comes to the ledger.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Approved, Case, Place, Signature, SignatureRecord,
    standing::{Standing, owners},
};
use crate::{
    Code, Ledger, Refusal,
    act::SignedAct,
    digest::Digest,
    id::{DocumentId, SignerId},
    json, key,
    refusal::blame,
    registry::Signer,
};

/// The event of signatures that were recorded; its payload is [`RecordedSignatures`].
pub const EVENT: &str = "SignaturesRecorded";
/// The transient value that holds the signatures: a JSON array of [`Presented`].
pub const TRANSIENT: &str = "signatures";
/// The most signatures one transaction may record.
pub const MAX_SIGNATURES: usize = 100;
/// The longest array of signatures, in bytes.
const MAX_ARRAY: usize = 4 * 1024 * 1024;

/// A signature as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presented {
    /// The compact JWS: see [`Signature`].
    pub jws: String,
    /// The compact JWS of the approval: a [`crate::act::SignatureApprove`], where an office holds the signer's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

/// The answer to `RecordSignatures`; as its event's payload, those alone that are new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedSignatures {
    /// In the order in which they were given.
    pub signatures: Vec<RecordedSignature>,
    /// The documents of several parties that were moved by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentId>,
}

/// What came of one signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedSignature {
    /// The signature: see [`Signature::digest`].
    pub digest: Digest,
    /// SHA-256 of the document.
    pub hash: Digest,
    /// Who signed it.
    pub signer: SignerId,
    /// The transaction that recorded it: of a repeated one, the first.
    pub transaction: String,
    /// That transaction's time, in microseconds since the Unix epoch.
    pub at: i64,
    /// Whether it stood on the ledger before.
    pub repeated: bool,
}

/// A signature that has been read, with its approval.
pub(super) struct Given {
    pub(super) signature: Signature,
    pub(super) approval: Option<SignedAct>,
}

/// Verifies signatures and records them, all or none. They take effect in their order: each sees what those before it
/// did. The very same signature again is answered with its first transaction and changes nothing.
pub(crate) fn record(ledger: &mut dyn Ledger, digests: &[Digest]) -> Result<RecordedSignatures, Refusal> {
    let given = read(ledger, digests)?;
    let owners = owners(ledger, &given)?;
    let mut standing = Standing::read(ledger, &given, &owners)?;
    let mut signatures = Vec::with_capacity(given.len());
    for (index, given) in given.iter().enumerate() {
        signatures.push(take(ledger, &mut standing, given).map_err(blame(index))?);
    }
    let documents = standing.documents.write(ledger)?;
    tell(ledger, &signatures, &documents)?;
    Ok(RecordedSignatures { signatures, documents })
}

/// The transient signatures, which must be those of the digests.
fn read(ledger: &dyn Ledger, digests: &[Digest]) -> Result<Vec<Given>, Refusal> {
    let malformed = |why: &str| Refusal::new(Code::ArgumentMalformed, why);
    let bytes =
        ledger.transient(TRANSIENT).ok_or_else(|| malformed("the transient value signatures is missing"))?;
    if bytes.len() > MAX_ARRAY {
        return Err(malformed("the transient value signatures is too long; record fewer at a time"));
    }
    let presented: Vec<Presented> = serde_json::from_slice(&bytes).map_err(|error| {
        malformed(&format!("the transient value signatures is not [{{jws, approval?}}]: {error}"))
    })?;
    if presented.len() != digests.len() {
        return Err(malformed("there are as many digests as signatures"));
    }
    let mut seen = BTreeSet::new();
    let read = |(index, (presented, digest)): (usize, (&Presented, &Digest))| {
        let given = Given::read(presented).map_err(blame(index))?;
        if given.signature.digest != *digest {
            return Err(blame(index)(malformed(
                "the digest is not the signature's: SHA-256 of what is signed",
            )));
        }
        match seen.insert(*digest) {
            true => Ok(given),
            false => Err(blame(index)(malformed("the signature is there twice"))),
        }
    };
    presented.iter().zip(digests).enumerate().map(read).collect()
}

fn take(
    ledger: &mut dyn Ledger,
    standing: &mut Standing,
    given: &Given,
) -> Result<RecordedSignature, Refusal> {
    let signature = &given.signature;
    let signer = standing.signer(signature);
    if let Some(record) = standing.signature_of(signature.statement.hash, &signer.id) {
        return match record.digest == signature.digest {
            true => Ok(record.recorded(true)),
            false => Err(Refusal::new(
                Code::SignatureExists,
                format!("signature already exists: {} signed this document at {}", record.signer, record.at),
            )),
        };
    }
    let (authority, approval) = (standing.authority(&signer), given.approval.as_ref());
    let now = ledger.timestamp();
    Case { signature, approval, signer: &signer, authority, now }.check()?;
    let record = record_of(ledger, given, &signer);
    standing.apply(&record)?;
    write(ledger, &record)?;
    let recorded = record.recorded(false);
    standing.remember(record);
    Ok(recorded)
}

fn record_of(ledger: &dyn Ledger, given: &Given, signer: &Signer) -> SignatureRecord {
    let (signature, statement) = (&given.signature, &given.signature.statement);
    let approval = given.approval.as_ref().zip(signer.approval.as_ref());
    SignatureRecord {
        hash: statement.hash,
        signer: signer.id.clone(),
        subject: statement.subject.clone(),
        purpose: statement.purpose,
        certificate: Digest(signature.certificate.thumbprint()),
        digest: signature.digest,
        jws: signature.hash(),
        approval: approval.map(|(approval, key)| Approved { act: approval.digest, key: key.clone() }),
        signed_at: signature.signed_at(),
        at: ledger.timestamp(),
        transaction: ledger.transaction_id().to_owned(),
    }
}

fn write(ledger: &mut dyn Ledger, record: &SignatureRecord) -> Result<(), Refusal> {
    ledger.put(&key::signature(record.hash, &record.signer), json::canonical(record))?;
    ledger.put(&key::signature_place(record.digest), json::canonical(&Place::of(record)))
}

fn tell(
    ledger: &mut dyn Ledger,
    signatures: &[RecordedSignature],
    documents: &[DocumentId],
) -> Result<(), Refusal> {
    let signatures: Vec<_> = signatures.iter().filter(|recorded| !recorded.repeated).cloned().collect();
    if signatures.is_empty() {
        return Ok(());
    }
    let told = RecordedSignatures { signatures, documents: documents.to_owned() };
    ledger.set_event(EVENT, json::canonical(&told))
}

impl Given {
    fn read(presented: &Presented) -> Result<Self, Refusal> {
        let signature = Signature::parse(&presented.jws)?;
        let approval = presented.approval.as_deref().map(SignedAct::parse).transpose()?;
        Ok(Self { signature, approval })
    }
}

impl SignatureRecord {
    fn recorded(&self, repeated: bool) -> RecordedSignature {
        RecordedSignature {
            digest: self.digest,
            hash: self.hash,
            signer: self.signer.clone(),
            transaction: self.transaction.clone(),
            at: self.at,
            repeated,
        }
    }
}
