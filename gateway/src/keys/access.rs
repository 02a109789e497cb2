//! Access tokens: a caller proves with their own key who asks for what is not public.
//!
//! A token is a compact JWS of type `sillok-access+jwt`. Its header names the caller: an educator by `x5t#S256`, the
//! SHA-256 of their certificate, somebody of an office by the certificate itself in `x5c`, a learner by `kid`, their id, a
//! signer by `x5t#S256` too or, where an office holds that key, by the `kid` `signer/ID`. Its claims bind it to one gateway
//! (`aud`), one method (`htm`) and one address without query (`htu`, both as in RFC 9449), for at most
//! [`LONGEST_ACCESS`] seconds.

use std::fmt;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::{Deserialize, Serialize};
use sillok_contract::{
    act::Kid,
    certificate::Certificate,
    id::{LearnerId, SignerId},
};

use super::{KeyError, PrivateKey, PublicKey, jws};

const TYPE: &str = "sillok-access+jwt";
/// How many seconds ahead a token may expire.
pub const LONGEST_ACCESS: i64 = 300;
/// How many seconds two clocks may differ.
const SKEW: i64 = 30;
const MICROS: i64 = 1_000_000;

/// Whom a token names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Who has the certificate of this thumbprint, SHA-256 of its DER.
    Certificate([u8; 32]),
    /// Who has this certificate, DER: somebody of an office. Who issued it is to be checked before it is believed.
    Officer(Vec<u8>),
    /// A learner, whose wallet key is registered.
    Learner(LearnerId),
    /// A signer, whose own key of approval is registered.
    Signer(SignerId),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    thumbprint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x5c: Option<[String; 1]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<Kid>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    aud: String,
    htm: String,
    htu: String,
    iat: i64,
    exp: i64,
}

/// What a token must be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected<'a> {
    /// What the gateway calls itself.
    pub audience: &'a str,
    /// The method, such as `GET`; of a gRPC call, `POST`.
    pub method: &'a str,
    /// The address; its query and fragment do not count.
    pub uri: &'a str,
    /// Microseconds since the Unix epoch.
    pub now: i64,
}

impl<'a> Expected<'a> {
    fn address(&self) -> &'a str {
        self.uri.split(['?', '#']).next().unwrap_or(self.uri)
    }

    /// Whether a token's `htu` is this address. Where the call came in plaintext, a proxy in front may have spoken TLS
    /// with the caller: `https` is as good then.
    fn is_at(&self, htu: &str) -> bool {
        let address = self.address();
        let plain = address.strip_prefix("http://");
        htu == address || plain.is_some_and(|rest| htu.strip_prefix("https://") == Some(rest))
    }
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// It is not a compact JWS of the form above.
    #[error(
        "the access token is not a compact JWS of type {TYPE} with x5t#S256, x5c or kid, aud, htm, htu, iat and exp"
    )]
    Malformed,
    /// The caller's key did not make the signature.
    #[error("the access token's signature is not the caller's")]
    Signature,
    /// It is for another gateway.
    #[error("the access token is for another gateway: its aud is not this one's name")]
    Audience,
    /// It is for another method or address.
    #[error("the access token is for another call: its htm and htu are not this one's")]
    Call,
    /// It has expired.
    #[error("the access token has expired; sign a new one")]
    Expired,
    /// It was signed in the future.
    #[error("the access token was signed in the future; check the clock")]
    NotYet,
    /// It is good for too long.
    #[error("the access token expires more than {LONGEST_ACCESS} seconds ahead; sign one for less")]
    TooLong,
}

impl AccessError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "access.malformed",
            Self::Signature => "access.signature",
            Self::Audience => "access.audience",
            Self::Call => "access.call",
            Self::Expired => "access.expired",
            Self::NotYet => "access.not_yet",
            Self::TooLong => "access.too_long",
        }
    }
}

/// Signs access tokens with a caller's own key. `Debug` shows nothing of it.
#[derive(Clone, Debug)]
pub struct AccessToken {
    caller: Caller,
    key: PrivateKey,
}

impl AccessToken {
    /// Of who has this certificate and its key.
    pub fn of_certificate(certificate: &Certificate, key: PrivateKey) -> Result<Self, KeyError> {
        if PublicKey::of_certificate(certificate)? != *key.public_key() {
            return Err(KeyError::NotAPair);
        }
        Ok(Self { caller: Caller::Certificate(certificate.thumbprint()), key })
    }

    /// Of somebody of an office, by the certificate that the office's authority issued and its key.
    pub fn of_officer(certificate: &Certificate, key: PrivateKey) -> Result<Self, KeyError> {
        let signer = Self::of_certificate(certificate, key)?;
        Ok(Self { caller: Caller::Officer(certificate.der().to_vec()), ..signer })
    }

