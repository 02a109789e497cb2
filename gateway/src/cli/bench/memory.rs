//! A ledger in memory that counts and times what the contract asks of it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use sillok_contract::{Creator, Ledger, Page, Refusal};

/// The state, and the transaction that is under way.
pub(super) struct Memory {
    state: BTreeMap<String, Vec<u8>>,
    pub(super) creator: Creator,
    /// Microseconds since the Unix epoch.
    pub(super) time: i64,
    pub(super) transient: BTreeMap<String, Vec<u8>>,
    /// How many calls the contract made of it, and what they took.
    pub(super) calls: u64,
    pub(super) spent: Duration,
}

impl Memory {
    /// An empty one.
    pub(super) fn new(creator: Creator, time: i64) -> Self {
        let (state, transient) = (BTreeMap::new(), BTreeMap::new());
        Self { state, creator, time, transient, calls: 0, spent: Duration::ZERO }
    }

    fn timed<T>(&mut self, call: impl FnOnce(&mut Self) -> T) -> Result<T, Refusal> {
        let began = Instant::now();
        let answer = call(self);
        self.calls += 1;
        self.spent += began.elapsed();
        Ok(answer)
    }
}

/// What it keeps for a private collection lies beside the public state: only time matters here.
fn private(collection: &str, key: &str) -> String {
    format!("\0{collection}/{key}")
}

impl Ledger for Memory {
    fn transaction_id(&self) -> &str {
        "0000000000000000000000000000000000000000000000000000000000000000"
    }

    fn timestamp(&self) -> i64 {
        self.time
    }

    fn creator(&self) -> Result<Creator, Refusal> {
        Ok(self.creator.clone())
    }

    fn transient(&self, name: &str) -> Option<Vec<u8>> {
        self.transient.get(name).cloned()
    }

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.timed(|memory| memory.state.get(key).cloned())
    }

    fn get_many(&mut self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Refusal> {
        self.timed(|memory| keys.iter().map(|key| memory.state.get(key).cloned()).collect())
    }

    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<(), Refusal> {
        self.timed(|memory| drop(memory.state.insert(key.to_owned(), value)))
    }

    fn delete(&mut self, key: &str) -> Result<(), Refusal> {
        self.timed(|memory| drop(memory.state.remove(key)))
    }

    fn range(&mut self, start: &str, end: &str, size: u32, _: &str) -> Result<Page, Refusal> {
        self.timed(|memory| {
            let range = memory.state.range(start.to_owned()..end.to_owned()).take(size as usize);
            Page {
                entries: range.map(|(key, value)| (key.clone(), value.clone())).collect(),
                bookmark: String::new(),
            }
        })
    }

    fn private_get(&mut self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.get(&private(collection, key))
    }

    fn private_hash(&mut self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let value = self.get(&private(collection, key))?;
        Ok(value.map(|value| sillok_contract::digest::sha256(&[&value]).to_vec()))
    }

    fn private_put(&mut self, collection: &str, key: &str, value: Vec<u8>) -> Result<(), Refusal> {
        self.put(&private(collection, key), value)
    }

    fn private_purge(&mut self, collection: &str, key: &str) -> Result<(), Refusal> {
        self.delete(&private(collection, key))
    }

    fn set_event(&mut self, _: &str, _: Vec<u8>) -> Result<(), Refusal> {
        self.timed(|_| ())
    }
}
