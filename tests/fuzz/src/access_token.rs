//! What a caller shows to be let in.

use std::sync::LazyLock;

use sillok_contract::certificate::Certificate;
use sillok_gateway::keys::{Expected, Presented, PublicKey};

/// The call that the seeds are for.
const CALL: Expected<'_> = Expected {
    audience: "https://gateway.example",
    method: "GET",
    uri: "https://gateway.example/v1/entries/1",
    now: 1_772_000_000_000_000,
};

/// A public key, whose private one is thrown away, and the one token it signed.
static SIGNED: LazyLock<[(PublicKey, &str); 3]> = LazyLock::new(|| {
    let of_certificate = |pem| {
        let certificate = Certificate::from_pem(pem).expect("it is a certificate");
        PublicKey::of_certificate(&certificate).expect("its key is of P-256")
    };
    let learner = PublicKey::from_pem(include_str!("../fixed/learner.pem")).expect("it is a public key");
    let signed = [
        (
            of_certificate(include_str!("../fixed/educator.pem")),
            include_str!("../seeds/access_token/educator"),
        ),
        (of_certificate(include_str!("../fixed/gateway.pem")), include_str!("../seeds/access_token/officer")),
        (learner, include_str!("../seeds/access_token/learner")),
    ];
    for (key, token) in &signed {
        let token = Presented::parse(token).expect("the seed is a token");
        assert_eq!(token.verify(key, &CALL), Ok(()), "the seed is signed");
    }
    signed
});

/// A token that is taken is one of those that were signed.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(token) = Presented::parse(text) else { return };
    assert_eq!(text.matches('.').count(), 2, "a token has three parts");
    for (key, signed) in SIGNED.iter() {
        if token.verify(key, &CALL).is_ok() {
            assert_eq!(signing_input(text), signing_input(signed), "forged");
            assert_eq!(Some(token.caller()), Presented::parse(signed).as_ref().ok().map(Presented::caller));
        }
    }
}

/// What the signature covers: of a signature (r, s) there is a twin (r, -s), which is as good.
fn signing_input(token: &str) -> Option<&str> {
    token.rsplit_once('.').map(|(signed, _)| signed)
}
