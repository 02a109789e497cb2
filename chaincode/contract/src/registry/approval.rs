//! The keys by which people approve what an office signs for them.

use serde::{Deserialize, Serialize};

use super::jwk;
use crate::{Code, Refusal};

/// A person's own public key, in the members of a JWK (RFC 7518, section 6.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalKey {
    /// `EC`.
    pub kty: String,
    /// `P-256`.
    pub crv: String,
    /// The point's x, 32 bytes in base64url without padding.
    pub x: String,
    /// The point's y, likewise.
    pub y: String,
}

impl ApprovalKey {
    /// The key with this uncompressed point (SEC 1). Whether it is on the curve [`ApprovalKey::checked_point`] tells.
    pub fn new(point: &[u8; 65]) -> Self {
        let [x, y] = jwk::coordinates(point);
        Self { kty: jwk::KEY_TYPE.to_owned(), crv: jwk::CURVE.to_owned(), x, y }
    }

    /// The uncompressed point (SEC 1, section 2.3.3), which is on the curve.
    pub fn checked_point(&self) -> Result<[u8; 65], Refusal> {
        let point = self.point()?;
        jwk::check(point).map_err(malformed)?;
        Ok(point)
    }

    /// Refuses an ES256 signature (r and s, 32 bytes each) that is not this key's over these bytes, with `code`.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8; 64], code: Code) -> Result<(), Refusal> {
        match jwk::signed(self.point()?, message, signature) {
            true => Ok(()),
            false => Err(Refusal::new(code, "the signature is not that of the signer's own key of approval")),
        }
    }

    fn point(&self) -> Result<[u8; 65], Refusal> {
        jwk::point([&self.kty, &self.crv, &self.x, &self.y]).map_err(malformed)
    }
}

fn malformed(why: &str) -> Refusal {
    Refusal::new(
        Code::ApprovalKeyMalformed,
        format!("the key of approval is no P-256 public key in JWK: {why}"),
    )
}
