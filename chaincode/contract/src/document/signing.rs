//! How signatures move documents: several in one transaction may be of the same document.

use std::collections::BTreeMap;

use super::{
    Document, Signed, State,
    moves::{not_a_party, put},
};
use crate::{
    Code, Ledger, Refusal,
    id::DocumentId,
    key,
    signature::{SignatureRecord, Subject},
    snapshot::Snapshot,
};

/// The documents that a transaction's signatures name, as those before have left them.
pub(crate) struct Documents(BTreeMap<DocumentId, Touched>);

struct Touched {
    document: Document,
    moved: bool,
}

impl Documents {
    /// Takes those that are there from what was read.
    pub(crate) fn read<'a>(
        snapshot: &Snapshot,
        subjects: impl Iterator<Item = &'a Subject>,
    ) -> Result<Self, Refusal> {
        let mut documents = BTreeMap::new();
        for subject in subjects {
            if let Subject::Document(id) = subject
                && let Some(document) = snapshot.document(&key::document(id))?
            {
                documents.insert(id.clone(), Touched { document, moved: false });
            }
        }
        Ok(Self(documents))
    }

    /// A party signs. The time of the transaction counts for the deadline: the signer's clock is nobody's word but theirs.
    pub(crate) fn sign(&mut self, id: &DocumentId, record: &SignatureRecord) -> Result<(), Refusal> {
        let touched = self.0.get_mut(id).ok_or_else(|| {
            Refusal::new(
                Code::NotFound,
                format!("there is no {} on the ledger; open it first", key::document(id)),
            )
        })?;
        touched.document.sign(record)?;
        touched.moved = true;
        Ok(())
    }

    /// Writes those that were moved, and names them.
    pub(crate) fn write(self, ledger: &mut dyn Ledger) -> Result<Vec<DocumentId>, Refusal> {
        let moved = self.0.into_values().filter(|touched| touched.moved).map(|touched| touched.document);
        moved.map(|document| put(ledger, &document).map(|()| document.id)).collect()
    }
}

impl Document {
    fn sign(&mut self, record: &SignatureRecord) -> Result<(), Refusal> {
        let refuse = |code, why: &str| Err(Refusal::new(code, why));
        self.check_open(record.at)?;
        if self.digest != record.hash {
            return refuse(
                Code::DocumentDigest,
                "what was signed are not the bytes that the document was opened with",
            );
        }
        if record.purpose != Some(self.purpose) {
            return refuse(
                Code::DocumentPurpose,
                "the signature commits to something else than the document is for",
            );
        }
        let is_next = self.awaited().any(|signer| *signer == record.signer);
        let refusal = not_a_party(&record.signer, self);
        let part = self.part(&record.signer).ok_or(refusal)?;
        if !is_next {
            return refuse(Code::DocumentTurn, "the parties before have to sign first");
        }
        part.signed =
            Some(Signed { digest: record.digest, at: record.at, transaction: record.transaction.clone() });
        if self.parties.iter().all(|part| part.signed.is_some()) {
            self.state = State::Complete;
        }
        Ok(())
    }
}
