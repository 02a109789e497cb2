//! Signatures of documents: made by the office where it holds the key, taken in, verified, recorded on the ledger and archived.
//! Each step is a role of its own, which handles the events of the step before and tells of what it did. None but the signer
//! can sign, that only what its owner approved, and the ledger believes none.

mod caller;
mod carried;
mod documents;
mod face;
mod forwarded;
mod intake;
mod office_signer;
mod recorder;
mod signing;
mod state;
mod verdict;
mod verifier;

use sillok_contract::{digest::Digest, registry::Listing};

pub(crate) use self::intake::arrival;
pub(super) use self::{office_signer::OfficeSigner, recorder::Recorder, verifier::Verifier};
use super::{Caller, Core, problems};
use crate::{
    archive::{ArchiveError, RecordId},
    problem::{Kind, Problem},
    records::StoredSignature,
    signature::SignatureProof,
};
pub use carried::{SignatureCreated, SignatureForwarded, SignatureRequested, SignatureRested};
pub use state::{
    ClaimState, DocumentState, Documents, PartyState, RecordedSignatures, SignatureStatus,
    SignatureSubmission, SignerAct, SigningRequest,
};
pub use verdict::{SignatureCheck, SignatureVerdict};

/// The most signatures or documents of one answer.
const PAGE: u32 = 100;

impl Core {
    /// Where a signature stands, for its signer and the offices.
    pub(super) async fn signature(
        &self,
        caller: &Caller,
        digest: Digest,
    ) -> Result<SignatureStatus, Problem> {
        let stored = self.stored_signature(&digest).await?;
        let stored = stored.filter(|stored| caller.check_signer(&stored.signer).is_ok());
        stored.map(SignatureStatus::from).ok_or_else(|| problems::not_found("signature"))
    }

    /// The signatures that the ledger has of a document, for anybody.
    pub(super) async fn recorded_signatures(
        &self,
        hash: &Digest,
        bookmark: &str,
    ) -> Result<RecordedSignatures, Problem> {
        let page = self.contract().signatures(hash, PAGE, bookmark).await.map_err(problems::of_page)?;
        let Listing { items, bookmark } = page.ok_or_else(unknown)?;
        Ok(RecordedSignatures { signatures: items, bookmark })
    }

    /// The proof of a recorded signature: the JSON of its file. For anybody.
    pub(super) async fn signature_proof(&self, digest: &Digest) -> Result<String, Problem> {
        let record = self.contract().signature_by_digest(digest).await.map_err(problems::of_ledger)?;
        let record = record.ok_or_else(unknown)?;
        let evidence =
            self.vault().map_err(of_archive)?.load(&RecordId(digest.0)).await.map_err(of_archive)?;
        // The archive follows the ledger.
        let pending = || {
            let detail = "the signature is on the ledger and not yet in the archive; ask again";
            Problem::new(Kind::Unavailable, "archive.pending", detail).retry_after(1)
        };
        let evidence = evidence.ok_or_else(pending)?;
        let receipt = self.ledger.receipt(&record.transaction).await.map_err(problems::of_ledger)?;
        let receipt = receipt.ok_or_else(|| problems::internal(&"a recorded signature has no receipt"))?;
        Ok(SignatureProof::new(evidence.jws, evidence.approval, receipt).to_json())
    }

    async fn stored_signature(&self, digest: &Digest) -> Result<Option<StoredSignature>, Problem> {
        self.records.signature(&digest.0).await.map_err(problems::of_records)
    }
}

fn unknown() -> Problem {
    Problem::new(Kind::NotFound, "signature.not_found", "signature does not exist")
}

/// Of the archive, where it was only read.
fn of_archive(error: ArchiveError) -> Problem {
    tracing::warn!(%error, "the archive cannot be read");
    let detail = "the archive is not to be had; ask again";
    Problem::new(Kind::Unavailable, "archive.unavailable", detail).retry_after(2)
}
