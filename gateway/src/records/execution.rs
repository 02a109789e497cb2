//! What the databases have in common: the entry and the outcome that a query's rows make, and how they are stored.

use prost::Message;
use serde_json::{Map, Value};
use sillok_contract::digest::sha256;
use sillok_contract::entry::{EntryId, MAX_ENTRY};
use sillok_proto::ledger::{Adopted, Entry, Read, RowImage, Written, entry::Result as EntryResult};

use super::{
    Admitted, AdmittedQuery, Effect, Executed, Outcome, QueryOutcome, RecordsError, Result,
    schema::{Schema, Table},
};

/// The greatest integer that a double and its neighbours tell apart: 2^53 - 1.
const MAX_EXACT: u64 = (1 << 53) - 1;

/// The columns of a [`super::StoredEntry`]; the one before `batch` is 0 pending, 1 recorded, 2 set aside.
pub(super) const ENTRY: &str = "number, id, school, learner, educator, request, bytes, executed_at,
    CASE WHEN code IS NOT NULL THEN 2
         WHEN batch IS NOT NULL AND EXISTS (SELECT 1 FROM sillok_batches b
            WHERE b.school = e.school AND b.sequence = e.batch AND b.receipt IS NOT NULL) THEN 1
         ELSE 0 END,
    batch, leaf, code, reason";
/// How many entries are neither recorded nor set aside. The ids of a batch in flight are one after the other.
pub(super) const UNRECORDED: &str =
    "SELECT (SELECT count(*) FROM sillok_entries WHERE batch IS NULL AND code IS NULL)
    + (SELECT coalesce(sum(length(entries) / 32), 0) FROM sillok_batches WHERE receipt IS NULL)";
/// The columns of a [`super::StoredBatch`].
pub(super) const BATCH: &str =
    "school, sequence, header, entries, body, transaction_id, envelope, receipt, block";

/// The columns of a [`super::Alert`].
pub(super) const ALERT: &str =
    "id, seen_at, kind, table_name, key, operation, rows, committed_at, xid, lsn, detail, evidence";

/// An entry that is not stored yet.
pub(super) struct NewEntry {
    pub(super) id: EntryId,
    pub(super) learner: String,
    pub(super) bytes: Vec<u8>,
    pub(super) executed_at: i64,
}

/// A request in execution: gathers its entries and outcome.
pub(super) struct Execution<'a> {
    schema: &'a Schema,
    request: &'a Admitted,
    pub(super) entries: Vec<NewEntry>,
    pub(super) outcome: Outcome,
}

impl<'a> Execution<'a> {
    pub(super) fn new(schema: &'a Schema, request: &'a Admitted) -> Self {
        Self { schema, request, entries: Vec::new(), outcome: Outcome { results: Vec::new() } }
    }

    /// The next query gave these rows. Refuses an entry that the ledger would refuse for its size: its effect would stay.
    pub(super) fn executed(
        &mut self,
        query: &AdmittedQuery,
        rows: Vec<Map<String, Value>>,
        now: i64,
    ) -> Result<()> {
        if !self.request.times.contains(&now) {
            return Err(RecordsError::OutOfTime);
        }
        let count = rows.len() as u64;
        if self.request.one_row_each && count != 1 {
            return Err(RecordsError::NotOne { query: self.entries.len() as u32 });
        }
        let result = match &query.statement.effect {
            Effect::Read => EntryResult::Read(Read { rows: count, digest: digest(&rows)? }),
            Effect::Write { table } => {
                EntryResult::Written(Written { rows: count, images: self.images(table, &rows, false)? })
            }
            Effect::Adopt { table } => {
                EntryResult::Adopted(Adopted { images: self.images(table, &rows, false)? })
            }
            Effect::Delete { table } => {
                EntryResult::Written(Written { rows: count, images: self.images(table, &rows, true)? })
            }
        };
        let bytes = self.entry(query, result, now).encode_to_vec();
        if bytes.len() > MAX_ENTRY {
            let query = self.entries.len() as u32;
            return Err(RecordsError::TooManyBytes { query, limit: MAX_ENTRY });
        }
        let id = EntryId::of(&bytes);
        self.entries.push(NewEntry { id, learner: query.learner.to_string(), bytes, executed_at: now });
        let data = rows.into_iter().map(Value::Object).collect();
        self.outcome.results.push(QueryOutcome {
            entry: id,
            learner: query.learner.clone(),
            rows: count,
            data,
        });
        Ok(())
    }

    fn entry(&self, query: &AdmittedQuery, result: EntryResult, now: i64) -> Entry {
        Entry {
            query: query.bytes.clone(),
            request_digest: self.request.digest.to_vec(),
            query_index: self.entries.len() as u32,
            school: self.request.school.to_string(),
            educator: self.request.educator.to_string(),
            learner: query.learner.to_string(),
            executed_at: now,
            result: Some(result),
        }
    }

