use std::{marker::PhantomData, vec};

use fabric_protos::{
    peer::{QueryResponse, QueryResultBytes, QueryStateClose, QueryStateNext, chaincode_message::Type},
    queryresult,
};
use prost::{DecodeError, Message, bytes::Bytes};
use prost_types::Timestamp;

use crate::{LedgerError, exchange::Exchange};

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Bytes,
}

/// One committed change of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyModification {
    /// The transaction that made it.
    pub transaction_id: String,
    /// What it wrote; `None` where it deleted the key.
    pub value: Option<Bytes>,
    /// That transaction's time, by its client's clock.
    pub timestamp: Option<Timestamp>,
}

/// A page of results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The results, in order.
    pub results: Vec<KeyValue>,
    /// Where the next page starts; empty after the last one.
    pub bookmark: String,
}

impl KeyValue {
    pub(super) fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        queryresult::Kv::decode(bytes).map(|found| Self { key: found.key, value: found.value })
    }
}

impl TryFrom<Bytes> for KeyValue {
    type Error = DecodeError;

    fn try_from(bytes: Bytes) -> Result<Self, DecodeError> {
        Self::decode(bytes)
    }
}

impl TryFrom<Bytes> for KeyModification {
    type Error = DecodeError;

    fn try_from(bytes: Bytes) -> Result<Self, DecodeError> {
        queryresult::KeyModification::decode(bytes).map(|found| Self {
            transaction_id: found.tx_id,
            value: (!found.is_delete).then_some(found.value),
            timestamp: found.timestamp,
        })
    }
}

/// Results of a range or a rich query.
pub type StateIterator<'a> = Results<'a, KeyValue>;

/// Results of a history query.
pub type HistoryIterator<'a> = Results<'a, KeyModification>;

/// Results that the peer sends some at a time. Dropping it closes the peer's iterator.
///
/// After an error it yields nothing more.
#[derive(Debug)]
pub struct Results<'a, T> {
    exchange: &'a Exchange,
    id: String,
    fetched: vec::IntoIter<QueryResultBytes>,
    has_more: bool,
    kind: PhantomData<T>,
}

impl<'a, T> Results<'a, T> {
    pub(super) fn new(exchange: &'a Exchange, answer: QueryResponse) -> Result<Self, LedgerError> {
        let mut results = Self {
            exchange,
            id: String::new(),
            fetched: Vec::new().into_iter(),
            has_more: false,
            kind: PhantomData,
        };
        results.take(answer)?;
        Ok(results)
    }

    fn take(&mut self, answer: QueryResponse) -> Result<(), LedgerError> {
        if answer.has_more && answer.results.is_empty() {
            self.has_more = false;
            let call = Type::QueryStateNext.as_str_name();
            return Err(self.exchange.violation(call, "no results, yet more to come"));
        }
        self.id = answer.id;
        self.has_more = answer.has_more;
        self.fetched = answer.results.into_iter();
        Ok(())
    }

    fn fetch(&mut self) -> Result<(), LedgerError> {
        // Whatever goes wrong, the peer has closed its iterator, or cannot be told to.
        self.has_more = false;
        let answer = self.exchange.ask(Type::QueryStateNext, &QueryStateNext { id: self.id.clone() })?;
        self.take(answer)
    }
}

impl<T: TryFrom<Bytes, Error = DecodeError>> Iterator for Results<'_, T> {
    type Item = Result<T, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.fetched.as_slice().is_empty()
            && self.has_more
            && let Err(error) = self.fetch()
        {
            return Some(Err(error));
        }
        let result = self.fetched.next()?;
        Some(T::try_from(result.result_bytes).map_err(|error| {
            self.has_more = false;
            self.fetched = Vec::new().into_iter();
            self.exchange
                .violation(Type::QueryStateNext.as_str_name(), format!("a malformed result: {error}"))
        }))
    }
}

impl<T> Drop for Results<'_, T> {
    fn drop(&mut self) {
        if self.has_more {
            let id = std::mem::take(&mut self.id);
            // The peer closes what is left open when the transaction ends, so a failure costs nothing.
            let _ = self.exchange.call(Type::QueryStateClose, &QueryStateClose { id });
        }
    }
}
