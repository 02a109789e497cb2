//! The seam between the rules and what keeps the state: a Fabric peer through the shim, or the embedded ledger.

use crate::Refusal;

/// Who created the transaction: an MSP and the certificate it issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creator {
    /// The MSP's id, such as `OfficeMSP`.
    pub msp: String,
    /// The certificate, PEM. Its organisational unit says the role (Fabric's NodeOUs: client, admin, peer, orderer).
    pub certificate: Vec<u8>,
}

/// One page of a range: the keys and values in key order, and where the next page starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// At most as many as were asked for.
    pub entries: Vec<(String, Vec<u8>)>,
    /// Give it back to read on; empty when there is no more.
    pub bookmark: String,
}

/// One transaction's view of the world state, as a Fabric peer gives it.
///
/// What an implementer owes: reads see the state before the transaction, never its own writes; writes take effect all
/// together when the transaction commits, or not at all; two transactions that read and write the same key cannot
/// both commit on the same version. Keys are UTF-8 text and sort by their bytes. An error from here means the ledger
/// could not be asked (a time-out, a lost peer), never "not found".
pub trait Ledger {
    /// The transaction's id: 64 hexadecimal digits.
    fn transaction_id(&self) -> &str;
    /// The time the transaction's creator claims, in microseconds since the Unix epoch. Not to be trusted alone.
    fn timestamp(&self) -> i64;
    /// Who created the transaction. The ledger has checked the signature and the certificate's chain.
    fn creator(&self) -> Result<Creator, Refusal>;
    /// A value that travels with the proposal and is not recorded.
    fn transient(&self, name: &str) -> Option<Vec<u8>>;

    /// The value of a key, if it has one.
    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Refusal>;
    /// The values of several keys, in the order of the keys. One round trip where the peer offers it.
    fn get_many(&mut self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Refusal>;
    /// Sets a key.
    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<(), Refusal>;
    /// Removes a key; removing one that is not there is no error.
    fn delete(&mut self, key: &str) -> Result<(), Refusal>;
    /// Keys from `start` (included) to `end` (excluded), `size` at most, on from `bookmark` (empty: from the start).
    /// Only in transactions that write nothing: a page is not checked for phantoms when the transaction commits.
    fn range(&mut self, start: &str, end: &str, size: u32, bookmark: &str) -> Result<Page, Refusal>;

    /// The value of a key in a private data collection, if this peer has it.
    fn private_get(&mut self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, Refusal>;
    /// SHA-256 of a private value, which every peer has, also those outside the collection.
    fn private_hash(&mut self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, Refusal>;
    /// Sets a key in a private data collection.
    fn private_put(&mut self, collection: &str, key: &str, value: Vec<u8>) -> Result<(), Refusal>;
    /// Removes a private value and all its history from every peer.
    fn private_purge(&mut self, collection: &str, key: &str) -> Result<(), Refusal>;

    /// The transaction's one event, told to whoever listens once it has committed.
    fn set_event(&mut self, name: &str, payload: Vec<u8>) -> Result<(), Refusal>;
}
