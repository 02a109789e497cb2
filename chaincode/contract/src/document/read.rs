//! Reading documents.

use super::Document;
use crate::{
    Ledger, Refusal,
    id::{DocumentId, SignerId},
    key,
    registry::{self, Listing},
};

pub(crate) fn get(ledger: &mut dyn Ledger, id: &DocumentId) -> Result<Document, Refusal> {
    registry::get(ledger, &key::document(id))
}

/// A page of the documents that a signer opened or is a party of, in the order of their ids.
pub(crate) fn list(
    ledger: &mut dyn Ledger,
    signer: &SignerId,
    page_size: u32,
    bookmark: &str,
) -> Result<Listing<Document>, Refusal> {
    registry::list_of(ledger, &key::document_of(signer, ""), |id| key::document(id), page_size, bookmark)
}
