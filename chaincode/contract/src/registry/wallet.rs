//! The keys of learners' wallets.

use serde::{Deserialize, Serialize};

use super::{check_time, jwk};
use crate::{Code, Refusal};

/// A wallet's public key, in the members of a JWK (RFC 7518, section 6.2), and since when it holds: until it is revoked
/// or the learner's next one holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalletKey {
    /// `EC`.
    pub kty: String,
    /// `P-256`.
    pub crv: String,
    /// The point's x, 32 bytes in base64url without padding.
    pub x: String,
    /// The point's y, likewise.
    pub y: String,
    /// From this time on what it signs is the learner's.
    pub since: i64,
    /// From this time on it no longer is; what was signed before stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_since: Option<i64>,
}

impl WalletKey {
    /// The key with this uncompressed point (SEC 1), from a time on. Whether it is on the curve [`WalletKey::checked`]
    /// tells.
    pub fn new(point: &[u8; 65], since: i64) -> Self {
        let [x, y] = jwk::coordinates(point);
        Self { kty: jwk::KEY_TYPE.to_owned(), crv: jwk::CURVE.to_owned(), x, y, since, revoked_since: None }
    }

    /// Checks every member, as a key that is registered has them: it is not revoked yet.
    pub fn checked(self) -> Result<Self, Refusal> {
        check_time("since", self.since)?;
        if self.revoked_since.is_some() {
            return Err(malformed("a key is registered first and revoked then"));
        }
        jwk::check(self.point()?).map_err(malformed)?;
        Ok(self)
    }

    /// The uncompressed point (SEC 1, section 2.3.3).
    pub fn point(&self) -> Result<[u8; 65], Refusal> {
        jwk::point([&self.kty, &self.crv, &self.x, &self.y]).map_err(malformed)
    }

    /// Refuses an ES256 signature (r and s, 32 bytes each) that is not this key's over these bytes.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), Refusal> {
        match jwk::signed(self.point()?, message, signature) {
            true => Ok(()),
            false => Err(Refusal::new(
                Code::WalletSignature,
                "the signature is not that of the learner's wallet key",
            )),
        }
    }

    /// Whether it is the same key, whenever it holds.
    pub fn is_same_key(&self, other: &Self) -> bool {
        (&self.x, &self.y) == (&other.x, &other.y)
    }
}

fn malformed(why: &str) -> Refusal {
    Refusal::new(Code::WalletKeyMalformed, format!("the wallet's key is no P-256 public key in JWK: {why}"))
}
