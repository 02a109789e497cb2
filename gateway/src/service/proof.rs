//! The proof of one recorded entry, put together from what the database keeps.

use sillok_contract::{certificate::Certificate, entry::EntryId, request::SignedRequest};

use super::{Caller, Core, problems, view};
use crate::{
    ledger::Receipt,
    problem::{Kind, Problem},
    proof::{Parts, Proof},
    records::{EntryStatus, StoredBatch, StoredEntry},
};

impl Core {
    pub(super) async fn proof(&self, caller: &Caller, id: EntryId) -> Result<String, Problem> {
        let entry = self.entry_seen_by(caller, id).await?;
        let (sequence, index) = match &entry.status {
            EntryStatus::Recorded { sequence, index } => (*sequence, *index),
            EntryStatus::Pending => return Err(not_yet()),
            EntryStatus::SetAside { code, .. } => return Err(never(code)),
        };
        if entry.bytes.is_empty() {
            return Err(self.erased(&entry.school, sequence, &entry.learner).await);
        }
        let batch = self.stored_batch(&entry.school, sequence).await?;
        self.assemble(entry, index, batch).await
    }

    async fn assemble(&self, entry: StoredEntry, index: u32, batch: StoredBatch) -> Result<String, Problem> {
        let (receipt, _) = view::receipt::<Receipt>(&batch)?;
        let request = self.records.request(&entry.request).await.map_err(problems::of_records)?;
        let request =
            request.ok_or_else(|| problems::internal(&format!("entry {} has no request", entry.id)))?.jws;
        let certificate = self.certificate_of(&request).await?;
        let leaves = batch.entries.iter().map(|id| id.0).collect();
        // The path's hashes are as many as the batch has entries.
        let proof = move || {
            let parts = Parts {
                entry: entry.bytes,
                request,
                certificate,
                index,
                leaves,
                header: batch.header,
                receipt,
            };
            Proof::assemble(parts).to_json()
        };
        tokio::task::spawn_blocking(proof).await.map_err(|error| problems::internal(&error))
    }

    /// The certificate that the request names. Revoked or not: what was signed before stands.
    async fn certificate_of(&self, request: &str) -> Result<Certificate, Problem> {
        let signed = SignedRequest::parse(request).map_err(|error| problems::internal(&error))?;
        let signer = self.signer(&signed).await?;
        let signer = signer.ok_or_else(|| problems::internal(&"who signed a request is not registered"))?;
        signer.certificate().cloned().map_err(|error| problems::internal(&error))
    }
}

fn not_yet() -> Problem {
    let detail = "the entry is not on the ledger yet; its proof can be had in a few seconds";
    Problem::new(Kind::NotFound, "proof.not_yet", detail).retry_after(1)
}

fn never(code: &str) -> Problem {
    let detail =
        format!("the ledger refused the entry ({code}) and it was set aside; there is no proof of it");
    Problem::new(Kind::NotFound, "proof.set_aside", detail)
}
