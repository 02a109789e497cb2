//! A wallet's content, as whoever knows its passphrase reads it. The seeds have no key: one is put in that nobody keeps.

use std::sync::LazyLock;

use serde_json::Value;
use sillok_contract::id::LearnerId;
use sillok_gateway::{proof::Verified, wallet::Wallet};

use crate::proof::ROOTS;

/// A key, as a wallet's content has it.
static KEY: LazyLock<Value> = LazyLock::new(|| {
    let wallet =
        Wallet::new(LearnerId::new("L0001").expect("it is an id"), ROOTS.clone()).expect("it has a key");
    let content = wallet.to_json().expect("a wallet is written");
    let mut content: Value = serde_json::from_slice(&content).expect("it is JSON");
    content["key"].take()
});

/// What the complete wallet proves.
static PROVEN: LazyLock<Vec<Verified>> = LazyLock::new(|| {
    let seed = with_key(include_bytes!("../seeds/wallet/complete")).expect("the seed is JSON");
    let wallet = Wallet::parse(&seed).expect("the seed is a wallet");
    wallet.verify(&ROOTS).expect("the seed is complete").entries
});

/// A wallet is the one that writing it gives, and a complete one holds what the offices attested and nothing else.
pub fn check(bytes: &[u8]) {
    let Some(content) = with_key(bytes) else { return drop(Wallet::parse(bytes)) };
    let Ok(wallet) = Wallet::parse(&content) else { return };
    assert_eq!(wallet.to_json().expect("it was read").as_slice(), content);
    let Ok(complete) = wallet.verify(&ROOTS) else { return };
    let blockless = |entries: &[Verified]| {
        entries.iter().map(|entry| Verified { block: 0, ..entry.clone() }).collect::<Vec<_>>()
    };
    assert_eq!(blockless(&complete.entries), blockless(&PROVEN), "forged");
}

/// The same with a key, as a program would write it.
fn with_key(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut content: Value = serde_json::from_slice(bytes).ok()?;
    content.as_object_mut()?.insert("key".to_owned(), KEY.clone());
    serde_json_canonicalizer::to_vec(&content).ok()
}
