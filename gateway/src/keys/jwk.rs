//! Public keys as JSON Web Keys (RFC 7517; RFC 7518, section 6.2).

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sillok_contract::{digest::sha256, registry::WalletKey};

use super::{KeyError, PublicKey};

/// What a key's name begins with (RFC 9278).
const THUMBPRINT: &str = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:";
/// The members that make the key. Others, such as `kid` and `use`, say nothing here.
const MEMBERS: [&str; 4] = ["crv", "kty", "x", "y"];
/// A private key's. It has no business here.
const PRIVATE: &str = "d";

/// A P-256 public key as a JWK, with the members that make it and no other: nothing in it is secret.
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
        let WalletKey { crv, kty, x, y, .. } = key.of_wallet(0);
        Self { crv, kty, x, y }
    }

    /// The key, if it is one.
    pub fn key(&self) -> Result<PublicKey, KeyError> {
        let Self { crv, kty, x, y } = self.clone();
        let key = WalletKey { kty, crv, x, y, since: 0, revoked_since: None };
        PublicKey::from_point(&key.point().map_err(|_| KeyError::NotAPublicKey)?)
    }

    /// The key's name: its thumbprint (RFC 7638) as a URI (RFC 9278).
    pub fn uri(&self) -> String {
        // The members that a thumbprint is over, in their order.
        let json = serde_json_canonicalizer::to_vec(self).expect("text has a JSON form");
        format!("{THUMBPRINT}{}", URL_SAFE_NO_PAD.encode(sha256(&[&json])))
    }
}

impl PublicKey {
    /// From a JWK of a P-256 public key. One with its private half is refused.
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        let members: Map<String, Value> = serde_json::from_str(json).map_err(|_| KeyError::NotAPublicKey)?;
        if members.contains_key(PRIVATE) {
            return Err(KeyError::NotAPublicKey);
        }
        let members = members.into_iter().filter(|(name, _)| MEMBERS.contains(&name.as_str()));
        let jwk: Result<Jwk, _> = serde_json::from_value(members.collect::<Map<_, _>>().into());
        jwk.map_err(|_| KeyError::NotAPublicKey)?.key()
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
