//! The calls themselves. A collection's name is empty for the channel's public state, as on the wire.

use fabric_protos::peer::{
    GetHistoryForKey, GetQueryResult, GetState, GetStateByRange, GetStateMetadata, GetStateMultiple,
    GetStateMultipleResult, MetaDataKeys, QueryMetadata, QueryResponse, QueryResponseMetadata, StateMetadata,
    StateMetadataResult, WriteRecord, chaincode_message::Type, write_record,
};
use prost::{Message, bytes::Bytes};

use super::{HistoryIterator, KeyValue, Page, StateIterator, Stub};
use crate::{LedgerError, write_batch};

/// Sorts before every simple key, after every composite one.
const FIRST_SIMPLE_KEY: &str = "\u{1}";

impl Stub {
    pub(super) fn read(&self, collection: &str, key: &str) -> Result<Option<Bytes>, LedgerError> {
        require(key, "key")?;
        let request = GetState { key: key.into(), collection: collection.into() };
        self.exchange.call(Type::GetState, &request).map(present)
    }

    pub(super) fn read_hash(&self, collection: &str, key: &str) -> Result<Option<Bytes>, LedgerError> {
        require(key, "key")?;
        let request = GetState { key: key.into(), collection: collection.into() };
        self.exchange.call(Type::GetPrivateDataHash, &request).map(present)
    }

    pub(super) fn read_many<K: AsRef<str>>(
        &self,
        collection: &str,
        keys: &[K],
    ) -> Result<Vec<Option<Bytes>>, LedgerError> {
        let Some(limit) = self.features.multiple_keys else {
            return keys.iter().map(|key| self.read(collection, key.as_ref())).collect();
        };
        keys.iter().try_for_each(|key| require(key.as_ref(), "key"))?;
        let mut values = Vec::with_capacity(keys.len());
        for some in keys.chunks(limit) {
            values.extend(self.read_some(collection, some)?);
        }
        Ok(values)
    }

    fn read_some<K: AsRef<str>>(
        &self,
        collection: &str,
        keys: &[K],
    ) -> Result<impl Iterator<Item = Option<Bytes>> + use<K>, LedgerError> {
        let keys: Vec<_> = keys.iter().map(|key| key.as_ref().to_owned()).collect();
        let count = keys.len();
        let request = GetStateMultiple { keys, collection: collection.into() };
        let answer: GetStateMultipleResult = self.exchange.ask(Type::GetStateMultiple, &request)?;
        let found = answer.values.len();
        if found != count {
            let found = format!("{found} values for {count} keys");
            return Err(self.exchange.violation(Type::GetStateMultiple.as_str_name(), found));
        }
        Ok(answer.values.into_iter().map(present))
    }

    pub(super) fn put(&self, collection: &str, key: &str, value: Bytes) -> Result<(), LedgerError> {
        if value.is_empty() {
            return Err(LedgerError::invalid(
                "value",
                "must not be empty: the ledger takes that for a deletion",
            ));
        }
        self.write(write_record::Type::PutState, WriteRecord { value, ..record(collection, key)? })
    }

    pub(super) fn delete(&self, collection: &str, key: &str) -> Result<(), LedgerError> {
        self.write(write_record::Type::DelState, record(collection, key)?)
    }

    pub(super) fn purge(&self, collection: &str, key: &str) -> Result<(), LedgerError> {
        self.write(write_record::Type::PurgePrivateData, record(collection, key)?)
    }

    fn write(&self, kind: write_record::Type, mut record: WriteRecord) -> Result<(), LedgerError> {
        record.set_type(kind);
        match self.features.write_batch {
            Some(_) => {
                self.writes.borrow_mut().add(record);
                Ok(())
            }
            None => write_batch::send_single(&self.exchange, record),
        }
    }

    pub(super) fn read_policy(&self, collection: &str, key: &str) -> Result<Option<Bytes>, LedgerError> {
        require(key, "key")?;
        let request = GetStateMetadata { key: key.into(), collection: collection.into() };
        let answer: StateMetadataResult = self.exchange.ask(Type::GetStateMetadata, &request)?;
        let name = MetaDataKeys::ValidationParameter.as_str_name();
        Ok(answer
            .entries
            .into_iter()
            .find(|entry| entry.metakey == name)
            .and_then(|entry| present(entry.value)))
    }

