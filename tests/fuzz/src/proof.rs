//! A proof, as anyone reads and verifies it against the offices' roots.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use sillok_contract::request::query_hash as sha256;
use sillok_gateway::{
    ledger::receipt::Roots,
    proof::{Proof, Verified},
};

/// The offices'. The keys beneath them are thrown away: what they endorsed is in the seeds.
pub(crate) static ROOTS: LazyLock<Roots> = LazyLock::new(|| {
    let roots = [
        ("OfficeMSP".to_owned(), include_bytes!("../fixed/OfficeMSP.pem").to_vec()),
        ("SupportMSP".to_owned(), include_bytes!("../fixed/SupportMSP.pem").to_vec()),
    ];
    Roots::new(roots).expect("they are roots")
});

/// All that the seeds prove.
static PROVEN: LazyLock<[Verified; 3]> = LazyLock::new(|| {
    let seeds = [
        include_bytes!("../seeds/proof/embedded-one").as_slice(),
        include_bytes!("../seeds/proof/embedded-three"),
        include_bytes!("../seeds/proof/fabric-three"),
    ];
    seeds.map(|seed| {
        let proof = Proof::parse(seed).expect("the seed is a proof");
        proof.verify(&ROOTS).expect("the seed verifies")
    })
});

/// A proof that verifies is one of those that were made.
pub fn check(bytes: &[u8]) {
    of_file(bytes);
    if let Some(fitting) = with_fitting_digest(bytes) {
        of_file(&fitting);
    }
}

/// A file is the one that writing the proof gives, and proves nothing that the offices did not endorse.
fn of_file(file: &[u8]) {
    let Ok(proof) = Proof::parse(file) else { return };
    assert_eq!(proof.to_json().as_bytes(), file);
    if let Ok(found) = proof.verify(&ROOTS) {
        // The ledger tells the block's number, and nobody signs it.
        let same = |proven: &Verified| Verified { block: found.block, ..proven.clone() } == found;
        assert!(PROVEN.iter().any(same), "forged: {found:?}");
    }
}

/// The file as a forger would write it, so that a change gets past the digest.
fn with_fitting_digest(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file: Value = serde_json::from_slice(bytes).ok()?;
    let members = file.as_object_mut()?;
    members.remove("digest");
    let digest = sha256(&serde_json_canonicalizer::to_vec(members).ok()?);
    members.insert("digest".to_owned(), BASE64_URL_SAFE_NO_PAD.encode(digest).into());
    serde_json_canonicalizer::to_vec(members).ok()
}
