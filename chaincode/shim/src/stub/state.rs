//! The channel's public state, and other chaincode.

use fabric_protos::peer::{
    self, ChaincodeId, ChaincodeInput, ChaincodeMessage, ChaincodeSpec, chaincode_message::Type,
};
use prost::{Message, bytes::Bytes};

use super::{HistoryIterator, Page, PrivateData, StateIterator, Stub, ledger};
use crate::{LedgerError, Response, composite_key, exchange};

/// The channel's public state: what every member of the channel sees.
///
/// Every method fails with [`LedgerError`]: refused by the peer, an empty key, or a conversation that broke.
impl Stub {
    /// The value of a key, before this transaction.
    pub fn get_state(&self, key: &str) -> Result<Option<Bytes>, LedgerError> {
        self.read("", key)
    }

    /// The values of several keys, in the keys' order; in few round trips where the peer offers it.
    pub fn get_states<K: AsRef<str>>(&self, keys: &[K]) -> Result<Vec<Option<Bytes>>, LedgerError> {
        self.read_many("", keys)
    }

    /// Writes a value. It must not be empty: the ledger would take that for a deletion.
    pub fn put_state(&self, key: &str, value: impl Into<Bytes>) -> Result<(), LedgerError> {
        self.put("", key, value.into())
    }

    /// Deletes a key; its history stays.
    pub fn delete_state(&self, key: &str) -> Result<(), LedgerError> {
        self.delete("", key)
    }

    /// All simple keys from `start` on and before `end`, in order. Empty means from the first, or to the last.
    ///
    /// A peer ends it silently after its `totalQueryLimit` (100,000 unless configured).
    pub fn get_state_by_range(&self, start: &str, end: &str) -> Result<StateIterator<'_>, LedgerError> {
        self.scan("", ledger::simple_range(start, end)?)
    }

    /// One page of [`get_state_by_range`](Self::get_state_by_range). Peers refuse writes in a transaction that pages.
    pub fn get_state_by_range_page(
        &self,
        start: &str,
        end: &str,
        size: u32,
        bookmark: &str,
    ) -> Result<Page, LedgerError> {
        self.scan_page(ledger::simple_range(start, end)?, size, bookmark)
    }

    /// All composite keys that start with these parts, in order.
    pub fn get_state_by_partial_composite_key<A: AsRef<str>>(
        &self,
        object_type: &str,
        attributes: &[A],
    ) -> Result<StateIterator<'_>, LedgerError> {
        self.scan("", composite_key::range(object_type, attributes)?)
    }

    /// One page of [`get_state_by_partial_composite_key`](Self::get_state_by_partial_composite_key). Peers refuse
    /// writes in a transaction that pages.
    pub fn get_state_by_partial_composite_key_page<A: AsRef<str>>(
        &self,
        object_type: &str,
        attributes: &[A],
        size: u32,
        bookmark: &str,
    ) -> Result<Page, LedgerError> {
        self.scan_page(composite_key::range(object_type, attributes)?, size, bookmark)
    }

    /// What a rich query finds; the query goes to the state database as it is. CouchDB only. What it finds is not
    /// checked again at commit, so do not let writes depend on it.
    pub fn get_query_result(&self, query: &str) -> Result<StateIterator<'_>, LedgerError> {
        self.select("", query)
    }

    /// One page of [`get_query_result`](Self::get_query_result).
    pub fn get_query_result_page(&self, query: &str, size: u32, bookmark: &str) -> Result<Page, LedgerError> {
        self.select_page(query, size, bookmark)
    }

    /// Every committed change of a key, the newest first. Not checked again at commit.
    pub fn get_history_for_key(&self, key: &str) -> Result<HistoryIterator<'_>, LedgerError> {
        self.scan_history(key)
    }

    /// The key's own endorsement policy, as it was set: a serialized `common.SignaturePolicyEnvelope`.
    pub fn get_state_validation_parameter(&self, key: &str) -> Result<Option<Bytes>, LedgerError> {
        self.read_policy("", key)
    }

    /// Sets the key's own endorsement policy, which then counts in place of the chaincode's.
    pub fn set_state_validation_parameter(
        &self,
        key: &str,
        policy: impl Into<Bytes>,
    ) -> Result<(), LedgerError> {
        self.put_policy("", key, policy.into())
    }

    /// The private data of a collection.
    pub fn private_data<'a>(&'a self, collection: &'a str) -> Result<PrivateData<'a>, LedgerError> {
        PrivateData::new(self, collection)
    }

    /// Calls another chaincode with this transaction's id and client. On the same channel its reads and writes become
    /// part of this transaction; on another one it can only read.
    ///
    /// `channel` empty means the same channel. A chaincode that answers with an error status is no error here.
    pub fn invoke_chaincode(
        &self,
        name: &str,
        channel: &str,
        arguments: Vec<Bytes>,
    ) -> Result<Response, LedgerError> {
        ledger::require(name, "chaincode name")?;
        let name = if channel.is_empty() { name.to_owned() } else { format!("{name}/{channel}") };
        let request = ChaincodeSpec {
            chaincode_id: Some(ChaincodeId { name, ..Default::default() }),
            input: Some(ChaincodeInput { args: arguments, ..Default::default() }),
            ..Default::default()
        };
        let answer: ChaincodeMessage = self.exchange.ask(Type::InvokeChaincode, &request)?;
        self.called(&answer)
    }

    /// What the called chaincode said to the peer.
    fn called(&self, answer: &ChaincodeMessage) -> Result<Response, LedgerError> {
        let call = Type::InvokeChaincode.as_str_name();
        if answer.r#type() != Type::Completed {
            return Err(LedgerError::Refused { call, reason: exchange::text(&answer.payload) });
        }
        let response = peer::Response::decode(answer.payload.clone());
        response.map(Response::from).map_err(|error| {
            self.exchange.violation(call, format!("a malformed response of the called chaincode: {error}"))
        })
    }
}
