//! Reading certificates.

use serde::{Deserialize, Serialize};

use super::{Credential, State};
use crate::{
    Ledger, Refusal,
    act::RevocationReason,
    digest::Digest,
    id::{CertificateId, LearnerId, OfficerId},
    json, key,
    registry::{self, Listing},
};

/// The event of a status that was told, by which the offices' endorsements name the transaction; its payload is
/// [`CredentialStatus`]. Nothing is submitted, so nobody hears it.
pub const EVENT: &str = "CertificateStatusTold";

/// Where a certificate stands: the answer to `GetCertificateStatus`, which both offices sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialStatus {
    /// The certificate.
    pub certificate: CertificateId,
    /// Whose record it certifies.
    pub learner: LearnerId,
    /// Where it stands at `time`.
    pub state: State,
    /// SHA-256 of the compact JWT that was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Who issued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_by: Option<OfficerId>,
    /// When it was issued, in microseconds since the Unix epoch, like the times below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<i64>,
    /// From when on it is worth nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// When the learner agreed to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countersigned_at: Option<i64>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<i64>,
    /// Why it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RevocationReason>,
    /// What the asker drew at random, in hexadecimal digits: the answer is none from before.
    pub nonce: String,
    /// The time that the transaction's creator claims: hold it against a clock of your own.
    pub time: i64,
    /// The transaction that was endorsed, and never submitted.
    pub transaction: String,
}

pub(crate) fn get(ledger: &mut dyn Ledger, id: &CertificateId) -> Result<Credential, Refusal> {
    registry::get(ledger, &key::credential(id))
}

/// A page of a learner's certificates, in the order of their ids.
pub(crate) fn list(
    ledger: &mut dyn Ledger,
    learner: &LearnerId,
    page_size: u32,
    bookmark: &str,
) -> Result<Listing<Credential>, Refusal> {
    registry::list_of(ledger, &key::credential_of(learner, ""), |id| key::credential(id), page_size, bookmark)
}

/// A page of the certificates that are neither refused nor issued, those that were asked for first at the front.
pub(crate) fn list_waiting(
    ledger: &mut dyn Ledger,
    page_size: u32,
    bookmark: &str,
) -> Result<Listing<Credential>, Refusal> {
    registry::list_of(ledger, "credential-waiting/", |id| key::credential(id), page_size, bookmark)
}

/// Where a certificate stands, told to who drew the nonce.
pub(crate) fn status(
    ledger: &mut dyn Ledger,
    id: &CertificateId,
    nonce: &str,
) -> Result<CredentialStatus, Refusal> {
    let credential = get(ledger, id)?;
    let (time, transaction) = (ledger.timestamp(), ledger.transaction_id().to_owned());
    let (issued, revoked) = (credential.issued.as_ref(), credential.revoked.as_ref());
    let told = CredentialStatus {
        state: credential.state_at(time),
        digest: issued.map(|issued| issued.digest),
        issued_by: issued.map(|issued| issued.by.clone()),
        issued_at: issued.map(|issued| issued.step.at),
        expires_at: issued.map(|issued| issued.expires_at),
        countersigned_at: credential.countersigned.as_ref().map(|step| step.at),
        revoked_at: revoked.map(|revoked| revoked.step.at),
        reason: revoked.map(|revoked| revoked.reason),
        certificate: credential.id,
        learner: credential.learner,
        nonce: nonce.to_owned(),
        time,
        transaction,
    };
    ledger.set_event(EVENT, json::reply(&told))?;
    Ok(told)
}
