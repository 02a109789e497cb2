//! A ledger in memory that keeps what a peer keeps: reads see the state before the transaction, writes come after.

use std::collections::BTreeMap;

use sillok_contract::{Creator, Ledger, Page, Refusal};

/// The state, and one transaction at a time.
#[derive(Clone, Default)]
pub struct Memory {
    pub state: BTreeMap<String, Vec<u8>>,
    pub private: BTreeMap<(String, String), Vec<u8>>,
    pub events: Vec<(String, Vec<u8>)>,
    pub transaction: Transaction,
    /// How often the state was asked, since this was last set to 0.
    pub round_trips: usize,
}

/// What the transaction brings and has written so far.
#[derive(Clone, Default)]
pub struct Transaction {
    pub id: String,
    pub time: i64,
    pub creator: Option<Creator>,
    pub transient: BTreeMap<String, Vec<u8>>,
    pub writes: BTreeMap<String, Option<Vec<u8>>>,
    /// None purges.
    pub private_writes: BTreeMap<(String, String), Option<Vec<u8>>>,
    pub event: Option<(String, Vec<u8>)>,
}

impl Memory {
    /// Lets the transaction's writes come into effect, and gives how many there were.
    pub fn commit(&mut self) -> usize {
        let transaction = std::mem::take(&mut self.transaction);
        let count = transaction.writes.len() + transaction.private_writes.len();
        for (key, value) in transaction.writes {
            match value {
                Some(value) => self.state.insert(key, value),
                None => self.state.remove(&key),
            };
        }
        for (key, value) in transaction.private_writes {
            match value {
                Some(value) => self.private.insert(key, value),
                None => self.private.remove(&key),
            };
        }
        self.events.extend(transaction.event);
        count
    }
}

impl Ledger for Memory {
    fn transaction_id(&self) -> &str {
        &self.transaction.id
    }

    fn timestamp(&self) -> i64 {
        self.transaction.time
    }

    fn creator(&self) -> Result<Creator, Refusal> {
        Ok(self.transaction.creator.clone().expect("the test names a creator"))
    }

    fn transient(&self, name: &str) -> Option<Vec<u8>> {
        self.transaction.transient.get(name).cloned()
    }

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.round_trips += 1;
        Ok(self.state.get(key).cloned())
    }

    fn get_many(&mut self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Refusal> {
        self.round_trips += 1;
        Ok(keys.iter().map(|key| self.state.get(key).cloned()).collect())
    }

    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<(), Refusal> {
        self.transaction.writes.insert(key.to_owned(), Some(value));
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<(), Refusal> {
        self.transaction.writes.insert(key.to_owned(), None);
        Ok(())
    }

    fn range(&mut self, start: &str, end: &str, size: u32, bookmark: &str) -> Result<Page, Refusal> {
        self.round_trips += 1;
        let from = if bookmark.is_empty() { start } else { bookmark };
        if from > end {
            return Ok(Page::default());
        }
        let mut found = self.state.range(from.to_owned()..end.to_owned());
        let entries =
            found.by_ref().take(size as usize).map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok(Page { entries, bookmark: found.next().map(|(key, _)| key.clone()).unwrap_or_default() })
    }

    fn private_get(&mut self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.private.get(&(collection.to_owned(), key.to_owned())).cloned())
    }

    fn private_hash(&mut self, _: &str, _: &str) -> Result<Option<Vec<u8>>, Refusal> {
        unreachable!("the contract does not ask for private hashes")
    }

    fn private_put(&mut self, collection: &str, key: &str, value: Vec<u8>) -> Result<(), Refusal> {
        self.transaction.private_writes.insert((collection.to_owned(), key.to_owned()), Some(value));
        Ok(())
    }

    fn private_purge(&mut self, collection: &str, key: &str) -> Result<(), Refusal> {
        self.transaction.private_writes.insert((collection.to_owned(), key.to_owned()), None);
        Ok(())
    }

    fn set_event(&mut self, name: &str, payload: Vec<u8>) -> Result<(), Refusal> {
        assert!(self.transaction.event.is_none(), "a transaction has one event");
        self.transaction.event = Some((name.to_owned(), payload));
        Ok(())
    }
}
