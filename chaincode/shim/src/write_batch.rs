use std::collections::HashMap;

use fabric_protos::peer::{
    DelState, PurgePrivateState, PutState, PutStateMetadata, WriteBatchState, WriteRecord,
    chaincode_message::Type, write_record,
};
use prost::Message;

use crate::{LedgerError, exchange::Exchange};

/// A message's writes stay below this many bytes, well under the 100 MiB a message may have.
const MAX_BYTES: usize = 64 << 20;

/// A transaction's writes, held back to go in few messages. Of several writes to a key the last counts, as on the ledger.
#[derive(Debug, Default)]
pub(crate) struct WriteBatch {
    records: Vec<WriteRecord>,
    positions: HashMap<Target, usize>,
}

/// What a write replaces: value and metadata of a key are apart.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Target {
    collection: String,
    key: String,
    is_metadata: bool,
}

impl WriteBatch {
    pub(crate) fn add(&mut self, record: WriteRecord) {
        let target = Target {
            collection: record.collection.clone(),
            key: record.key.clone(),
            is_metadata: record.r#type() == write_record::Type::PutStateMetadata,
        };
        let next = self.records.len();
        match *self.positions.entry(target).or_insert(next) {
            position if position == next => self.records.push(record),
            position => self.records[position] = record,
        }
    }

    /// Sends all writes, at most `limit` a message.
    pub(crate) fn flush(self, exchange: &Exchange, limit: usize) -> Result<(), LedgerError> {
        self.messages(limit, MAX_BYTES)
            .try_for_each(|message| exchange.call(Type::WriteBatchState, &message).map(drop))
    }

    fn messages(self, limit: usize, bytes: usize) -> impl Iterator<Item = WriteBatchState> {
        let mut records = self.records.into_iter().peekable();
        std::iter::from_fn(move || {
            let first = records.next()?;
            let mut size = first.encoded_len();
            let mut rec = vec![first];
            while rec.len() < limit {
                let Some(next) = records.next_if(|next| size + next.encoded_len() <= bytes) else { break };
                size += next.encoded_len();
                rec.push(next);
            }
            Some(WriteBatchState { rec })
        })
    }
}

/// Sends one write to a peer that takes no batches.
pub(crate) fn send_single(exchange: &Exchange, record: WriteRecord) -> Result<(), LedgerError> {
    let kind = record.r#type();
    let WriteRecord { key, value, collection, metadata, .. } = record;
    let sent = match kind {
        write_record::Type::DelState => exchange.call(Type::DelState, &DelState { key, collection }),
        write_record::Type::PurgePrivateData => {
            exchange.call(Type::PurgePrivateData, &PurgePrivateState { key, collection })
        }
        write_record::Type::PutStateMetadata => {
            exchange.call(Type::PutStateMetadata, &PutStateMetadata { key, collection, metadata })
        }
        write_record::Type::PutState | write_record::Type::Undefined => {
            exchange.call(Type::PutState, &PutState { key, value, collection })
        }
    };
    sent.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str, value: &'static str) -> WriteRecord {
        WriteRecord {
            key: key.into(),
            value: value.into(),
            r#type: write_record::Type::PutState.into(),
            ..Default::default()
        }
    }

    fn keys(message: &WriteBatchState) -> Vec<&str> {
        message.rec.iter().map(|record| record.key.as_str()).collect()
    }

    #[test]
    fn the_last_write_of_a_key_counts() {
        let mut batch = WriteBatch::default();
        batch.add(put("a", "1"));
        batch.add(put("b", "1"));
        batch.add(put("a", "2"));
        let metadata = write_record::Type::PutStateMetadata.into();
        batch.add(WriteRecord { key: "a".into(), r#type: metadata, ..Default::default() });
        batch.add(WriteRecord { collection: "c".into(), ..put("a", "3") });
        let messages: Vec<_> = batch.messages(100, MAX_BYTES).collect();
        assert_eq!(messages.len(), 1);
        assert_eq!(keys(&messages[0]), ["a", "b", "a", "a"]);
        assert_eq!(messages[0].rec[0].value, "2");
    }

    #[test]
    fn messages_keep_to_both_limits() {
        let mut batch = WriteBatch::default();
        for key in ["a", "b", "c", "d", "e"] {
            batch.add(put(key, "value"));
        }
        let size = put("a", "value").encoded_len();
        let messages: Vec<_> = batch.messages(3, size * 2).collect();
        assert_eq!(
            messages.iter().map(keys).collect::<Vec<_>>(),
            [vec!["a", "b"], vec!["c", "d"], vec!["e"]]
        );
    }

    #[test]
    fn a_write_above_the_byte_limit_goes_alone() {
        let mut batch = WriteBatch::default();
        batch.add(put("a", "value"));
        batch.add(put("b", "value"));
        assert_eq!(batch.messages(100, 1).count(), 2);
    }
}
