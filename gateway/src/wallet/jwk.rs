//! The wallet's public key, as the support office gets it.

use serde::{Deserialize, Serialize};
use sillok_contract::registry::WalletKey;

use crate::keys::PublicKey;

/// A public key as a JWK (RFC 7518, section 6.2): nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicJwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

impl PublicJwk {
    pub(super) fn of(key: &PublicKey) -> Self {
        let WalletKey { kty, crv, x, y, .. } = key.of_wallet(0);
        Self { kty, crv, x, y }
    }
}
