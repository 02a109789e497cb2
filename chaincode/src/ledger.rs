//! The contract's ledger, as a Fabric peer gives it through the shim.

use sillok_contract::{Code, Creator, Ledger, Page, Refusal};
use sillok_shim::{LedgerError, Stub, Timestamp};

/// One transaction's view of the world state.
pub struct PeerLedger<'a> {
    stub: &'a Stub,
    timestamp: i64,
}

impl<'a> PeerLedger<'a> {
    /// The ledger of a transaction.
    ///
    /// # Errors
    ///
    /// [`Code::ArgumentMalformed`] if the transaction has no time, or one beyond all calendars.
    pub fn new(stub: &'a Stub) -> Result<Self, Refusal> {
        let timestamp = microseconds(stub.timestamp().map_err(refusal)?)
            .ok_or_else(|| Refusal::new(Code::ArgumentMalformed, "the transaction's time is out of range"))?;
        Ok(Self { stub, timestamp })
    }
}

impl Ledger for PeerLedger<'_> {
    fn transaction_id(&self) -> &str {
        self.stub.transaction_id()
    }

    fn timestamp(&self) -> i64 {
        self.timestamp
    }

    fn creator(&self) -> Result<Creator, Refusal> {
        let identity = self.stub.identity().map_err(refusal)?;
        Ok(Creator { msp: identity.msp_id, certificate: identity.certificate.into() })
    }

    fn transient(&self, name: &str) -> Option<Vec<u8>> {
        self.stub.transient(name).map(|value| value.to_vec())
    }

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let value = self.stub.get_state(key).map_err(refusal)?;
        Ok(value.map(Vec::from))
    }

    fn get_many(&mut self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Refusal> {
        let values = self.stub.get_states(keys).map_err(refusal)?;
        Ok(values.into_iter().map(|value| value.map(Vec::from)).collect())
    }

    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<(), Refusal> {
        self.stub.put_state(key, value).map_err(refusal)
    }

    fn delete(&mut self, key: &str) -> Result<(), Refusal> {
        self.stub.delete_state(key).map_err(refusal)
    }

    fn range(&mut self, start: &str, end: &str, size: u32, bookmark: &str) -> Result<Page, Refusal> {
        let page = self.stub.get_state_by_range_page(start, end, size, bookmark).map_err(refusal)?;
        let entries = page.results.into_iter().map(|found| (found.key, Vec::from(found.value))).collect();
        Ok(Page { entries, bookmark: page.bookmark })
    }

    fn private_get(&mut self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let value = self.stub.private_data(collection).and_then(|data| data.get(key)).map_err(refusal)?;
        Ok(value.map(Vec::from))
    }

    fn private_hash(&mut self, collection: &str, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let hash = self.stub.private_data(collection).and_then(|data| data.hash(key)).map_err(refusal)?;
        Ok(hash.map(Vec::from))
    }

    fn private_put(&mut self, collection: &str, key: &str, value: Vec<u8>) -> Result<(), Refusal> {
        self.stub.private_data(collection).and_then(|data| data.put(key, value)).map_err(refusal)
    }

    fn private_purge(&mut self, collection: &str, key: &str) -> Result<(), Refusal> {
        self.stub.private_data(collection).and_then(|data| data.purge(key)).map_err(refusal)
    }

    fn set_event(&mut self, name: &str, payload: Vec<u8>) -> Result<(), Refusal> {
        self.stub.set_event(name, payload).map_err(refusal)
    }
}

fn refusal(error: LedgerError) -> Refusal {
    let code = match error {
        LedgerError::InvalidArgument { .. } | LedgerError::Absent(_) => Code::ArgumentMalformed,
        _ => Code::LedgerUnavailable,
    };
    Refusal::new(code, error.to_string())
}

fn microseconds(time: Timestamp) -> Option<i64> {
    time.seconds.checked_mul(1_000_000)?.checked_add(i64::from(time.nanos / 1_000))
}
