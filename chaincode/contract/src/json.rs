//! JSON as the contract reads and stores it.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Code, Refusal};

/// Reads a JSON object into a struct. (Serde by itself would also take an array of the members' values.)
pub(crate) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => serde_json::from_slice(bytes).map_err(|error| error.to_string()),
        _ => Err("it is not a JSON object".to_owned()),
    }
}

/// Canonical JSON (RFC 8785). Integers beyond 2^53 lose digits; the registry's documents hold none.
pub(crate) fn canonical(value: &impl Serialize) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("documents have only text, numbers and lists")
}

/// JSON for a reply.
pub(crate) fn reply(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("replies have only text, numbers and lists")
}

/// The text of an enum's variant.
pub(crate) fn word(variant: &impl Serialize) -> String {
    serde_json::to_value(variant).ok().and_then(|word| Some(word.as_str()?.to_owned())).unwrap_or_default()
}

/// Reads back what the contract itself stored.
pub(crate) fn stored<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| {
        Refusal::new(Code::LedgerCorrupt, format!("the ledger's value of {key} is damaged: {error}"))
    })
}

/// Bytes as base64 text.
pub(crate) mod base64_bytes {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        BASE64_STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }

    /// Bytes that may be absent.
    pub(crate) mod optional {
        use serde::Serialize;

        use super::*;

        pub(crate) fn serialize<S: Serializer>(
            bytes: &Option<Vec<u8>>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            bytes.as_ref().map(|bytes| BASE64_STANDARD.encode(bytes)).serialize(serializer)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Vec<u8>>, D::Error> {
            super::deserialize(deserializer).map(Some)
        }
    }
}
