//! Who holds a certificate: the learner's wallet, by its public key.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sillok_contract::digest::sha256;

use crate::keys::{KeyError, PublicKey};

/// What a key's name begins with (RFC 9278).
const THUMBPRINT: &str = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:";
/// The first byte of an uncompressed point (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// The wallet's key, as the JWT names who may countersign (RFC 7800, section 3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The key.
    pub jwk: Jwk,
}

/// A P-256 public key as a JWK (RFC 7518, section 6.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwk {
    crv: String,
    kty: String,
    x: String,
    y: String,
}

impl Jwk {
    /// Of a key.
    pub fn of(key: &PublicKey) -> Self {
        let (x, y) = key.point()[1..].split_at(32);
        let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
        Self { crv: "P-256".to_owned(), kty: "EC".to_owned(), x, y }
    }

    /// The key, if it is one.
    pub fn key(&self) -> Result<PublicKey, KeyError> {
        let coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError::NotAPublicKey);
        let point = [&[UNCOMPRESSED][..], &coordinate(&self.x)?, &coordinate(&self.y)?].concat();
        let key = PublicKey::from_point(&point)?;
        match Self::of(&key) == *self {
            true => Ok(key),
            false => Err(KeyError::NotAPublicKey),
        }
    }

    /// The key's name: its thumbprint (RFC 7638) as a URI (RFC 9278).
    pub fn uri(&self) -> String {
        // The members that a thumbprint is over, in their order.
        let json = serde_json_canonicalizer::to_vec(self).expect("text has a JSON form");
        format!("{THUMBPRINT}{}", URL_SAFE_NO_PAD.encode(sha256(&[&json])))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::keys::PrivateKey;

    #[test]
    fn a_key_survives_its_jwk_and_no_other_form_is_taken() {
        let key = *PrivateKey::generate().unwrap().public_key();
        let jwk = Jwk::of(&key);
        assert_eq!(jwk.key().unwrap(), key);
        let swapped = Jwk { x: jwk.y.clone(), y: jwk.x.clone(), ..jwk.clone() };
        assert!(swapped.key().is_err());
        assert!(Jwk { kty: "RSA".into(), ..jwk.clone() }.key().is_err());
        assert!(Jwk { x: format!("{}=", jwk.x), ..jwk }.key().is_err());
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        // The key of RFC 7515, appendix A.3; the thumbprint as python-jwcrypto gives it.
        let jwk = Jwk {
            crv: "P-256".into(),
            kty: "EC".into(),
            x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU".into(),
            y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0".into(),
        };
        assert_eq!(jwk.uri(), format!("{THUMBPRINT}oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"));
    }
}
