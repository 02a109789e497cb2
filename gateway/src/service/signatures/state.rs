//! What is asked and answered about signatures, documents and claims.

use serde::{Deserialize, Serialize};
use sillok_contract::{
    claim::Claim,
    document::{Document, Part, State},
    id::{DocumentId, SignerId},
    signature::{Commitment, SignatureRecord},
};
use utoipa::ToSchema;

use super::SignatureVerdict;
use crate::{
    events::data::Failure,
    records::{SignatureState, StoredSignature},
};

/// A signature that is sent in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureSubmission {
    /// The signature: a compact JAdES JWS without a payload, `HEADER..SIGNATURE`.
    #[schema(example = "eyJhbGciOiJFUzI1NiJ9..c2ln")]
    pub signature: String,
    /// Where an office made it with a key that it holds: the act `signature.approve`, signed with the signer's own key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub approval: Option<String>,
}

/// A signature that an office is to make with the key that it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SigningRequest {
    /// The act `signature.approve`, signed with the signer's own key: a compact JWS, `typ` `sillok-act+jws`.
    #[schema(example = "eyJ0eXAiOiJzaWxsb2stYWN0K2p3cyJ9.eyJhY3QiOiJzaWduYXR1cmUuYXBwcm92ZSJ9.c2ln")]
    pub approval: String,
}

/// Where a signature stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SignatureStatus {
    /// SHA-256 of what was signed: 64 hexadecimal digits.
    pub signature: String,
    /// SHA-256 of the document, likewise.
    pub hash: String,
    /// Who signed.
    #[schema(value_type = String)]
    pub signer: SignerId,
    /// What was signed, as the signature names it.
    pub subject: String,
    /// `requested` (the office that holds the key is to make it), `created`, `valid`, `invalid` (it was verified and does not
    /// hold), `recorded`, or `refused` (by the office that was to make it, or by the ledger).
    #[schema(value_type = String)]
    pub state: SignatureState,
    /// What verifying it gave, check by check, once it was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<SignatureVerdict>,
    /// Why it was refused, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Failure>,
    /// The ledger's transaction, once it is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// The block's number, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// When it came in, microseconds since the Unix epoch.
    pub created_at: i64,
    /// When it last changed, likewise.
    pub updated_at: i64,
}

/// The signatures that the ledger has of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordedSignatures {
    /// Each, in the order of the signers' ids.
    #[schema(value_type = Vec<Object>)]
    pub signatures: Vec<SignatureRecord>,
    /// Give it back to read on; empty when there is no more.
    pub bookmark: String,
}

/// An act about a document or a work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignerAct {
    /// The act, signed with the signer's own key: a compact JWS, `typ` `sillok-act+jws`.
    #[schema(example = "eyJ0eXAiOiJzaWxsb2stYWN0K2p3cyJ9.eyJhY3QiOiJkb2N1bWVudC5vcGVuIn0.c2ln")]
    pub act: String,
}

/// A document of several parties.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocumentState {
    /// Its id.
    #[schema(value_type = String)]
    pub document: DocumentId,
    /// SHA-256 of its bytes: 64 hexadecimal digits.
    pub hash: String,
    /// Who opened it.
    #[schema(value_type = String)]
    pub opened_by: SignerId,
    /// What who signs it commits to, such as `proof_of_approval`.
    #[schema(value_type = String)]
    pub purpose: Commitment,
    /// Whether the parties sign in their order.
    pub ordered: bool,
    /// From this time on nobody signs it any more, microseconds since the Unix epoch.
    pub deadline: i64,
    /// `open`, `complete`, `refused`, `withdrawn` or `expired`.
    #[schema(value_type = String)]
    pub state: State,
    /// Who is to sign, and who has.
    pub parties: Vec<PartyState>,
    /// Who declined, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub declined_by: Option<SignerId>,
    /// When it was opened, microseconds since the Unix epoch.
    pub opened_at: i64,
    /// The transaction that opened it.
    pub transaction: String,
}

/// A party of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartyState {
    /// Who.
    #[schema(value_type = String)]
    pub signer: SignerId,
    /// Their signature, once the ledger has it: 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// When the ledger took it, microseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<i64>,
}

/// A page of documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Documents {
    /// In the order of their ids.
    pub documents: Vec<DocumentState>,
    /// Give it back to read on; empty when there is no more.
    pub bookmark: String,
}

/// Who first claimed a work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimState {
    /// SHA-256 of the work's bytes: 64 hexadecimal digits.
    pub hash: String,
    /// Who claimed it.
    #[schema(value_type = String)]
    pub by: SignerId,
    /// When, microseconds since the Unix epoch.
    pub at: i64,
    /// The transaction.
    pub transaction: String,
}

impl From<StoredSignature> for SignatureStatus {
    fn from(stored: StoredSignature) -> Self {
        let (transaction, block) = stored.recorded.unzip();
        Self {
            signature: hex::encode(stored.id),
            hash: hex::encode(stored.hash),
            signer: stored.signer,
            subject: stored.subject,
            state: stored.state,
            // What was stored here was written here.
            verdict: stored.verdict.and_then(|verdict| serde_json::from_value(verdict).ok()),
            refusal: stored.refusal,
            transaction,
            block,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}

impl DocumentState {
    /// As it stands at this time.
    pub(super) fn of(document: Document, now: i64) -> Self {
        let state = document.state_at(now);
        Self {
            state,
            hash: document.digest.to_string(),
            document: document.id,
            opened_by: document.opened_by,
            purpose: document.purpose,
            ordered: document.ordered,
            deadline: document.deadline,
            parties: document.parties.into_iter().map(PartyState::from).collect(),
            declined_by: document.declined.map(|declined| declined.by),
            opened_at: document.opened.at,
            transaction: document.opened.transaction,
        }
    }
}

impl From<Part> for PartyState {
    fn from(part: Part) -> Self {
        let (signature, signed_at) = part.signed.map(|signed| (signed.digest.to_string(), signed.at)).unzip();
        Self { signer: part.signer, signature, signed_at }
    }
}

impl From<Claim> for ClaimState {
    fn from(claim: Claim) -> Self {
        let (hash, Claim { by, step, .. }) = (claim.digest.to_string(), claim);
        Self { hash, by, at: step.at, transaction: step.transaction }
    }
}
