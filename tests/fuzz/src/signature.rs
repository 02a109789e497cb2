//! A signature of a document, as the contract reads it.

use std::sync::LazyLock;

use sillok_contract::{certificate::Certificate, digest::Digest, request::compact, signature::Signature};

/// The signer's certificate, whose key is thrown away, and what it signed.
static SIGNER: LazyLock<(Certificate, [&str; 3])> = LazyLock::new(|| {
    let signed = [
        include_str!("../seeds/signature/consent"),
        include_str!("../seeds/signature/contract"),
        include_str!("../seeds/signature/counter"),
    ];
    let certificate =
        Certificate::from_pem(include_str!("../fixed/signer.pem")).expect("it is a certificate");
    for jws in signed {
        let signature = Signature::parse(jws).expect("the seed is a signature");
        assert!(signature.certificate == certificate && signature.verify().is_ok(), "the seed is signed");
    }
    (certificate, signed)
});

/// A signature that is taken is its own text, known by the digest of what is signed, and says what its statement says. One
/// that verifies is one of those that were made.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(signature) = Signature::parse(text) else { return };
    assert_eq!(signature.as_str(), text);
    let (input, _) = text.rsplit_once('.').expect("a signature has three parts");
    assert_eq!(signature.digest, Digest::of(input.as_bytes()), "a twin of it is the same signature");
    let again = signature.statement.signing_input(&signature.certificate, &signature.authority);
    let again = Signature::parse(&compact(&again, &[0; 64])).expect("what is read is written and read again");
    assert_eq!(again.statement, signature.statement);
    let (signer, signed) = &*SIGNER;
    if signature.certificate == *signer && signature.verify().is_ok() {
        let made = |made: &&str| made.rsplit_once('.').map(|(input, _)| input) == Some(input);
        assert!(signed.iter().any(made), "forged");
    }
}
