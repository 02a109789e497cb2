//! Signers, signatures of documents, documents of several parties, claims.

use sillok_contract::{
    claim::Claim,
    digest::Digest,
    document::Document,
    function,
    id::{DocumentId, SignerId},
    registry::{Changed, Listing, Signer},
    signature::{Presented, RecordedSignatures, SignatureRecord, TRANSIENT},
};

use super::{Contract, answer, json};
use crate::ledger::{Call, Commit, LedgerError, transact};

impl Contract {
    /// A signer.
    pub async fn signer(&self, id: &SignerId) -> Result<Option<Signer>, LedgerError> {
        self.find(function::GET_SIGNER, [id.as_str()]).await
    }

    /// The signer whose certificate has this thumbprint: SHA-256 of its DER.
    pub async fn signer_by_certificate(&self, thumbprint: &[u8; 32]) -> Result<Option<Signer>, LedgerError> {
        self.find(function::FIND_SIGNER, [hex::encode(thumbprint)]).await
    }

    /// A page of the signers, in the order of their ids; at most 500. The first page has an empty bookmark.
    pub async fn signers(&self, page_size: u32, bookmark: &str) -> Result<Listing<Signer>, LedgerError> {
        self.read(function::LIST_SIGNERS, [page_size.to_string().as_str(), bookmark]).await
    }

    /// A signer's signature of a document, by the SHA-256 of its bytes.
    pub async fn signature(
        &self,
        hash: &Digest,
        signer: &SignerId,
    ) -> Result<Option<SignatureRecord>, LedgerError> {
        self.find(function::GET_SIGNATURE, [hash.to_string(), signer.to_string()]).await
    }

    /// A signature, by [`sillok_contract::signature::Signature::digest`].
    pub async fn signature_by_digest(&self, digest: &Digest) -> Result<Option<SignatureRecord>, LedgerError> {
        self.find(function::FIND_SIGNATURE, [digest.to_string()]).await
    }

    /// A page of a document's signatures, in the order of the signers' ids; at most 500; none if nobody has signed it. The
    /// first page has an empty bookmark.
    pub async fn signatures(
        &self,
        hash: &Digest,
        page_size: u32,
        bookmark: &str,
    ) -> Result<Option<Listing<SignatureRecord>>, LedgerError> {
        let arguments = [hash.to_string(), page_size.to_string(), bookmark.to_owned()];
        self.find(function::LIST_SIGNATURES, arguments).await
    }

    /// A document of several parties: its state, and who has signed it.
    pub async fn document(&self, id: &DocumentId) -> Result<Option<Document>, LedgerError> {
        self.find(function::GET_DOCUMENT, [id.as_str()]).await
    }

    /// A page of the documents that a signer opened or is a party of, in the order of their ids; at most 500. The first
    /// page has an empty bookmark.
    pub async fn documents(
        &self,
        signer: &SignerId,
        page_size: u32,
        bookmark: &str,
    ) -> Result<Listing<Document>, LedgerError> {
        self.read(function::LIST_DOCUMENTS, [signer.as_str(), &page_size.to_string(), bookmark]).await
    }

    /// Who first claimed a work, by the SHA-256 of its bytes.
    pub async fn claim(&self, digest: &Digest) -> Result<Option<Claim>, LedgerError> {
        self.find(function::GET_CLAIM, [digest.to_string()]).await
    }

    /// The call that records signatures, at most 100, each with its digest, all or none. Its answer is a
    /// [`RecordedSignatures`]: read it with [`answer`]. A refusal that is one signature's names its index.
    pub fn record_signatures(signatures: &[(Digest, Presented)]) -> Call {
        let (digests, presented): (Vec<_>, Vec<_>) = signatures.iter().cloned().unzip();
        Call::new(function::RECORD_SIGNATURES, [json(&digests)]).with_transient(TRANSIENT, json(&presented))
    }

    /// Records signatures and waits until they are in a block. Called again after a failure it answers with the first
    /// transactions, so nothing needs to be stored between the phases. Another transaction may get ahead of it where it is
    /// about the same document ([`LedgerError::Invalid`]): call it again. For a client of the support office.
    pub async fn sign(
        &self,
        signatures: &[(Digest, Presented)],
    ) -> Result<(RecordedSignatures, Commit), LedgerError> {
        let call = Self::record_signatures(signatures);
        let (recorded, commit) = transact(self.ledger.as_ref(), call).await?;
        Ok((answer(&recorded)?, commit))
    }

    /// Registers signers, at most 500, all or none. For an administrator of their own office.
    pub async fn register_signers(&self, signers: &[Signer]) -> Result<(Changed, Commit), LedgerError> {
        self.change(function::REGISTER_SIGNERS, [json(signers)]).await
    }

    /// Revokes a signer from a time on, in microseconds since the Unix epoch. For an administrator of their office.
    pub async fn revoke_signer(&self, id: &SignerId, since: i64) -> Result<(Changed, Commit), LedgerError> {
        self.change(function::REVOKE_SIGNER, [id.to_string(), since.to_string()]).await
    }
}
