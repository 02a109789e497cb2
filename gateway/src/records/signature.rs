//! What is kept of a signature while it goes its way: its evidence is in the archive, its proof on the ledger.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sillok_contract::id::{DocumentId, SignerId};

use super::{Result, execution::corrupt};
use crate::events::data::Failure;

/// A signature that came in.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSignature {
    /// SHA-256 of the JWS's signing input.
    pub id: [u8; 32],
    /// SHA-256 of the document.
    pub hash: [u8; 32],
    /// Who signed, as they are registered on the ledger.
    pub signer: SignerId,
    /// What was signed, as the signature names it: a `urn:sillok:`.
    pub subject: String,
    /// The document of several parties that it is a part of.
    pub document: Option<DocumentId>,
    /// Where it stands.
    pub state: SignatureState,
    /// What verifying it gave.
    pub verdict: Option<Value>,
    /// The ledger's transaction, and its block.
    pub recorded: Option<(String, u64)>,
    /// Why it was refused.
    pub refusal: Option<Failure>,
    /// When it came in, microseconds since the Unix epoch.
    pub created_at: i64,
    /// When it last changed.
    pub updated_at: i64,
}

/// Where a signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignatureState {
    /// Its signer approved it, and the office that holds their key has not made it yet.
    Requested,
    /// It came in and is of its form.
    Created,
    /// It was verified and holds.
    Valid,
    /// It was verified and does not hold.
    Invalid,
    /// It is on the ledger.
    Recorded,
    /// The office did not make it, or the ledger refused it.
    Refused,
}

impl SignatureState {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Requested, "requested"),
        (Self::Created, "created"),
        (Self::Valid, "valid"),
        (Self::Invalid, "invalid"),
        (Self::Recorded, "recorded"),
        (Self::Refused, "refused"),
    ];

    /// Whether a signature stays in it, unless somebody hands it in anew.
    pub fn is_at_rest(self) -> bool {
        match self {
            Self::Requested | Self::Created | Self::Valid => false,
            Self::Invalid | Self::Recorded | Self::Refused => true,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let (_, name) = Self::ALL.iter().find(|(state, _)| *state == self).expect("each has a name");
        name
    }
}

impl fmt::Display for SignatureState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SignatureState {
    type Err = UnknownState;

    fn from_str(name: &str) -> std::result::Result<Self, UnknownState> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(state, _)| *state).ok_or(UnknownState)
    }
}

/// A signature is in no such state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signature is requested, created, valid, invalid, recorded or refused")]
pub struct UnknownState;

/// Which signatures are listed: in the order in which they came in, after `after` (when it came in, and its id).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignatureList {
    /// Of this document alone.
    pub hash: Option<[u8; 32]>,
    /// In this state alone.
    pub state: Option<SignatureState>,
    /// After this one.
    pub after: Option<(i64, [u8; 32])>,
    /// At most so many.
    pub limit: u32,
}

/// The columns of a [`StoredSignature`].
pub(super) const SIGNATURE: &str = "id, hash, signer, subject, document, state, verdict, transaction_id, block, created_at, updated_at, refusal";

/// A refusal as it is stored.
pub(super) fn written(refusal: Option<&Failure>) -> Option<String> {
    refusal.map(|refusal| serde_json::to_string(refusal).expect("texts have a JSON form"))
}

/// A refusal as it was stored.
pub(super) fn read_refusal(stored: &str) -> Result<Failure> {
    serde_json::from_str(stored).map_err(|_| corrupt("a refusal"))
}
