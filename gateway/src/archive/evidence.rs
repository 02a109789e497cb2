//! What is kept of a signature: all that shows, years later and to somebody who believes nobody, what was signed, by whom,
//! and what came of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ArchiveError, RecordId, Result};

/// The form that is written. What older forms there are stay readable.
pub const EVIDENCE_VERSION: u32 = 1;

/// The evidence of one signature. It is stored as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Which form it has: [`EVIDENCE_VERSION`].
    pub version: u32,
    /// The signature: the compact JWS as it was received.
    pub jws: String,
    /// The signer's own leave for the use of a key that the office holds, as a compact JWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// The certificates that it was verified with, the signer's first, each as PEM.
    pub certificates: Vec<String>,
    /// What verifying it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Value>,
    /// What the ledger recorded of it, and the offices' receipt for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Value>,
}

impl Evidence {
    /// Of a signature alone; the rest is to be added.
    pub fn of(jws: impl Into<String>) -> Self {
        let (version, jws) = (EVIDENCE_VERSION, jws.into());
        Self { version, jws, approval: None, certificates: Vec::new(), verdict: None, receipt: None }
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("evidence has text, numbers and JSON only")
    }

    pub(super) fn from_json(record: RecordId, json: &[u8]) -> Result<Self> {
        let malformed = |reason: String| ArchiveError::Malformed { record, reason };
        // The version first: what a later form has more is not to be told as a wrong member.
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } =
            serde_json::from_slice(json).map_err(|error| malformed(error.to_string()))?;
        if version != EVIDENCE_VERSION {
            return Err(malformed(format!("it has the form {version}, and this program knows up to 1")));
        }
        serde_json::from_slice(json).map_err(|error| malformed(error.to_string()))
    }
}
