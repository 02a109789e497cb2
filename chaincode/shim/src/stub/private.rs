use prost::bytes::Bytes;

use super::{StateIterator, Stub, ledger};
use crate::{LedgerError, composite_key};

/// One private data collection: the channel holds hashes, the members' peers the data.
///
/// Reading needs a peer of a member; on others a transaction that reads fails. There are no pages here, for peers
/// ignore bookmarks on private data. Peers refuse writes in a transaction that ranges over, or queries, private data.
///
/// Every method fails with [`LedgerError`]: refused by the peer, an empty key, or a conversation that broke.
#[derive(Debug, Clone, Copy)]
pub struct PrivateData<'a> {
    stub: &'a Stub,
    collection: &'a str,
}

impl<'a> PrivateData<'a> {
    pub(super) fn new(stub: &'a Stub, collection: &'a str) -> Result<Self, LedgerError> {
        ledger::require(collection, "collection")?;
        Ok(Self { stub, collection })
    }

    /// The value of a key, before this transaction.
    pub fn get(&self, key: &str) -> Result<Option<Bytes>, LedgerError> {
        self.stub.read(self.collection, key)
    }

    /// The values of several keys, in the keys' order; in few round trips where the peer offers it.
    pub fn get_many<K: AsRef<str>>(&self, keys: &[K]) -> Result<Vec<Option<Bytes>>, LedgerError> {
        self.stub.read_many(self.collection, keys)
    }

    /// SHA-256 of the value, which every peer of the channel knows.
    pub fn hash(&self, key: &str) -> Result<Option<Bytes>, LedgerError> {
        self.stub.read_hash(self.collection, key)
    }

    /// Writes a value. It must not be empty: the ledger would take that for a deletion.
    pub fn put(&self, key: &str, value: impl Into<Bytes>) -> Result<(), LedgerError> {
        self.stub.put(self.collection, key, value.into())
    }

    /// Deletes a key; its earlier values stay in the members' private history.
    pub fn delete(&self, key: &str) -> Result<(), LedgerError> {
        self.stub.delete(self.collection, key)
    }

    /// Deletes a key and every earlier value of it from the members' peers. The hashes stay.
    pub fn purge(&self, key: &str) -> Result<(), LedgerError> {
        self.stub.purge(self.collection, key)
    }

    /// All simple keys from `start` on and before `end`, in order. Empty means from the first, or to the last.
    pub fn get_by_range(&self, start: &str, end: &str) -> Result<StateIterator<'a>, LedgerError> {
        self.stub.scan(self.collection, ledger::simple_range(start, end)?)
    }

    /// All composite keys that start with these parts, in order.
    pub fn get_by_partial_composite_key<A: AsRef<str>>(
        &self,
        object_type: &str,
        attributes: &[A],
    ) -> Result<StateIterator<'a>, LedgerError> {
        self.stub.scan(self.collection, composite_key::range(object_type, attributes)?)
    }

    /// What a rich query finds. CouchDB only; not checked again at commit.
    pub fn get_query_result(&self, query: &str) -> Result<StateIterator<'a>, LedgerError> {
        self.stub.select(self.collection, query)
    }

    /// The key's own endorsement policy, as it was set.
    pub fn validation_parameter(&self, key: &str) -> Result<Option<Bytes>, LedgerError> {
        self.stub.read_policy(self.collection, key)
    }

    /// Sets the key's own endorsement policy, which then counts in place of the collection's or the chaincode's.
    pub fn set_validation_parameter(&self, key: &str, policy: impl Into<Bytes>) -> Result<(), LedgerError> {
        self.stub.put_policy(self.collection, key, policy.into())
    }
}
