//! The compact form of a JWS (RFC 7515, section 7.1) signed with ES256 (RFC 7518, section 3.4).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use super::{PrivateKey, PublicKey, SignatureInvalid};

/// Header and payload as compact JSON, signed.
pub(crate) fn sign(
    header: &impl Serialize,
    payload: &impl Serialize,
    key: &PrivateKey,
) -> serde_json::Result<String> {
    sign_bytes(header, &serde_json::to_vec(payload)?, key)
}

/// A payload as it is, under a header as compact JSON.
pub(crate) fn sign_bytes(
    header: &impl Serialize,
    payload: &[u8],
    key: &PrivateKey,
) -> serde_json::Result<String> {
    let header = URL_SAFE_NO_PAD.encode(serde_json::to_vec(header)?);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
    let signature = key.sign_fixed(signed.as_bytes());
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// One that has been read and not yet verified.
#[derive(Clone)]
pub(crate) struct Unverified<H, P> {
    pub(crate) header: H,
    pub(crate) payload: P,
    signed: String,
    signature: Vec<u8>,
}

impl<H: DeserializeOwned, P: DeserializeOwned> Unverified<H, P> {
    /// Splits and reads one; none if it is not of the form.
    pub(crate) fn parse(token: &str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        Some(Self {
            header: object(header)?,
            payload: object(payload)?,
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }
}

impl<H: DeserializeOwned> Unverified<H, Vec<u8>> {
    /// The same with a payload of any form.
    pub(crate) fn parse_bytes(token: &str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        Some(Self {
            header: object(header)?,
            payload: URL_SAFE_NO_PAD.decode(payload).ok()?,
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }
}

impl<H, P> Unverified<H, P> {
    /// Checks the signature.
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<(), SignatureInvalid> {
        key.verify_fixed(self.signed.as_bytes(), &self.signature)
    }
}

/// Serde would also take an array of the members' values, so the brace is asked for.
fn object<T: DeserializeOwned>(part: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    json.starts_with(b"{").then(|| serde_json::from_slice(&json).ok())?
}
