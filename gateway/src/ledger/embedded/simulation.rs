//! A run of the contract on a snapshot: notes what it reads and what it would write, and changes nothing.

use sillok_contract::digest::sha256;
use std::collections::BTreeMap;

use redb::{ReadOnlyTable, ReadTransaction};
use sillok_contract::{Code, Creator, Ledger, Page, Refusal};
use sillok_proto::embedded as wire;

use super::store::{HashedKey, PRIVATE, PRIVATE_HASHES, STATE, Version, Versioned, version_message};

/// What a transaction is called with, besides function and arguments.
pub(super) struct Context {
    pub(super) transaction: String,
    pub(super) timestamp: i64,
    pub(super) creator: Creator,
    pub(super) transient: BTreeMap<String, Vec<u8>>,
}

/// One transaction's view of the state.
pub(super) struct Simulation {
    context: Context,
    state: ReadOnlyTable<&'static str, Versioned>,
    private_hashes: ReadOnlyTable<HashedKey, Versioned>,
    private: ReadOnlyTable<(&'static str, &'static str), &'static [u8]>,
    reads: BTreeMap<String, Option<Version>>,
    /// None deletes.
    writes: BTreeMap<String, Option<Vec<u8>>>,
    private_reads: BTreeMap<(String, [u8; 32]), Option<Version>>,
    /// None purges.
    private_writes: BTreeMap<(String, String), Option<Vec<u8>>>,
    event: Option<wire::Event>,
    ranged: bool,
}

impl Simulation {
    /// On a snapshot.
    pub(super) fn new(snapshot: &ReadTransaction, context: Context) -> Result<Self, redb::Error> {
        Ok(Self {
            context,
            state: snapshot.open_table(STATE)?,
            private_hashes: snapshot.open_table(PRIVATE_HASHES)?,
            private: snapshot.open_table(PRIVATE)?,
            reads: BTreeMap::new(),
            writes: BTreeMap::new(),
            private_reads: BTreeMap::new(),
            private_writes: BTreeMap::new(),
            event: None,
            ranged: false,
        })
    }

    /// Whether it read a range and wrote, which Fabric's peers refuse: a page is not checked for phantoms.
    pub(super) fn ranged_and_wrote(&self) -> bool {
        self.ranged && !(self.writes.is_empty() && self.private_writes.is_empty())
    }

    /// What the offices sign, and the values behind its private writes.
    pub(super) fn finish(
        self,
        proposal_hash: [u8; 32],
        answer: Vec<u8>,
    ) -> (wire::Effect, Vec<wire::PrivateValue>) {
        let private_writes = self
            .private_writes
            .iter()
            .map(|((collection, key), value)| private_write(collection, key, value.as_deref()));
        let effect = wire::Effect {
            transaction: self.context.transaction,
            proposal_hash: proposal_hash.to_vec(),
            reads: self
                .reads
                .into_iter()
                .map(|(key, version)| wire::Read { key, version: version.map(version_message) })
                .collect(),
            writes: self
                .writes
                .into_iter()
                .map(|(key, value)| wire::Write {
                    key,
                    deleted: value.is_none(),
                    value: value.unwrap_or_default(),
                })
                .collect(),
            private_reads: self
                .private_reads
                .into_iter()
                .map(|((collection, key), version)| wire::PrivateRead {
                    collection,
                    key_hash: key.to_vec(),
                    version: version.map(version_message),
                })
                .collect(),
            private_writes: private_writes.collect(),
            event: self.event,
            answer,
        };
        let values = self
            .private_writes
            .into_iter()
            .map(|((collection, key), value)| wire::PrivateValue {
                collection,
                key,
                value: value.unwrap_or_default(),
            })
            .collect();
        (effect, values)
    }

    fn read(&mut self, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let row = self.state.get(key).map_err(unavailable)?;
        let row = row.map(|row| (row.value().0, row.value().1.to_vec()));
        self.reads.insert(key.to_owned(), row.as_ref().map(|(version, _)| *version));
        Ok(row.map(|(_, value)| value).filter(|value| !value.is_empty()))
    }

    fn read_private_hash(&mut self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let key = sha256(&[key.as_bytes()]);
        let row = self.private_hashes.get((collection, key.as_slice())).map_err(unavailable)?;
        let row = row.map(|row| (row.value().0, row.value().1.to_vec()));
        self.private_reads.insert((collection.to_owned(), key), row.as_ref().map(|(version, _)| *version));
        Ok(row.map(|(_, hash)| hash))
    }
}

/// What the channel tells of a private write.
pub(super) fn private_write(collection: &str, key: &str, value: Option<&[u8]>) -> wire::PrivateWrite {
    wire::PrivateWrite {
        collection: collection.to_owned(),
        key_hash: sha256(&[key.as_bytes()]).to_vec(),
        value_hash: value.map(|value| sha256(&[value]).to_vec()).unwrap_or_default(),
        purged: value.is_none(),
    }
}

impl Ledger for Simulation {
    fn transaction_id(&self) -> &str {
        &self.context.transaction
    }

    fn timestamp(&self) -> i64 {
        self.context.timestamp
    }

    fn creator(&self) -> Result<Creator, Refusal> {
        Ok(self.context.creator.clone())
    }

    fn transient(&self, name: &str) -> Option<Vec<u8>> {
        self.context.transient.get(name).cloned()
    }

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.read(key)
    }

    fn get_many(&mut self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Refusal> {
        keys.iter().map(|key| self.read(key)).collect()
    }

    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<(), Refusal> {
        self.writes.insert(key.to_owned(), Some(value));
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<(), Refusal> {
        self.writes.insert(key.to_owned(), None);
        Ok(())
    }

    fn range(&mut self, start: &str, end: &str, size: u32, bookmark: &str) -> Result<Page, Refusal> {
        self.ranged = true;
        let from = if bookmark.is_empty() { start } else { bookmark };
        if !end.is_empty() && from >= end {
            return Ok(Page::default());
        }
        let mut page = Page::default();
        for row in self.state.range(from..).map_err(unavailable)? {
            let (key, row) = row.map_err(unavailable)?;
            if !end.is_empty() && key.value() >= end {
                break;
            }
            if page.entries.len() >= size as usize {
                page.bookmark = key.value().to_owned();
                break;
            }
            page.entries.push((key.value().to_owned(), row.value().1.to_vec()));
        }
        Ok(page)
    }

    fn private_get(&mut self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.read_private_hash(collection, key)?;
        let value = self.private.get((collection, key)).map_err(unavailable)?;
        Ok(value.map(|value| value.value().to_vec()).filter(|value| !value.is_empty()))
    }

    fn private_hash(&mut self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        self.read_private_hash(collection, key)
    }

    fn private_put(&mut self, collection: &str, key: &str, value: Vec<u8>) -> Result<(), Refusal> {
        self.private_writes.insert((collection.to_owned(), key.to_owned()), Some(value));
        Ok(())
    }

    fn private_purge(&mut self, collection: &str, key: &str) -> Result<(), Refusal> {
        self.private_writes.insert((collection.to_owned(), key.to_owned()), None);
        Ok(())
    }

    fn set_event(&mut self, name: &str, payload: Vec<u8>) -> Result<(), Refusal> {
        self.event = Some(wire::Event { name: name.to_owned(), payload });
        Ok(())
    }
}

fn unavailable(error: redb::StorageError) -> Refusal {
    Refusal::new(Code::LedgerUnavailable, format!("the ledger's file could not be read: {error}"))
}
