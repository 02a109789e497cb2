//! What a learner, an officer or a signer decides, as the contract reads it.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sillok_contract::{
    act::{Named, SignedAct},
    digest::Digest,
    registry::WalletKey,
};
use sillok_gateway::keys::PublicKey;

/// The wallet's public key, whose private one is thrown away, and what it signed.
static WALLET: LazyLock<(WalletKey, [&str; 2])> = LazyLock::new(|| {
    let key = PublicKey::from_pem(include_str!("../fixed/wallet.pem")).expect("it is a public key");
    let signed = [include_str!("../seeds/act/request"), include_str!("../seeds/act/countersign")];
    let key = key.of_wallet(0).checked().expect("it is a wallet's");
    signed.iter().for_each(|act| assert!(is_by(&key, act), "the seed is signed"));
    (key, signed)
});

/// An act that is taken is what its signer signed, and known by the digest of it.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(act) = SignedAct::parse(text) else { return };
    assert_eq!(act.as_str(), text);
    let (input, _) = text.rsplit_once('.').expect("an act has three parts");
    assert_eq!(act.digest, Digest::of(input.as_bytes()), "a twin of its signature is the same act");
    let (wallet, signed) = &*WALLET;
    if matches!(act.named, Named::Learner(_)) && is_by(wallet, text) {
        assert!(
            signed.iter().any(|signed| signed.rsplit_once('.').map(|(input, _)| input) == Some(input)),
            "forged"
        );
    }
}

fn is_by(key: &WalletKey, act: &str) -> bool {
    let Some((input, signature)) = act.rsplit_once('.') else { return false };
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok().and_then(|bytes| bytes.try_into().ok());
    signature.is_some_and(|signature: [u8; 64]| key.verify(input.as_bytes(), &signature).is_ok())
}
