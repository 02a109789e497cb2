//! Reading the registry.

use serde::{Serialize, de::DeserializeOwned};

use super::{Educator, Listing, Officer, Signer};
use crate::{
    Code, Ledger, Page, Refusal, json, key,
    snapshot::{Snapshot, damaged},
};

/// The document under a key.
pub(crate) fn get<T: DeserializeOwned>(ledger: &mut dyn Ledger, key: &str) -> Result<T, Refusal> {
    match ledger.get(key)? {
        Some(bytes) => json::stored(key, &bytes),
        None => Err(not_found(key)),
    }
}

/// The educator whose certificate has this thumbprint.
pub(crate) fn find_educator(ledger: &mut dyn Ledger, thumbprint: &str) -> Result<Educator, Refusal> {
    let (key, owner) = owner(ledger, thumbprint)?;
    // An officer's and a signer's is their key, which no id is.
    match owner.contains('/') {
        true => Err(not_found(&key)),
        false => get(ledger, &key::educator(owner)),
    }
}

/// The officer whose certificate has this thumbprint.
pub(crate) fn find_officer(ledger: &mut dyn Ledger, thumbprint: &str) -> Result<Officer, Refusal> {
    find(ledger, thumbprint, &key::officer(""))
}

/// The signer whose certificate has this thumbprint.
pub(crate) fn find_signer(ledger: &mut dyn Ledger, thumbprint: &str) -> Result<Signer, Refusal> {
    find(ledger, thumbprint, &key::signer(""))
}

/// The document, under a key with this prefix, of who has the certificate.
fn find<T: DeserializeOwned>(ledger: &mut dyn Ledger, thumbprint: &str, prefix: &str) -> Result<T, Refusal> {
    let (key, owner) = owner(ledger, thumbprint)?;
    match owner.starts_with(prefix) {
        true => get(ledger, &owner),
        false => Err(not_found(&key)),
    }
}

/// The key that a thumbprint stands under, and whose certificate it is.
fn owner(ledger: &mut dyn Ledger, thumbprint: &str) -> Result<(String, String), Refusal> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(thumbprint, &mut bytes)
        .map_err(|_| Refusal::new(Code::ArgumentMalformed, "a thumbprint has 64 hexadecimal digits"))?;
    let key = key::certificate(&hex::encode(bytes));
    let owner = ledger.get(&key)?.ok_or_else(|| not_found(&key))?;
    Ok((key, String::from_utf8_lossy(&owner).into_owned()))
}

/// A page of the documents whose keys begin with a prefix that ends in '/'.
pub(crate) fn list<T: Serialize + DeserializeOwned>(
    ledger: &mut dyn Ledger,
    prefix: &str,
    page_size: u32,
    bookmark: &str,
) -> Result<Listing<T>, Refusal> {
    let page = page(ledger, prefix, page_size, bookmark)?;
    let items = page.entries.iter().map(|(key, bytes)| json::stored(key, bytes)).collect::<Result<_, _>>()?;
    Ok(Listing { items, bookmark: page.bookmark })
}

/// A page of the documents whose ids are the values of the keys that begin with a prefix that ends in '/'.
pub(crate) fn list_of<T: Serialize + DeserializeOwned>(
    ledger: &mut dyn Ledger,
    prefix: &str,
    key: fn(&str) -> String,
    page_size: u32,
    bookmark: &str,
) -> Result<Listing<T>, Refusal> {
    let page = page(ledger, prefix, page_size, bookmark)?;
    let keys: Vec<_> = page.entries.iter().map(|(_, id)| key(&String::from_utf8_lossy(id))).collect();
    let snapshot = Snapshot::read(ledger, keys.clone())?;
    let item = |key: &String| snapshot.document(key)?.ok_or_else(|| damaged(key));
    let items = keys.iter().map(item).collect::<Result<_, Refusal>>()?;
    Ok(Listing { items, bookmark: page.bookmark })
}

fn page(ledger: &mut dyn Ledger, prefix: &str, page_size: u32, bookmark: &str) -> Result<Page, Refusal> {
    // '0' is the byte after '/'.
    let end = format!("{}0", prefix.trim_end_matches('/'));
    let page = ledger.range(prefix, &end, page_size, bookmark)?;
    // A bookmark is the caller's: one that was not given for this list may start before it.
    match page.entries.iter().all(|(key, _)| key.starts_with(prefix)) {
        true => Ok(page),
        false => Err(Refusal::new(
            Code::ArgumentMalformed,
            "that is not a bookmark of this list; take the one a page gave",
        )),
    }
}

fn not_found(key: &str) -> Refusal {
    Refusal::new(Code::NotFound, format!("there is no {key} on the ledger"))
}
