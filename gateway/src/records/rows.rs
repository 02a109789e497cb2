//! The rows that a request's statements give, gathered within what they may be.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};

use super::{RecordsError, Result, Statement, schema::ColumnType, settings::Settings};

/// How much may be gathered.
#[derive(Clone, Copy)]
pub(super) struct RowLimits {
    /// Rows of one statement.
    rows: u64,
    /// Bytes of all of a request's rows.
    bytes: u64,
}

impl RowLimits {
    pub(super) fn of(settings: &Settings) -> Self {
        Self { rows: settings.rows, bytes: settings.result_bytes }
    }
}

/// What one request's statements may still give; several may be under way at once.
pub(super) struct Allowance {
    limits: RowLimits,
    left: AtomicU64,
}

impl Allowance {
    pub(super) fn new(limits: RowLimits) -> Self {
        Self { limits, left: AtomicU64::new(limits.bytes) }
    }

    /// To gather the rows of a statement, the request's query number `query`.
    pub(super) fn rows_of<'a>(&'a self, query: u32, statement: &'a Statement) -> Rows<'a> {
        Rows { allowance: self, query, statement, gathered: Vec::new() }
    }
}

/// The rows of one statement: objects by column.
pub(super) struct Rows<'a> {
    allowance: &'a Allowance,
    query: u32,
    statement: &'a Statement,
    gathered: Vec<Map<String, Value>>,
}

impl Rows<'_> {
    /// Takes the next row. `cell` reads the value at an index, or none if it does not hold what its type allows.
    pub(super) fn take(&mut self, cell: impl Fn(usize, ColumnType) -> Option<Value>) -> Result<()> {
        let (query, limits) = (self.query, self.allowance.limits);
        if self.gathered.len() as u64 == limits.rows {
            return Err(RecordsError::TooManyRows { query, limit: limits.rows });
        }
        let mut object = Map::new();
        let mut bytes = 0;
        for (index, column) in self.statement.columns.iter().enumerate() {
            let value = cell(index, column.column_type).ok_or_else(|| RecordsError::Statement {
                query,
                reason: format!("the column {} does not hold what its type allows", column.name),
            })?;
            bytes += (column.name.len() + value.as_str().map_or(size_of::<Value>(), str::len)) as u64;
            object.insert(column.name.clone(), value);
        }
        let spend = |left: u64| left.checked_sub(bytes);
        if self.allowance.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_err() {
            return Err(RecordsError::ResultTooLarge { query, limit: limits.bytes });
        }
        self.gathered.push(object);
        Ok(())
    }

    /// All that were taken.
    pub(super) fn gathered(self) -> Vec<Map<String, Value>> {
        self.gathered
    }
}
