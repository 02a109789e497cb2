//! The values of many keys, read in one round trip.

use std::collections::{BTreeSet, HashMap};

use prost::Message;
use serde::de::DeserializeOwned;

use crate::{Code, Ledger, Refusal, json};

/// The values of the keys that had one.
pub(crate) struct Snapshot(HashMap<String, Vec<u8>>);

impl Snapshot {
    /// Reads these keys, each once.
    pub(crate) fn read(
        ledger: &mut dyn Ledger,
        keys: impl IntoIterator<Item = String>,
    ) -> Result<Self, Refusal> {
        let keys: Vec<_> = keys.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let values = ledger.get_many(&keys)?;
        if values.len() != keys.len() {
            return Err(Refusal::new(Code::LedgerUnavailable, "the ledger did not answer for every key"));
        }
        Ok(Self(keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect()))
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.0.get(key).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// A JSON document.
    pub(crate) fn document<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Refusal> {
        self.0.get(key).map(|bytes| json::stored(key, bytes)).transpose()
    }

    /// A protobuf message.
    pub(crate) fn message<M: Message + Default>(&self, key: &str) -> Result<Option<M>, Refusal> {
        self.0.get(key).map(|bytes| stored_message(key, bytes)).transpose()
    }
}

/// Reads back a message that the contract itself stored.
pub(crate) fn stored_message<M: Message + Default>(key: &str, bytes: &[u8]) -> Result<M, Refusal> {
    M::decode(bytes).map_err(|_| damaged(key))
}

/// The refusal for a value that is not what the contract stored.
pub(crate) fn damaged(key: &str) -> Refusal {
    Refusal::new(Code::LedgerCorrupt, format!("the ledger's value of {key} is damaged"))
}