    pub(super) fn put_policy(&self, collection: &str, key: &str, policy: Bytes) -> Result<(), LedgerError> {
        let metakey = MetaDataKeys::ValidationParameter.as_str_name().to_owned();
        let metadata = Some(StateMetadata { metakey, value: policy });
        self.write(write_record::Type::PutStateMetadata, WriteRecord { metadata, ..record(collection, key)? })
    }

    pub(super) fn scan(
        &self,
        collection: &str,
        (start, end): (String, String),
    ) -> Result<StateIterator<'_>, LedgerError> {
        let request = GetStateByRange {
            start_key: start,
            end_key: end,
            collection: collection.into(),
            metadata: Bytes::new(),
        };
        StateIterator::new(&self.exchange, self.exchange.ask(Type::GetStateByRange, &request)?)
    }

    pub(super) fn scan_page(
        &self,
        (start, end): (String, String),
        size: u32,
        bookmark: &str,
    ) -> Result<Page, LedgerError> {
        let request = GetStateByRange {
            start_key: start,
            end_key: end,
            collection: String::new(),
            metadata: page_request(size, bookmark)?,
        };
        self.page(Type::GetStateByRange, &request)
    }

    pub(super) fn select(&self, collection: &str, query: &str) -> Result<StateIterator<'_>, LedgerError> {
        require(query, "query")?;
        let request =
            GetQueryResult { query: query.into(), collection: collection.into(), metadata: Bytes::new() };
        StateIterator::new(&self.exchange, self.exchange.ask(Type::GetQueryResult, &request)?)
    }

    pub(super) fn select_page(&self, query: &str, size: u32, bookmark: &str) -> Result<Page, LedgerError> {
        require(query, "query")?;
        let request = GetQueryResult {
            query: query.into(),
            collection: String::new(),
            metadata: page_request(size, bookmark)?,
        };
        self.page(Type::GetQueryResult, &request)
    }

    /// The peer sends a page whole, and has closed its iterator.
    fn page(&self, kind: Type, request: &impl Message) -> Result<Page, LedgerError> {
        let call = kind.as_str_name();
        let malformed =
            |error: prost::DecodeError| self.exchange.violation(call, format!("a malformed page: {error}"));
        let answer: QueryResponse = self.exchange.ask(kind, request)?;
        let metadata = QueryResponseMetadata::decode(answer.metadata).map_err(malformed)?;
        let results = answer.results.into_iter().map(|result| KeyValue::decode(result.result_bytes));
        Ok(Page {
            results: results.collect::<Result<_, _>>().map_err(malformed)?,
            bookmark: metadata.bookmark,
        })
    }

    pub(super) fn scan_history(&self, key: &str) -> Result<HistoryIterator<'_>, LedgerError> {
        require(key, "key")?;
        let request = GetHistoryForKey { key: key.into() };
        HistoryIterator::new(&self.exchange, self.exchange.ask(Type::GetHistoryForKey, &request)?)
    }
}

/// A range of simple keys, as the peer wants it: composite keys are left out.
pub(super) fn simple_range(start: &str, end: &str) -> Result<(String, String), LedgerError> {
    if start.starts_with('\0') || end.starts_with('\0') {
        return Err(LedgerError::invalid("range", "of simple keys must not start or end with U+0000"));
    }
    let start = if start.is_empty() { FIRST_SIMPLE_KEY } else { start };
    Ok((start.into(), end.into()))
}

pub(super) fn require(value: &str, name: &'static str) -> Result<(), LedgerError> {
    if value.is_empty() { Err(LedgerError::invalid(name, "must not be empty")) } else { Ok(()) }
}

fn record(collection: &str, key: &str) -> Result<WriteRecord, LedgerError> {
    require(key, "key")?;
    Ok(WriteRecord { key: key.into(), collection: collection.into(), ..Default::default() })
}

fn page_request(size: u32, bookmark: &str) -> Result<Bytes, LedgerError> {
    let page_size = i32::try_from(size).ok().filter(|size| *size > 0);
    let page_size = page_size.ok_or(LedgerError::invalid("page size", "must be from 1 to 2147483647"))?;
    Ok(QueryMetadata { page_size, bookmark: bookmark.into() }.encode_to_vec().into())
}

/// The ledger holds no empty values: empty means absent.
fn present(value: Bytes) -> Option<Bytes> {
    (!value.is_empty()).then_some(value)
}
