//! Signatures, documents and claims.

use reqwest::Method;
use sillok_contract::{
    digest::Digest,
    id::{DocumentId, SignerId},
};

use super::{Client, ClientError, answered, body, read};
use crate::service::{
    ClaimState, DocumentState, Documents, RecordedSignatures, SignatureStatus, SignatureSubmission,
    SignerAct, SigningRequest,
};

impl Client {
    /// Hands a signature in. The same again answers with where it stands.
    pub async fn submit_signature(&self, sent: &SignatureSubmission) -> Result<SignatureStatus, ClientError> {
        read(self.send("v1/signatures", sent).await?).await
    }

    /// Has the office sign that holds the signer's key. The same approval again answers with where it stands.
    pub async fn request_signing(&self, sent: &SigningRequest) -> Result<SignatureStatus, ClientError> {
        read(self.send("v1/signings", sent).await?).await
    }

    /// Where a signature stands.
    pub async fn signature(&self, digest: &Digest) -> Result<SignatureStatus, ClientError> {
        read(self.get(&format!("v1/signatures/{digest}")).await?).await
    }

    /// The proof of a recorded signature: the bytes of its file.
    pub async fn signature_proof(&self, digest: &Digest) -> Result<Vec<u8>, ClientError> {
        body(answered(self.get(&format!("v1/signatures/{digest}/proof")).await?).await?).await
    }

    /// A page of the signatures that the ledger has of a document; the first has an empty bookmark.
    pub async fn recorded_signatures(
        &self,
        hash: &Digest,
        bookmark: &str,
    ) -> Result<RecordedSignatures, ClientError> {
        let mut url = self.url(&format!("v1/hashes/{hash}/signatures"))?;
        if !bookmark.is_empty() {
            url.query_pairs_mut().append_pair("bookmark", bookmark);
        }
        read(self.call(Method::GET, url).await?).await
    }

    /// Opens a document. The same act sent again answers as the first time.
    pub async fn open_document(&self, sent: &SignerAct) -> Result<DocumentState, ClientError> {
        read(self.send("v1/documents", sent).await?).await
    }

    /// Declines or withdraws a document. The same act sent again answers as the first time.
    pub async fn act_on_document(
        &self,
        id: &DocumentId,
        sent: &SignerAct,
    ) -> Result<DocumentState, ClientError> {
        read(self.send(&format!("v1/documents/{id}/acts"), sent).await?).await
    }

    /// A document of several parties.
    pub async fn document(&self, id: &DocumentId) -> Result<DocumentState, ClientError> {
        read(self.get(&format!("v1/documents/{id}")).await?).await
    }

    /// A page of the documents that a signer opened or is a party of; without one the caller's own.
    pub async fn documents(
        &self,
        signer: Option<&SignerId>,
        bookmark: &str,
    ) -> Result<Documents, ClientError> {
        let mut url = self.url("v1/documents")?;
        if let Some(signer) = signer {
            url.query_pairs_mut().append_pair("signer", signer.as_str());
        }
        if !bookmark.is_empty() {
            url.query_pairs_mut().append_pair("bookmark", bookmark);
        }
        read(self.call(Method::GET, url).await?).await
    }

    /// Claims a work. The same act sent again answers as the first time.
    pub async fn claim_work(&self, sent: &SignerAct) -> Result<ClaimState, ClientError> {
        read(self.send("v1/claims", sent).await?).await
    }

    /// Who first claimed a work.
    pub async fn claim(&self, work: &Digest) -> Result<ClaimState, ClientError> {
        read(self.get(&format!("v1/claims/{work}")).await?).await
    }
}
