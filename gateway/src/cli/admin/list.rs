//! Listing the registry, all of it.

use serde::Serialize;
use sillok_contract::registry::Listing;

use crate::{
    cli::{Failure, Program, table::table},
    ledger::LedgerError,
};

/// How many documents a page has: the most the contract gives.
pub(super) const PAGE: u32 = 500;

/// Every page's documents.
pub(super) async fn all<T>(
    page: impl AsyncFn(&str) -> Result<Listing<T>, LedgerError>,
) -> Result<Vec<T>, Failure> {
    let mut documents = Vec::new();
    let mut bookmark = String::new();
    loop {
        let listing = page(&bookmark).await?;
        documents.extend(listing.items);
        if listing.bookmark.is_empty() {
            return Ok(documents);
        }
        bookmark = listing.bookmark;
    }
}

/// Prints documents: as they stand on the ledger, or a table with a row each.
pub(super) fn print<T: Serialize>(
    program: &Program,
    what: &str,
    header: &[&str],
    documents: &[T],
    row: impl Fn(&T) -> Vec<String>,
) {
    let result = serde_json::json!({ what: documents });
    program
        .output
        .result(&result, |_| table(header, documents.iter().map(row), &format!("no {what} are registered")));
}
