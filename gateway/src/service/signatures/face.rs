//! The operations on signatures, documents and claims, as the faces call them.

use sillok_contract::{
    digest::Digest,
    id::{DocumentId, SignerId},
};

use super::{
    ClaimState, DocumentState, Documents, RecordedSignatures, SignatureStatus, SignatureSubmission,
    SignerAct, SigningRequest,
};
use crate::{
    problem::Problem,
    service::{Caller, Service},
};

impl Service {
    /// Takes a signature of a document in: its form is checked and its signer is registered. That it is verified and
    /// recorded follows; the same signature again is answered with where it stands.
    pub async fn submit_signature(
        &self,
        caller: &Caller,
        sent: SignatureSubmission,
    ) -> Result<SignatureStatus, Problem> {
        self.core.submit_signature(caller, sent).await
    }

    /// Takes an approval in: the office that holds the signer's key is to make the signature, which then goes its way as one
    /// that was handed in. The same approval again is answered with where it stands.
    pub async fn request_signing(
        &self,
        caller: &Caller,
        sent: SigningRequest,
    ) -> Result<SignatureStatus, Problem> {
        self.core.request_signing(caller, sent).await
    }

    /// Where a signature stands. For its signer and the offices.
    pub async fn signature(&self, caller: &Caller, digest: Digest) -> Result<SignatureStatus, Problem> {
        self.core.signature(caller, digest).await
    }

    /// The signatures that the ledger has of a document, by the SHA-256 of its bytes. For anybody.
    pub async fn recorded_signatures(
        &self,
        hash: &Digest,
        bookmark: &str,
    ) -> Result<RecordedSignatures, Problem> {
        self.core.recorded_signatures(hash, bookmark).await
    }

    /// The proof of a recorded signature, which verifies offline: the JSON of its file. For anybody.
    pub async fn signature_proof(&self, digest: &Digest) -> Result<String, Problem> {
        self.core.signature_proof(digest).await
    }

    /// A signer opens a document for several to sign, by the act `document.open`.
    pub async fn open_document(&self, caller: &Caller, sent: SignerAct) -> Result<DocumentState, Problem> {
        self.core.open_document(caller, sent).await
    }

    /// A party declines a document, or who opened it withdraws it, by the act `document.decline` or `document.withdraw`.
    pub async fn act_on_document(
        &self,
        caller: &Caller,
        id: &DocumentId,
        sent: SignerAct,
    ) -> Result<DocumentState, Problem> {
        self.core.act_on_document(caller, id, sent).await
    }

    /// A document of several parties. For who opened it, its parties and the offices.
    pub async fn document(&self, caller: &Caller, id: &DocumentId) -> Result<DocumentState, Problem> {
        self.core.document(caller, id).await
    }

    /// The documents that a signer opened or is a party of; a signer gets their own, without being named.
    pub async fn documents(
        &self,
        caller: &Caller,
        signer: Option<SignerId>,
        bookmark: &str,
    ) -> Result<Documents, Problem> {
        self.core.documents(caller, signer, bookmark).await
    }

    /// A signer claims a work by the act `work.claim`: the first claim of its hash stands, and there is no other.
    pub async fn claim_work(&self, caller: &Caller, sent: SignerAct) -> Result<ClaimState, Problem> {
        self.core.claim_work(caller, sent).await
    }

    /// Who first claimed a work, by the SHA-256 of its bytes. For anybody.
    pub async fn claim(&self, work: &Digest) -> Result<ClaimState, Problem> {
        self.core.claim(work).await
    }
}
