//! Compact JWS (RFC 7515, section 7.1) with ES256: the outer form of requests, acts and signatures of documents.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Code, Refusal,
    certificate::{Certificate, Curve},
    json,
};

/// The `alg` of every header: ECDSA with P-256 and SHA-256 (RFC 7518, section 3.4).
pub(crate) const ALGORITHM: &str = "ES256";

/// The latest `iat`: the last second of the year 9999.
pub(crate) const MAX_IAT: i64 = 253_402_300_799;

/// What is signed, and the signature. Nothing has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) input: String,
    pub(crate) signature: [u8; 64],
}

impl Signed {
    /// Takes a compact JWS apart: header, payload, and what is signed. Refuses base64url that is not canonical and JSON
    /// that is not of these types, and says why.
    pub(crate) fn parse<H: DeserializeOwned, P: DeserializeOwned>(
        jws: &str,
        header_form: &str,
        payload_form: &str,
    ) -> Result<(H, P, Self), String> {
        let (header, payload, signed) = Self::split(jws)?;
        let header = object(header, "header", header_form)?;
        let payload = object(payload, "payload", payload_form)?;
        Ok((header, payload, signed))
    }

    /// Takes a compact JWS apart whose payload is detached and adds nothing to what is signed: the middle part is empty.
    pub(crate) fn parse_detached<H: DeserializeOwned>(
        jws: &str,
        header_form: &str,
    ) -> Result<(H, Self), String> {
        let (header, payload, signed) = Self::split(jws)?;
        if !payload.is_empty() {
            return Err("its payload is detached: header..signature".to_owned());
        }
        Ok((object(header, "header", header_form)?, signed))
    }

    /// Header and payload as they are encoded, and what is signed.
    fn split(jws: &str) -> Result<(&str, &str, Self), String> {
        let not_compact = || "it is a compact JWS: header.payload.signature".to_owned();
        let (input, signature) = jws.rsplit_once('.').ok_or_else(not_compact)?;
        let (header, payload) = input.split_once('.').ok_or_else(not_compact)?;
        let signature = decode(signature)?
            .try_into()
            .map_err(|_| "an ES256 signature has 64 bytes (RFC 7518, section 3.4)".to_owned())?;
        Ok((header, payload, Self { input: input.to_owned(), signature }))
    }

    /// Refuses a signature that is not that of the certificate's P-256 key, with `code`.
    pub(crate) fn verify(&self, certificate: &Certificate, code: Code) -> Result<(), Refusal> {
        let key = certificate.public_key();
        if key.curve != Curve::P256 {
            return Err(Refusal::new(
                Code::CertificateUnsupported,
                "what is signed here is with a P-256 key",
            ));
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key.point)
            .verify(self.input.as_bytes(), &self.signature)
            .map_err(|_| Refusal::new(code, "the signature is not that of the certificate's key"))
    }
}

/// The signing input of a header and a payload: what ES256 signs.
pub(crate) fn signing_input(header: &impl Serialize, payload: &impl Serialize) -> String {
    format!("{}.{}", encode_json(header), encode_json(payload))
}

/// The signing input of a header whose payload is detached and adds nothing.
pub(crate) fn detached_input(header: &impl Serialize) -> String {
    format!("{}.", encode_json(header))
}

/// The compact JWS of a signing input and its ES256 signature (r and s, 32 bytes each).
pub fn compact(signing_input: &str, signature: &[u8; 64]) -> String {
    format!("{signing_input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// Bytes in base64url without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The SHA-256 that an `x5t#S256` names a certificate by.
pub(crate) fn thumbprint(text: &str) -> Result<[u8; 32], String> {
    decode(text)?.try_into().map_err(|_| "x5t#S256 has 32 bytes".to_owned())
}

fn encode_json(value: &impl Serialize) -> String {
    encode(&serde_json::to_vec(value).expect("headers and payloads have only text, numbers and lists"))
}

fn object<T: DeserializeOwned>(part: &str, name: &str, form: &str) -> Result<T, String> {
    json::object(&decode(part)?).map_err(|error| format!("the {name} is not {form}: {error}"))
}

pub(crate) fn decode(text: &str) -> Result<Vec<u8>, String> {
    BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|error| format!("a part is not base64url without padding: {error}"))
}