    /// Of a learner.
    pub fn of_learner(learner: LearnerId, key: PrivateKey) -> Self {
        Self { caller: Caller::Learner(learner), key }
    }

    /// Of a signer whose certificate's key an office holds, by their own key of approval.
    pub fn of_approver(signer: SignerId, key: PrivateKey) -> Self {
        Self { caller: Caller::Signer(signer), key }
    }

    /// A token for a call, from now for `seconds`.
    pub fn sign(&self, call: &Expected<'_>, seconds: u16) -> String {
        let mut header =
            Header { typ: TYPE.to_owned(), alg: "ES256".to_owned(), thumbprint: None, x5c: None, kid: None };
        match &self.caller {
            Caller::Certificate(thumbprint) => header.thumbprint = Some(URL_SAFE_NO_PAD.encode(thumbprint)),
            Caller::Officer(der) => header.x5c = Some([STANDARD.encode(der)]),
            Caller::Learner(learner) => header.kid = Some(Kid::Learner(learner.clone())),
            Caller::Signer(signer) => header.kid = Some(Kid::Signer(signer.clone())),
        }
        let iat = call.now.div_euclid(MICROS);
        let claims = Claims {
            aud: call.audience.to_owned(),
            htm: call.method.to_owned(),
            htu: call.address().to_owned(),
            iat,
            exp: iat.saturating_add(seconds.into()),
        };
        jws::sign(&header, &claims, &self.key).expect("text and numbers have a JSON form")
    }
}

/// A token that has been read and not yet verified.
#[derive(Clone)]
pub struct Presented {
    caller: Caller,
    token: jws::Unverified<Header, Claims>,
}

impl Presented {
    /// Reads a token.
    pub fn parse(token: &str) -> Result<Self, AccessError> {
        let token = jws::Unverified::<Header, Claims>::parse(token).ok_or(AccessError::Malformed)?;
        if token.header.typ != TYPE || token.header.alg != "ES256" {
            return Err(AccessError::Malformed);
        }
        let caller = caller(&token.header).ok_or(AccessError::Malformed)?;
        Ok(Self { caller, token })
    }

    /// Whom it names: whose key must be looked up to verify it.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whether it is signed with this key; what it is for is not looked at.
    pub fn is_signed_with(&self, key: &PublicKey) -> bool {
        self.token.verify(key).is_ok()
    }

    /// Checks it with the caller's key, against the call it came with.
    pub fn verify(&self, key: &PublicKey, expected: &Expected<'_>) -> Result<(), AccessError> {
        self.token.verify(key).map_err(|_| AccessError::Signature)?;
        let claims = &self.token.payload;
        let now = expected.now.div_euclid(MICROS);
        let latest = now.saturating_add(SKEW);
        match () {
            () if claims.aud != expected.audience => Err(AccessError::Audience),
            () if claims.htm != expected.method || !expected.is_at(&claims.htu) => Err(AccessError::Call),
            () if claims.iat > latest => Err(AccessError::NotYet),
            () if claims.exp <= now.saturating_sub(SKEW) || claims.exp < claims.iat => {
                Err(AccessError::Expired)
            }
            () if claims.exp > latest.saturating_add(LONGEST_ACCESS) => Err(AccessError::TooLong),
            () => Ok(()),
        }
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented").field("caller", &self.caller).finish_non_exhaustive()
    }
}

