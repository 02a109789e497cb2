//! A signed request: one signature, an educator's or an officer's, over the hashes of one or many queries, as a compact
//! JWS (RFC 7515).

use std::collections::HashSet;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

pub use crate::query::{MAX_PARAMETERS, MAX_QUERY, Query, query_hash};
use crate::{
    Code, Refusal,
    certificate::{Certificate, Curve},
    digest::sha256,
    id::SchoolId,
    json,
    purpose::Purpose,
};

/// The `typ` of a request's header.
pub const TYPE: &str = "sillok-request+jws";
/// The longest request, in bytes of its compact form.
pub const MAX_REQUEST: usize = 64 * 1024;
/// The most queries under one signature.
pub const MAX_QUERIES: usize = 1000;
/// The longest `jti` and `aud`, in bytes.
pub const MAX_TEXT: usize = 256;
/// The latest `iat`: the last second of the year 9999.
const MAX_IAT: i64 = 253_402_300_799;

/// A request whose form has been checked, not yet its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRequest {
    /// SHA-256 of the compact JWS: what an entry names its request by.
    pub digest: [u8; 32],
    /// The `x5t#S256` of the header: SHA-256 of the certificate's DER.
    pub thumbprint: [u8; 32],
    /// What is signed.
    pub payload: Payload,
    signing_input: String,
    signature: [u8; 64],
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
        let (signing_input, signature) = jws.rsplit_once('.').ok_or_else(not_compact)?;
        let (header, payload) = signing_input.split_once('.').ok_or_else(not_compact)?;
        let signature = decode(signature)?
            .try_into()
            .map_err(|_| malformed("an ES256 signature has 64 bytes (RFC 7518, section 3.4)"))?;
        Ok(Self {
            digest: sha256(&[jws.as_bytes()]),
            thumbprint: read_header(&decode(header)?)?,
            payload: read_payload(&decode(payload)?)?,
            signing_input: signing_input.to_owned(),
            signature,
        })
    }

    /// Checks that the header names this certificate and that its P-256 key made the signature.
    pub fn verify(&self, certificate_der: &[u8]) -> Result<(), Refusal> {
        self.verify_with(&Certificate::from_der(certificate_der)?)
    }

    /// As [`SignedRequest::verify`], with a certificate that has been read already.
    pub fn verify_with(&self, certificate: &Certificate) -> Result<(), Refusal> {
        self.names(certificate)?;
        let key = certificate.public_key();
        if key.curve != Curve::P256 {
            return Err(Refusal::new(Code::CertificateUnsupported, "a request is signed with a P-256 key"));
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key.point)
            .verify(self.signing_input.as_bytes(), &self.signature)
            .map_err(|_| {
                Refusal::new(Code::RequestSignature, "the request's signature is not the certificate's")
            })
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

    /// SHA-256 of what the signature covers. Unlike [`SignedRequest::digest`] it stays the same when somebody without
    /// the key turns an ECDSA signature (r, s) into its twin (r, -s), which also verifies.
    pub fn content(&self) -> [u8; 32] {
        sha256(&[self.signing_input.as_bytes()])
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
            alg: "ES256".to_owned(),
            thumbprint: BASE64_URL_SAFE_NO_PAD.encode(thumbprint),
        };
        format!("{}.{}", encode_json(&header), encode_json(self))
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

/// The compact JWS of a signing input and its ES256 signature (r and s, 32 bytes each).
pub fn compact(signing_input: &str, signature: &[u8; 64]) -> String {
    format!("{signing_input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn read_header(bytes: &[u8]) -> Result<[u8; 32], Refusal> {
    let header: Header = json::object(bytes)
        .map_err(|error| malformed(format!("the header is not {{typ, alg, x5t#S256}}: {error}")))?;
    if header.typ != TYPE {
        return Err(malformed(format!("typ is {TYPE}")));
    }
    if header.alg != "ES256" {
        return Err(malformed("alg is ES256"));
    }
    decode(&header.thumbprint)?.try_into().map_err(|_| malformed("x5t#S256 has 32 bytes"))
}

fn read_payload(bytes: &[u8]) -> Result<Payload, Refusal> {
    json::object::<Payload>(bytes)
        .map_err(|error| {
            malformed(format!("the payload is not {{jti, iat, aud, school, purpose?, queries}}: {error}"))
        })?
        .check()
}

fn encode_json(value: &impl Serialize) -> String {
    BASE64_URL_SAFE_NO_PAD
        .encode(serde_json::to_vec(value).expect("headers and payloads have only text and numbers"))
}

fn decode(text: &str) -> Result<Vec<u8>, Refusal> {
    BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|error| malformed(format!("a part is not base64url without padding: {error}")))
}

fn not_compact() -> Refusal {
    malformed("a request is a compact JWS: header.payload.signature")
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
