//! Why somebody decides something: it travels beside the act, which names its hash.

use sillok_contract::{digest::Digest, objection::Reason};

use super::{KeyError, random};

/// A reason with a new salt, so that nobody can guess it from its hash: its JSON text, and what an act names it by.
pub fn salted_reason(text: &str) -> Result<(String, Digest), KeyError> {
    let reason = Reason { text: text.to_owned(), salt: random::<16>()? };
    let json = serde_json::to_string(&reason).expect("a reason has only text");
    let digest = Digest::of(json.as_bytes());
    Ok((json, digest))
}

/// An id that tells nothing: 16 random bytes as hexadecimal digits.
pub fn new_id() -> Result<String, KeyError> {
    Ok(hex::encode(random::<16>()?))
}