fn caller(header: &Header) -> Option<Caller> {
    match (&header.thumbprint, &header.x5c, &header.kid) {
        (Some(thumbprint), None, None) => {
            Some(Caller::Certificate(URL_SAFE_NO_PAD.decode(thumbprint).ok()?.try_into().ok()?))
        }
        (None, Some([der]), None) => Some(Caller::Officer(STANDARD.decode(der).ok()?)),
        (None, None, Some(Kid::Learner(learner))) => Some(Caller::Learner(learner.clone())),
        (None, None, Some(Kid::Signer(signer))) => Some(Caller::Signer(signer.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use proptest::prelude::*;

    use super::*;
    use crate::keys::{Authority, Validity};

    const CALL: Expected<'static> = Expected {
        audience: "gateway",
        method: "GET",
        uri: "https://g/v1/entries/1",
        now: 1_790_000_000_000_000,
    };

    fn learner() -> (AccessToken, PublicKey) {
        let key = PrivateKey::generate().unwrap();
        let public = *key.public_key();
        (AccessToken::of_learner(LearnerId::new("L1").unwrap(), key), public)
    }

    fn later(seconds: i64) -> Expected<'static> {
        Expected { now: CALL.now + seconds * MICROS, ..CALL }
    }

    #[test]
    fn a_token_is_good_for_its_call_and_time_alone() {
        let (signer, key) = learner();
        let token = Presented::parse(&signer.sign(&CALL, 300)).unwrap();
        assert_eq!(token.caller(), &Caller::Learner(LearnerId::new("L1").unwrap()));
        assert_eq!(token.verify(&key, &CALL), Ok(()));
        assert_eq!(token.verify(&key, &Expected { uri: "https://g/v1/entries/1?wait=1", ..CALL }), Ok(()));
        let behind_a_proxy = Expected { uri: "http://g/v1/entries/1", ..CALL };
        assert_eq!(token.verify(&key, &behind_a_proxy), Ok(()));
        let plain = Presented::parse(&signer.sign(&behind_a_proxy, 300)).unwrap();
        assert_eq!(plain.verify(&key, &CALL), Err(AccessError::Call));
        let wrong = [
            (Expected { audience: "other", ..CALL }, AccessError::Audience),
            (Expected { method: "POST", ..CALL }, AccessError::Call),
            (Expected { uri: "https://g/v1/entries/2", ..CALL }, AccessError::Call),
            (later(300 + SKEW), AccessError::Expired),
            (later(-SKEW - 1), AccessError::NotYet),
        ];
        for (expected, error) in wrong {
            assert_eq!(token.verify(&key, &expected), Err(error));
        }
        for near in [300 + SKEW - 1, -SKEW] {
            assert_eq!(token.verify(&key, &later(near)), Ok(()));
        }
        assert_eq!(token.verify(&learner().1, &CALL), Err(AccessError::Signature));
        let long = Presented::parse(&signer.sign(&CALL, 400)).unwrap();
        assert_eq!(long.verify(&key, &CALL), Err(AccessError::TooLong));
    }

    #[test]
    fn a_signer_is_no_learner_of_the_same_id() {
        let key = PrivateKey::generate().unwrap();
        let id = SignerId::new("L1").unwrap();
        let token = AccessToken::of_approver(id.clone(), key).sign(&CALL, 300);
        assert_eq!(Presented::parse(&token).unwrap().caller(), &Caller::Signer(id));
    }

    #[test]
    fn an_officer_brings_the_certificate_along() {
        let office = Authority::generate("Office CA", "OfficeMSP", Validity::days(CALL.now, 10)).unwrap();
        let officer = office.issue("clerk", "client", Validity::days(CALL.now, 10)).unwrap();
        let certificate = &officer.certificate;
        let signer = AccessToken::of_officer(certificate, officer.key.clone()).unwrap();
        let token = Presented::parse(&signer.sign(&CALL, 300)).unwrap();
        assert_eq!(token.caller(), &Caller::Officer(certificate.der().to_vec()));
        assert_eq!(token.verify(&PublicKey::of_certificate(certificate).unwrap(), &CALL), Ok(()));
        let other = office.issue("other", "client", Validity::days(CALL.now, 10)).unwrap();
        assert!(AccessToken::of_officer(&other.certificate, officer.key).is_err());
    }

    #[test]
    fn other_types_and_algorithms_are_refused() {
        let key = PrivateKey::generate().unwrap();
        let header = |typ: &str, alg: &str, kid: bool, thumbprint: bool| Header {
            typ: typ.into(),
            alg: alg.into(),
            kid: kid.then(|| Kid::Learner(LearnerId::new("L1").unwrap())),
            thumbprint: thumbprint.then(|| URL_SAFE_NO_PAD.encode([0; 32])),
            x5c: None,
        };
        let claims = Claims { aud: "a".into(), htm: "GET".into(), htu: "u".into(), iat: 0, exp: 1 };
        for (header, good) in [
            (header(TYPE, "ES256", true, false), true),
            (header(TYPE, "ES256", false, true), true),
            (header(TYPE, "none", true, false), false),
            (header("sillok-request+jws", "ES256", true, false), false),
            (header(TYPE, "ES256", true, true), false),
            (header(TYPE, "ES256", false, false), false),
        ] {
            assert_eq!(Presented::parse(&jws::sign(&header, &claims, &key).unwrap()).is_ok(), good);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_changed_token_is_refused(place in any::<proptest::sample::Index>(), bit in 0u8..7) {
            let (signer, key) = learner();
            let mut token = signer.sign(&CALL, 60).into_bytes();
            let place = place.index(token.len());
            token[place] ^= 1 << bit;
            let token = String::from_utf8(token).unwrap();
            let taken = Presented::parse(&token).and_then(|token| token.verify(&key, &CALL));
            prop_assert!(taken.is_err());
        }

        #[test]
        fn parse_never_panics(token: String) {
            prop_assert!(Presented::parse(&token).is_err());
        }
    }
}
