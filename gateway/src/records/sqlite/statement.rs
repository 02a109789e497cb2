//! Running an admitted statement.

use rusqlite::{Connection, limits::Limit, types::Value as Bound, types::ValueRef};
use serde_json::{Map, Number, Value};

use super::{
    Limits,
    connection::{away, of_statement},
};
use crate::records::{Result, Statement, rows::Allowance, schema::ColumnType};

/// Bytes of the longest text or row that a statement may make. What we store ourselves may be longer.
const LENGTH: i32 = 16 * 1024 * 1024;

/// A connection while it runs a caller's statement: until when it may, and how long its values are.
struct Bounded<'c> {
    connection: &'c Connection,
    limits: &'c Limits,
    length: i32,
}

impl<'c> Bounded<'c> {
    fn new(connection: &'c Connection, limits: &'c Limits) -> rusqlite::Result<Self> {
        let length = connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LENGTH)?;
        limits.deadline.set(limits.statement_ms);
        Ok(Self { connection, limits, length })
    }
}

impl Drop for Bounded<'_> {
    fn drop(&mut self) {
        self.limits.deadline.clear();
        // It fails for a limit that SQLite does not know alone, and this one it gave.
        let _ = self.connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, self.length);
    }
}

/// Runs it; gives its rows.
pub(super) fn run(
    connection: &Connection,
    query: u32,
    statement: &Statement,
    limits: &Limits,
    allowance: &Allowance,
) -> Result<Vec<Map<String, Value>>> {
    let _bounded = Bounded::new(connection, limits).map_err(away)?;
    let failed = |error| of_statement(error, query, limits.statement_ms);
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(failed)?;
    for (index, value) in statement.parameters.iter().enumerate() {
        // `$2` is a name to SQLite, not a position.
        if let Some(position) = prepared.parameter_index(&format!("${}", index + 1)).map_err(failed)? {
            prepared.raw_bind_parameter(position, bound(value)).map_err(failed)?;
        }
    }
    let mut cursor = prepared.raw_query();
    let mut rows = allowance.rows_of(query, statement);
    while let Some(row) = cursor.next().map_err(failed)? {
        rows.take(|index, column_type| value(row.get_ref(index).ok()?, column_type))?;
    }
    Ok(rows.gathered())
}

fn bound(value: &Value) -> Bound {
    match value {
        Value::Bool(value) => Bound::Integer(i64::from(*value)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Bound::Integer(integer),
            (None, Some(real)) => Bound::Real(real),
            (None, None) => Bound::Null,
        },
        Value::String(text) => Bound::Text(text.clone()),
        // The policy lets none of these through.
        Value::Null | Value::Array(_) | Value::Object(_) => Bound::Null,
    }
}

/// None where SQLite holds something else than the type says.
pub(super) fn value(value: ValueRef<'_>, column_type: ColumnType) -> Option<Value> {
    match (column_type, value) {
        (_, ValueRef::Null) => Some(Value::Null),
        (ColumnType::Boolean, ValueRef::Integer(truth @ (0 | 1))) => Some(Value::Bool(truth == 1)),
        (ColumnType::Integer, ValueRef::Integer(integer)) => Some(integer.into()),
        (ColumnType::Real, ValueRef::Real(real)) => Number::from_f64(real).map(Value::Number),
        (ColumnType::Real, ValueRef::Integer(integer)) => Number::from_f64(integer as f64).map(Value::Number),
        (ColumnType::Text | ColumnType::Date | ColumnType::Timestamp, ValueRef::Text(text)) => {
            std::str::from_utf8(text).ok().map(Into::into)
        }
        _ => None,
    }
}
