//! P-256 public keys in the members of a JWK (RFC 7518, section 6.2).

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey, UnparsedPublicKey};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

pub(super) const KEY_TYPE: &str = "EC";
pub(super) const CURVE: &str = "P-256";
/// The first byte of an uncompressed point (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// An uncompressed point (SEC 1, section 2.3.3).
pub(super) type Point = [u8; 65];

/// The point that `kty`, `crv`, `x` and `y` say; why there is none. Whether it is on the curve [`check`] tells.
pub(super) fn point([kty, crv, x, y]: [&str; 4]) -> Result<Point, &'static str> {
    if (kty, crv) != (KEY_TYPE, CURVE) {
        return Err("kty is EC and crv is P-256");
    }
    let mut point = [UNCOMPRESSED; 65];
    for (coordinate, place) in [(x, 1), (y, 33)] {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(coordinate).unwrap_or_default();
        let bytes: [u8; 32] =
            bytes.try_into().map_err(|_| "x and y are 32 bytes in base64url without padding")?;
        point[place..place + 32].copy_from_slice(&bytes);
    }
    Ok(point)
}

/// The point's `x` and `y`.
pub(super) fn coordinates(point: &Point) -> [String; 2] {
    let (x, y) = point[1..].split_at(32);
    [x, y].map(|coordinate| BASE64_URL_SAFE_NO_PAD.encode(coordinate))
}

/// Refuses a point that is not on the curve.
pub(super) fn check(point: Point) -> Result<(), &'static str> {
    let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.map(drop).map_err(|_| "it is not a point of the curve")
}

/// Whether an ES256 signature (r and s, 32 bytes each) is this key's over these bytes.
pub(super) fn signed(point: Point, message: &[u8], signature: &[u8; 64]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
}
