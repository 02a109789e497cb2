//! Why: the text that travels beside an act, and rests with the offices.

use serde::{Deserialize, Serialize};

use crate::{Code, Ledger, Refusal, digest::Digest, json, query::salt};

/// The transient value that holds it.
pub const TRANSIENT: &str = "reason";
/// The longest reason, in bytes of JSON.
pub const MAX_REASON: usize = 16 * 1024;

/// A reason as it is hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In the writer's words.
    pub text: String,
    /// Random, so that nobody can guess the reason from its hash; base64url without padding.
    #[serde(with = "salt")]
    pub salt: [u8; 16],
}

/// The bytes that travel beside an act, which must be the reason that it names.
pub(super) fn beside(ledger: &dyn Ledger, digest: &Digest) -> Result<Vec<u8>, Refusal> {
    let refuse = |why: &str| Refusal::new(Code::ObjectionReason, why);
    let bytes = ledger.transient(TRANSIENT).ok_or_else(|| refuse("the transient value reason is missing"))?;
    if bytes.len() > MAX_REASON {
        return Err(refuse(&format!("a reason has at most {MAX_REASON} bytes")));
    }
    if Digest::of(&bytes) != *digest {
        return Err(refuse("the reason is not the one that the act names"));
    }
    let reason: Reason = json::object(&bytes)
        .map_err(|error| refuse(&format!("the reason is not {{text, salt}}: {error}")))?;
    match reason.text.trim().is_empty() {
        true => Err(refuse("the reason says nothing")),
        false => Ok(bytes),
    }
}
