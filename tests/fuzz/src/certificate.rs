//! A certificate, as anyone reads and judges its file.

use std::sync::LazyLock;

use sillok_gateway::{
    certificate::{Asked, CertificateFile, Outcome, SignedCredential, Verdict},
    ledger::Receipt,
};

use crate::proof::ROOTS;

/// When it is judged: a minute after it was made.
const NOW: i64 = 1_772_000_060_000_000;

/// The certificate that was made: with the learner's countersignature, and before.
static MADE: LazyLock<[CertificateFile; 2]> = LazyLock::new(|| {
    let seeds = [
        include_bytes!("../seeds/certificate/countersigned").as_slice(),
        include_bytes!("../seeds/certificate/issued"),
    ];
    seeds.map(|seed| {
        assert_eq!(judged(seed).outcome, Outcome::CannotTell, "the seed is genuine: {:?}", judged(seed));
        CertificateFile::parse(seed).expect("the seed is a certificate's file")
    })
});

/// A file that is not refuted is one of those that were made; and without the offices' answer it is never valid.
pub fn check(bytes: &[u8]) {
    of_jwt(bytes);
    let verdict = judged(bytes);
    assert_ne!(verdict.outcome, Outcome::Valid, "nobody was asked");
    let Ok(file) = CertificateFile::parse(bytes) else {
        return assert_eq!(verdict.outcome, Outcome::Refuted);
    };
    assert_eq!(file.to_json().as_bytes(), bytes);
    if verdict.outcome != Outcome::Refuted {
        assert!(MADE.iter().any(|made| is_same(&file, made)), "forged: {verdict:?}");
    }
}

/// A JWT that is taken is its own text, and so is the credential in it.
fn of_jwt(bytes: &[u8]) {
    let Ok(signed) =
        str::from_utf8(bytes).map_err(drop).and_then(|jwt| SignedCredential::parse(jwt).map_err(drop))
    else {
        return;
    };
    assert_eq!(signed.jwt().as_bytes(), bytes);
    if signed.check_signature().is_ok() && signed.check_issuer(&ROOTS).is_ok() {
        assert!(
            MADE.iter().any(|made| made.credential.as_bytes() == bytes),
            "forged: {:?}",
            signed.credential
        );
    }
}

fn judged(file: &[u8]) -> Verdict {
    let asked = Asked::Unanswered { code: "none".to_owned(), detail: String::new() };
    Verdict::of(file, &ROOTS, &asked, NOW)
}

/// But for the numbers of blocks, which the ledger tells and nobody signs.
fn is_same(file: &CertificateFile, made: &CertificateFile) -> bool {
    let receipt = |receipt: &Receipt| Receipt { block: 0, ..receipt.clone() };
    let parts = |file: &CertificateFile| {
        let countersigned = file.countersigned.as_ref().map(|by| (by.act.clone(), receipt(&by.receipt)));
        (file.credential.clone(), file.proofs.clone(), receipt(&file.issued), countersigned)
    };
    parts(file) == parts(made)
}
