//! A signed request: one signature, an educator's or an officer's, over the hashes of one or many queries, as a compact
//! JWS (RFC 7515).

use std::collections::HashSet;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    Code, Refusal,
    certificate::Certificate,
    digest::sha256,
    id::SchoolId,
    jws::{self, MAX_IAT, Signed},
    purpose::Purpose,
};
pub use crate::{
    jws::compact,
    query::{MAX_PARAMETERS, MAX_QUERY, Query, query_hash},
};

/// The `typ` of a request's header.
pub const TYPE: &str = "sillok-request+jws";
/// The longest request, in bytes of its compact form.
pub const MAX_REQUEST: usize = 64 * 1024;
/// The most queries under one signature.
pub const MAX_QUERIES: usize = 1000;
/// The longest `jti` and `aud`, in bytes.
pub const MAX_TEXT: usize = 256;

/// A request whose form has been checked, not yet its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRequest {
    /// SHA-256 of the compact JWS: what an entry names its request by.
    pub digest: [u8; 32],
    /// The `x5t#S256` of the header: SHA-256 of the certificate's DER.
    pub thumbprint: [u8; 32],
    /// What is signed.
    pub payload: Payload,
    signed: Signed,
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// Single use for each certificate: 1 to 256 visible ASCII characters.
    pub jti: String,
    /// When it was signed, in seconds since the Unix epoch.
    pub iat: i64,
    /// The gateway it is for: 1 to 256 visible ASCII characters.
    pub aud: String,
    /// The school whose records the queries are about.
    pub school: SchoolId,
    /// What an officer's request is for; an educator's has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// The hash of each query ([`query_hash`]), in JSON base64url without padding.
    #[serde(with = "hashes")]
    pub queries: Vec<[u8; 32]>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    #[serde(rename = "x5t#S256")]
    thumbprint: String,
}

impl SignedRequest {
    /// Reads a compact JWS. Refuses every other `typ` and `alg`, any further header, base64url that is not canonical,
    /// members that are unknown, missing or repeated, and what is over the limits.
    pub fn parse(jws: &str) -> Result<Self, Refusal> {
        if jws.len() > MAX_REQUEST {
            return Err(Refusal::new(
                Code::RequestTooLarge,
                format!("a request has at most {MAX_REQUEST} bytes"),
            ));
        }
        let (header, payload, signed) = Signed::parse::<Header, Payload>(
            jws,
            "{typ, alg, x5t#S256}",
            "{jti, iat, aud, school, purpose?, queries}",
        )
        .map_err(malformed)?;
        let (thumbprint, payload) = (header.check()?, payload.check()?);
        Ok(Self { digest: sha256(&[jws.as_bytes()]), thumbprint, payload, signed })
    }

    /// Checks that the header names this certificate and that its P-256 key made the signature.
    pub fn verify(&self, certificate_der: &[u8]) -> Result<(), Refusal> {
        self.verify_with(&Certificate::from_der(certificate_der)?)
    }

    /// As [`SignedRequest::verify`], with a certificate that has been read already.
    pub fn verify_with(&self, certificate: &Certificate) -> Result<(), Refusal> {
        self.names(certificate)?;
        self.signed.verify(certificate, Code::RequestSignature)
    }

    /// Checks that the header names this certificate.
    pub fn names(&self, certificate: &Certificate) -> Result<(), Refusal> {
        match certificate.thumbprint() == self.thumbprint {
            true => Ok(()),
            false => Err(Refusal::new(
                Code::RequestCertificate,
                "the request names another certificate than the signer's; sign with the registered key",
            )),
        }
    }

    /// The compact JWS, as it was parsed.
    pub fn compact(&self) -> String {
        compact(&self.signed.input, &self.signed.signature)
    }

    /// SHA-256 of what the signature covers. Unlike [`SignedRequest::digest`] it stays the same when somebody without
    /// the key turns an ECDSA signature (r, s) into its twin (r, -s), which also verifies.
    pub fn content(&self) -> [u8; 32] {
        sha256(&[self.signed.input.as_bytes()])
    }

    /// What makes a request single: SHA-256 of its certificate's thumbprint and its `jti`.
    pub fn replay_key(&self) -> [u8; 32] {
        sha256(&[&self.thumbprint, self.payload.jti.as_bytes()])
    }
}

impl Payload {
    /// The JWS signing input for this payload and a certificate: what ES256 signs.
    pub fn signing_input(&self, thumbprint: &[u8; 32]) -> String {
        let header = Header {
            typ: TYPE.to_owned(),
            alg: jws::ALGORITHM.to_owned(),
            thumbprint: jws::encode(thumbprint),
        };
        jws::signing_input(&header, self)
    }

    fn check(self) -> Result<Self, Refusal> {
        for (name, text) in [("jti", &self.jti), ("aud", &self.aud)] {
            if text.is_empty() || text.len() > MAX_TEXT || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(malformed(format!("{name} has 1 to {MAX_TEXT} visible ASCII characters")));
            }
        }
        if !(0..=MAX_IAT).contains(&self.iat) {
            return Err(malformed("iat is the time in seconds since the Unix epoch"));
        }
        if self.queries.is_empty() {
            return Err(malformed("a request names at least one query"));
        }
        if self.queries.len() > MAX_QUERIES {
            return Err(Refusal::new(
                Code::RequestTooLarge,
                format!("a request names at most {MAX_QUERIES} queries"),
            ));
        }
        let mut seen = HashSet::new();
        match self.queries.iter().all(|hash| seen.insert(hash)) {
            true => Ok(self),
            false => {
                Err(malformed("a request names a query once; give each query of the same words its own salt"))
            }
        }
    }
}

impl Header {
    fn check(self) -> Result<[u8; 32], Refusal> {
        if self.typ != TYPE {
            return Err(malformed(format!("typ is {TYPE}")));
        }
        if self.alg != jws::ALGORITHM {
            return Err(malformed("alg is ES256"));
        }
        jws::thumbprint(&self.thumbprint).map_err(malformed)
    }
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::RequestMalformed, message)
}

mod hashes {
    use serde::{Deserializer, Serializer, de::Error};

    use super::*;

    pub(super) fn serialize<S: Serializer>(hashes: &[[u8; 32]], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(hashes.iter().map(|hash| BASE64_URL_SAFE_NO_PAD.encode(hash)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[u8; 32]>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts
            .into_iter()
            .map(|text| {
                let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(D::Error::custom)?;
                bytes.try_into().map_err(|_| D::Error::custom("a query's hash has 32 bytes"))
            })
            .collect()
    }
}
