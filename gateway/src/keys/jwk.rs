//! Public keys as JSON Web Keys (RFC 7517; RFC 7518, section 6.2).

use std::{fs, path::Path};

use serde::{Deserialize, de::IgnoredAny};
use sillok_contract::registry::WalletKey;

use super::{KeyError, PublicKey};

/// What is read of a JWK. Members such as `kid` and `use` say nothing here.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    /// A private key's. It has no business here.
    d: Option<IgnoredAny>,
}

impl PublicKey {
    /// From a JWK of a P-256 public key. One with its private half is refused.
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        let jwk: Jwk = serde_json::from_str(json).map_err(|_| KeyError::NotAPublicKey)?;
        let Jwk { kty, crv, x, y, d: None } = jwk else { return Err(KeyError::NotAPublicKey) };
        let key = WalletKey { kty, crv, x, y, since: 0, revoked_since: None };
        Self::from_point(&key.point().map_err(|_| KeyError::NotAPublicKey)?)
    }

    /// From a file: a JWK, or SubjectPublicKeyInfo in PEM.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = fs::read_to_string(path).map_err(|error| KeyError::file(path, error))?;
        match text.trim_start().starts_with('{') {
            true => Self::from_jwk(&text),
            false => Self::from_pem(&text),
        }
    }

    /// As the key of a learner's wallet, in force from a time on.
    pub fn of_wallet(&self, since: i64) -> WalletKey {
        WalletKey::new(self.point(), since)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use serde_json::json;

    use super::*;
    use crate::keys::PrivateKey;

    #[test]
    fn a_jwk_is_the_key_it_names_and_a_private_one_is_refused() {
        let key = *PrivateKey::generate().unwrap().public_key();
        let WalletKey { kty, crv, x, y, .. } = key.of_wallet(0).checked().unwrap();
        let jwk = json!({"kty": kty, "crv": crv, "x": x, "y": y, "kid": "L1", "use": "sig"});
        assert_eq!(PublicKey::from_jwk(&jwk.to_string()).unwrap(), key);
        for (member, value) in [("kty", "RSA"), ("crv", "P-384"), ("x", "AAAA"), ("d", "AAAA")] {
            let mut wrong = jwk.clone();
            wrong[member] = json!(value);
            assert_eq!(PublicKey::from_jwk(&wrong.to_string()).unwrap_err().code(), "key.public_malformed");
        }
        assert!(PublicKey::from_jwk("[]").is_err());
    }
}
