//! Who holds a certificate: the learner's wallet, by its public key.

use serde::{Deserialize, Serialize};

use crate::keys::Jwk;

/// The wallet's key, as the JWT names who may countersign (RFC 7800, section 3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The key.
    pub jwk: Jwk,
}
