//! The keys of learners' wallets.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey, UnparsedPublicKey};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::check_time;
use crate::{Code, Refusal};

const KEY_TYPE: &str = "EC";
const CURVE: &str = "P-256";
/// The first byte of an uncompressed point (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;

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
        let (x, y) = point[1..].split_at(32);
        let [x, y] = [x, y].map(|coordinate| BASE64_URL_SAFE_NO_PAD.encode(coordinate));
        Self { kty: KEY_TYPE.to_owned(), crv: CURVE.to_owned(), x, y, since, revoked_since: None }
    }

    /// Checks every member, as a key that is registered has them: it is not revoked yet.
    pub fn checked(self) -> Result<Self, Refusal> {
        check_time("since", self.since)?;
        if self.revoked_since.is_some() {
            return Err(malformed("a key is registered first and revoked then"));
        }
        let point = self.point()?;
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .map_err(|_| malformed("it is not a point of the curve"))?;
        Ok(self)
    }

    /// The uncompressed point (SEC 1, section 2.3.3).
    pub fn point(&self) -> Result<[u8; 65], Refusal> {
        if (self.kty.as_str(), self.crv.as_str()) != (KEY_TYPE, CURVE) {
            return Err(malformed("kty is EC and crv is P-256"));
        }
        let mut point = [UNCOMPRESSED; 65];
        for (coordinate, place) in [&self.x, &self.y].into_iter().zip([1, 33]) {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(coordinate).unwrap_or_default();
            let bytes: [u8; 32] = bytes
                .try_into()
                .map_err(|_| malformed("x and y are 32 bytes in base64url without padding"))?;
            point[place..place + 32].copy_from_slice(&bytes);
        }
        Ok(point)
    }

    /// Refuses an ES256 signature (r and s, 32 bytes each) that is not this key's over these bytes.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), Refusal> {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.point()?).verify(message, signature).map_err(
            |_| Refusal::new(Code::WalletSignature, "the signature is not that of the learner's wallet key"),
        )
    }

    /// Whether it is the same key, whenever it holds.
    pub fn is_same_key(&self, other: &Self) -> bool {
        (&self.x, &self.y) == (&other.x, &other.y)
    }
}

fn malformed(why: &str) -> Refusal {
    Refusal::new(Code::WalletKeyMalformed, format!("the wallet's key is no P-256 public key in JWK: {why}"))
}