    fn images(&self, table: &str, rows: &[Map<String, Value>], deleted: bool) -> Result<Vec<RowImage>> {
        let Some(schema) = self.schema.tables.get(table) else {
            return Err(RecordsError::Corrupt(format!("{table} is not a protected table of this database")));
        };
        let image = |row: &Map<String, Value>| {
            let (key, image) = image(schema, row)?;
            Ok(RowImage { table: table.to_owned(), key, image, deleted })
        };
        rows.iter().map(image).collect()
    }
}

/// A row's key and image, as entries hold them.
pub(super) fn image(table: &Table, row: &Map<String, Value>) -> Result<(Vec<u8>, Vec<u8>)> {
    let of_key = |column: &String| Some((column.clone(), row.get(column)?.clone()));
    let key: Map<_, _> = table.key.iter().filter_map(of_key).collect();
    Ok((canonical(&key)?, canonical(row)?))
}

/// Of the array of the rows.
pub(super) fn digest<'r>(rows: impl IntoIterator<Item = &'r Map<String, Value>>) -> Result<Vec<u8>> {
    let rows = rows.into_iter().map(canonical).collect::<Result<Vec<_>>>()?;
    Ok(sha256(&[b"[", rows.join(&b',').as_slice(), b"]"]).to_vec())
}

/// RFC 8785, whose numbers are doubles: an integer that would lose digits is written as a string of them (its
/// appendix D).
pub(super) fn canonical(row: &Map<String, Value>) -> Result<Vec<u8>> {
    let exact: Map<_, _> = row.iter().map(|(column, value)| (column.clone(), exact(value))).collect();
    serde_json_canonicalizer::to_vec(&exact).map_err(|e| RecordsError::Corrupt(e.to_string()))
}

fn exact(value: &Value) -> Value {
    match value.as_i64() {
        Some(integer) if integer.unsigned_abs() > MAX_EXACT => Value::String(integer.to_string()),
        _ => value.clone(),
    }
}

/// The ids of a batch's entries as they are stored: one after the other.
pub(super) fn join_ids(ids: &[EntryId]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.0).collect()
}

/// And back.
pub(super) fn split_ids(bytes: &[u8]) -> Result<Vec<EntryId>> {
    let (ids, rest) = bytes.as_chunks::<32>();
    if rest.is_empty() {
        return Ok(ids.iter().map(|id| EntryId(*id)).collect());
    }
    Err(corrupt("a batch's entry ids"))
}

/// A stored outcome without the rows of these entries; none if it has none of theirs.
pub(super) fn without_rows(outcome: &[u8], erased: &[EntryId]) -> Result<Option<Vec<u8>>> {
    let mut outcome: Outcome = serde_json::from_slice(outcome).map_err(|_| corrupt("an outcome"))?;
    let mut changed = false;
    for result in outcome.results.iter_mut().filter(|result| erased.contains(&result.entry)) {
        changed |= !std::mem::take(&mut result.data).is_empty();
    }
    let stored = changed.then(|| serde_json::to_vec(&outcome).map_err(|_| corrupt("an outcome")));
    stored.transpose()
}

/// What is stored is not of its form.
pub(super) fn corrupt(what: &str) -> RecordsError {
    RecordsError::Corrupt(format!("{what} is not of its form"))
}

/// A hash as it is stored.
pub(super) fn hash(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| corrupt("a hash"))
}

/// An identifier as it is stored.
pub(super) fn identifier<T: TryFrom<String>>(text: String) -> Result<T> {
    T::try_from(text).map_err(|_| corrupt("an identifier"))
}

/// What two requests under one `jti` answer: the first one's outcome if they are the same.
pub(super) fn repeated(
    request: &Admitted,
    content: &[u8],
    digest: &[u8],
    outcome: &[u8],
) -> Result<Executed> {
    if content != request.content {
        return Err(RecordsError::Replayed);
    }
    let outcome = serde_json::from_slice(outcome).map_err(|_| corrupt("an outcome"))?;
    Ok(Executed { outcome, before: Some(hash(digest)?) })
}

/// Keeps of the oldest entries as many as fit, at least one.
pub(super) fn within_bytes<T>(entries: Vec<T>, limit: u64, size: impl Fn(&T) -> usize) -> Vec<T> {
    let mut sum = 0;
    let fits = |(index, entry): &(usize, T)| {
        sum += size(entry) as u64;
        *index == 0 || sum <= limit
    };
    entries.into_iter().enumerate().take_while(fits).map(|(_, entry)| entry).collect()
}
