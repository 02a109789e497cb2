//! What a school sends: a signed request, and the queries beside it.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sillok_contract::{
    certificate::Certificate,
    request::{Query, SignedRequest, compact, query_hash},
};

/// The educator's. The key is thrown away: what it signed is in the seeds.
static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
    Certificate::from_pem(include_str!("../fixed/educator.pem")).expect("it is a certificate")
});

static SIGNED: LazyLock<[SignedRequest; 2]> = LazyLock::new(|| {
    [include_str!("../seeds/request/one"), include_str!("../seeds/request/three")].map(|jws| {
        let request = SignedRequest::parse(jws).expect("the seed is a request");
        request.verify_with(&CERTIFICATE).expect("the seed is signed");
        request
    })
});

/// A request that verifies is one of those that were signed; a query that is read is written the same.
pub fn check(bytes: &[u8]) {
    if let Ok(Ok(request)) = std::str::from_utf8(bytes).map(SignedRequest::parse) {
        is_read_whole(bytes, &request);
        is_not_forged(&request);
    }
    if let Ok(query) = Query::parse(bytes) {
        let json = serde_json::to_vec(&query).expect("a query has a JSON form");
        assert_eq!(Query::parse(&json).as_ref(), Ok(&query));
    }
}

/// Nothing of the bytes is lost or guessed: the parts are in their one encoding, and what was read says it again.
fn is_read_whole(bytes: &[u8], request: &SignedRequest) {
    assert_eq!(request.digest, query_hash(bytes));
    for part in bytes.split(|byte| *byte == b'.') {
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(part).expect("each part is base64url");
        assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(decoded).as_bytes(), part);
    }
    let again = compact(&request.payload.signing_input(&request.thumbprint), &[1; 64]);
    let again = SignedRequest::parse(&again).expect("what was read can be written");
    assert_eq!((&again.payload, again.thumbprint), (&request.payload, request.thumbprint));
    assert_eq!(again.replay_key(), request.replay_key());
}

fn is_not_forged(request: &SignedRequest) {
    if request.verify_with(&CERTIFICATE).is_ok() {
        assert!(SIGNED.iter().any(|signed| signed.content() == request.content()), "forged: {request:?}");
    }
}
