//! The wallet's content as it is written.

use std::collections::BTreeMap;

use p256::elliptic_curve::zeroize::Zeroizing;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sillok_contract::id::LearnerId;

use super::{Attestation, Wallet, WalletError};
use crate::{
    keys::{KeyError, PrivateKey},
    ledger::receipt::Roots,
    proof::Proofs,
};

/// The version of the form.
const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    version: u32,
    learner: LearnerId,
    key: Pem,
    roots: BTreeMap<String, String>,
    proofs: Proofs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attestation: Option<Attestation>,
}

/// A private key's text, in memory that is wiped.
struct Pem(Zeroizing<String>);

impl Serialize for Pem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Pem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl Content {
    pub(super) fn parse(json: &[u8]) -> Result<Self, WalletError> {
        let malformed = |why: String| WalletError::Malformed(why);
        // Where, and not what: the text may be the key's.
        let unread = |error: serde_json::Error| format!("byte {} cannot be read", error.column());
        let content: Self = serde_json::from_slice(json).map_err(|error| malformed(unread(error)))?;
        if content.version != VERSION {
            return Err(malformed(format!(
                "it is of version {}, this program reads {VERSION}",
                content.version
            )));
        }
        Ok(content)
    }

    pub(super) fn to_json(&self) -> Zeroizing<Vec<u8>> {
        let json = serde_json_canonicalizer::to_vec(self);
        Zeroizing::new(json.expect("a wallet has only text, numbers and lists"))
    }
}

impl TryFrom<&Wallet> for Content {
    type Error = KeyError;

    fn try_from(wallet: &Wallet) -> Result<Self, KeyError> {
        Ok(Self {
            version: VERSION,
            learner: wallet.learner.clone(),
            key: Pem(wallet.key.to_pem()?),
            roots: wallet.roots.to_pem(),
            proofs: wallet.proofs.clone(),
            attestation: wallet.attestation.clone(),
        })
    }
}

impl TryFrom<Content> for Wallet {
    type Error = WalletError;

    fn try_from(content: Content) -> Result<Self, WalletError> {
        let Content { version: _, learner, key, roots, proofs, attestation } = content;
        let malformed = |why: String| WalletError::Malformed(why);
        let key = PrivateKey::from_pem(&key.0).map_err(|error| malformed(error.to_string()))?;
        let roots = roots.into_iter().map(|(msp, pem)| (msp, pem.into_bytes()));
        let roots = Roots::new(roots).map_err(|error| malformed(error.to_string()))?;
        Ok(Self { learner, key, roots, proofs, attestation, last: None })
    }
}

impl Wallet {
    /// Whether this is how it is written: canonical JSON, and of the texts that PEM allows the one that is made here.
    pub(super) fn is_written_as(&self, json: &[u8]) -> bool {
        self.to_json().is_ok_and(|written| *written == json)
    }
}
