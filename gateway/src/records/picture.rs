//! What the database holds about a learner, to be held against the ledger: rows as entries' images show them, and the
//! outbox as it lies there, believed in nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sillok_contract::{
    entry::EntryId,
    id::{LearnerId, SchoolId},
};

use super::{
    RecordsError, Result,
    execution::image,
    schema::{ColumnType, Schema, Table},
};

/// The most rows of one learner that are compared.
pub(super) const MOST_ROWS: usize = 100_000;

/// The columns of an [`OutboxRow`].
pub(super) const OUTBOX: &str =
    "number, id, school, learner, educator, request, bytes, executed_at, batch, leaf, code";

/// A page of all requests, and one of all entries.
pub(super) const REQUESTS_AFTER: &str =
    "SELECT digest, jws FROM sillok_requests WHERE digest > $1 ORDER BY digest LIMIT $2";
pub(super) const ENTRIES_AFTER: &str =
    "SELECT id, request FROM sillok_entries WHERE id > $1 ORDER BY id LIMIT $2";

/// Which of the outbox's entries belong to a learner's picture: what the ledger told of before, and what it could not
/// tell of yet.
#[derive(Clone, Debug)]
pub struct Sought {
    /// The learner.
    pub learner: LearnerId,
    /// Entries that the ledger has.
    pub recorded: Vec<EntryId>,
    /// Of each of the learner's schools the last batch that the ledger had: later ones may hold further entries.
    pub heads: Vec<(SchoolId, u64)>,
}

/// What the database holds about one learner as of one moment.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// The learner's rows of every protected table.
    pub rows: Vec<Row>,
    /// The sought entries; and all that are in no batch, in a later one, or set aside. In the order of their numbers.
    pub entries: Vec<OutboxRow>,
    /// The compact JWS of each request that an entry names which was not sought by its id, by its digest.
    pub requests: BTreeMap<Vec<u8>, String>,
}

/// A row of a protected table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The table.
    pub table: String,
    /// Whose it is, as the database says; empty where it says nothing that can be read.
    pub learner: String,
    /// Its key, as an entry's image would have it.
    pub key: Vec<u8>,
    /// All its columns, as an entry's image would have them. A value that its column's type does not allow is an
    /// object, which no image holds.
    pub image: Vec<u8>,
}

/// A row of the outbox, as it lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its position in the database's own order.
    pub number: i64,
    /// The entry's id.
    pub id: Vec<u8>,
    /// Its school.
    pub school: String,
    /// Its learner.
    pub learner: String,
    /// Who signed for it.
    pub educator: String,
    /// SHA-256 of its request's compact JWS.
    pub request: Vec<u8>,
    /// The bytes of the `Entry` message.
    pub bytes: Vec<u8>,
    /// When it was executed, microseconds since the Unix epoch.
    pub executed_at: i64,
    /// Its batch.
    pub batch: Option<i64>,
    /// Its leaf.
    pub leaf: Option<i64>,
    /// Why the ledger refused it.
    pub code: Option<String>,
}

impl Picture {
    /// Of these parts; an entry that was found in two ways is one.
    pub(super) fn new(
        rows: Vec<Row>,
        mut entries: Vec<OutboxRow>,
        requests: BTreeMap<Vec<u8>, String>,
    ) -> Self {
        entries.sort_by_key(|entry| entry.number);
        entries.dedup_by_key(|entry| entry.number);
        Self { rows, entries, requests }
    }
}

impl Sought {
    /// The digests of the requests whose signatures decide: those of entries that the ledger did not tell of.
    pub(super) fn requests(&self, entries: &[OutboxRow]) -> Vec<Vec<u8>> {
        let recorded: std::collections::HashSet<&[u8]> = self.recorded.iter().map(|id| &id.0[..]).collect();
        let unknown = entries.iter().filter(|entry| !recorded.contains(entry.id.as_slice()));
        let mut digests: Vec<_> = unknown.map(|entry| entry.request.clone()).collect();
        digests.sort();
        digests.dedup();
        digests
    }
}

/// A protected table, and the statement that gives rows of it.
pub(super) struct Selection<'s> {
    pub(super) name: &'s str,
    table: &'s Table,
    /// The columns, in the order of the statement.
    columns: Vec<(&'s str, ColumnType)>,
    pub(super) sql: String,
}

impl Selection<'_> {
    /// The row with these cells: each none where it does not hold what its column's type allows.
    pub(super) fn row(&self, cell: impl Fn(usize, ColumnType) -> Option<Value>) -> Result<Row> {
        let cells = self.columns.iter().enumerate().map(|(index, (name, column_type))| {
            let unreadable = || serde_json::json!({ "unreadable": true });
            ((*name).to_owned(), cell(index, *column_type).unwrap_or_else(unreadable))
        });
        let cells: Map<_, _> = cells.collect();
        let learner = cells.get(&self.table.learner).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (key, image) = image(self.table, &cells)?;
        Ok(Row { table: self.name.to_owned(), learner, key, image })
    }
}

/// For each protected table, the statement that gives all columns of the rows whose learner is as the condition says.
pub(super) fn selections<'s>(schema: &'s Schema, condition: &str) -> impl Iterator<Item = Selection<'s>> {
    schema.tables.iter().map(move |(name, table)| {
        let columns: Vec<_> = table.columns.iter().map(|(name, of)| (name.as_str(), *of)).collect();
        let list: Vec<_> = columns.iter().map(|(column, _)| format!("\"{column}\"")).collect();
        let sql =
            format!("SELECT {} FROM \"{name}\" WHERE \"{}\" {condition}", list.join(", "), table.learner);
        Selection { name, table, columns, sql }
    })
}

/// For each protected table, the statement that gives a page of the learners who have rows in it: those after the first
/// parameter, in the order of their bytes, at most as many as the second says. `order` makes it that order.
pub(super) fn learners_of<'s>(schema: &'s Schema, order: &'s str) -> impl Iterator<Item = String> + 's {
    schema.tables.iter().map(move |(name, table)| {
        let learner = format!("\"{}\" {order}", table.learner);
        format!("SELECT DISTINCT {learner} FROM \"{name}\" WHERE {learner} > $1 ORDER BY 1 LIMIT $2")
    })
}

/// Of pages in order, the first of all.
pub(super) fn merged(mut learners: Vec<String>, limit: u32) -> Vec<String> {
    learners.sort();
    learners.dedup();
    learners.truncate(limit as usize);
    learners
}

/// A learner with more rows than are compared.
pub(super) fn check_count(rows: usize) -> Result<()> {
    match rows <= MOST_ROWS {
        true => Ok(()),
        false => Err(RecordsError::TooManyRows { query: 0, limit: MOST_ROWS as u64 }),
    }
}
