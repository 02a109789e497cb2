//! The tables that the log tells of, by their object ids there: which of them are the protected ones and Sillok's own,
//! and how their values are read.

use std::{collections::HashMap, sync::Arc};

use deadpool_postgres::GenericClient;
use serde_json::{Map, Value};
use tokio_postgres::types::{FromSql as _, Oid, Type};

use crate::records::{
    execution::canonical,
    pgoutput::{Datum, Relation, Tuple},
    postgres::{connection::rows, failure::Done, value::Cell},
    schema::{Schema, Table},
};

/// Sillok's own tables that are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Requests,
    Entries,
    Batches,
    Alerts,
}

/// Each of them by name.
pub(super) const OWN: [(&str, Own); 4] = [
    ("sillok_requests", Own::Requests),
    ("sillok_entries", Own::Entries),
    ("sillok_batches", Own::Batches),
    ("sillok_alerts", Own::Alerts),
];

/// The name of one.
pub(super) fn name_of(own: Own) -> &'static str {
    let (name, _) = OWN.iter().find(|(_, one)| *one == own).expect("each has a name");
    name
}

/// What a table is to the watch.
#[derive(Clone, Debug)]
pub(super) enum What {
    Protected(Table),
    Own(Own),
}

/// A table as the log last described it.
#[derive(Debug)]
pub(super) struct Known {
    /// Its name; of a partition, that of the whole.
    pub(super) name: String,
    pub(super) what: What,
    columns: Vec<(String, Type)>,
}

/// The tables that were met.
pub(super) struct Catalog {
    schema: Arc<Schema>,
    met: HashMap<Oid, Option<Arc<Known>>>,
}

impl Catalog {
    pub(super) fn new(schema: Arc<Schema>) -> Self {
        Self { schema, met: HashMap::new() }
    }

    /// The log describes a table. The database is asked for what the log does not say: the whole that a partition is of,
    /// and what a domain is made of.
    pub(super) async fn meet(&mut self, client: &impl GenericClient, relation: &Relation) -> Done<()> {
        let name = whole_of(client, relation).await?;
        let what = match OWN.iter().find(|(own, _)| *own == name) {
            Some((_, own)) => Some(What::Own(*own)),
            None => self.schema.tables.get(&name).cloned().map(What::Protected),
        };
        let Some(what) = what else {
            self.met.insert(relation.id, None);
            return Ok(());
        };
        let mut columns = Vec::with_capacity(relation.columns.len());
        for column in &relation.columns {
            columns.push((column.name.clone(), type_of(client, column.of).await?));
        }
        self.met.insert(relation.id, Some(Arc::new(Known { name, what, columns })));
        Ok(())
    }

    /// The table with this id, if it is one of those that are watched.
    pub(super) fn table(&self, id: Oid) -> Option<Arc<Known>> {
        self.met.get(&id).cloned().flatten()
    }
}

/// The name of the table that this one is a part of, or its own.
async fn whole_of(client: &impl GenericClient, relation: &Relation) -> Done<String> {
    let sql = "WITH RECURSIVE up (id) AS (
            SELECT $1::oid UNION SELECT inhparent FROM pg_inherits JOIN up ON inhrelid = up.id
        ) SELECT relname::text FROM up JOIN pg_class ON pg_class.oid = up.id
          WHERE NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = up.id)";
    let found = rows(client, sql, &[&relation.id]).await?;
    // It may be gone by now.
    let name = found.first().map(|row| row.try_get(0)).transpose()?;
    Ok(name.unwrap_or_else(|| relation.name.clone()))
}

/// A type, a domain's being that which it is made of. What is known to nobody here is text.
async fn type_of(client: &impl GenericClient, oid: Oid) -> Done<Type> {
    if let Some(known) = Type::from_oid(oid) {
        return Ok(known);
    }
    let sql = "WITH RECURSIVE base (id) AS (
            SELECT $1::oid UNION SELECT typbasetype FROM pg_type JOIN base ON oid = base.id WHERE typtype = 'd'
        ) SELECT oid FROM pg_type JOIN base ON oid = base.id WHERE typtype <> 'd'";
    let found = rows(client, sql, &[&oid]).await?;
    let base: Option<Oid> = found.first().map(|row| row.try_get(0)).transpose()?;
    Ok(base.and_then(Type::from_oid).unwrap_or(Type::TEXT))
}

/// A row's columns as the configuration names them, as far as the log tells them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    values: Map<String, Value>,
    /// Long values that did not change.
    unchanged: Vec<String>,
    /// Whether a value is none that an image could hold.
    foreign: bool,
}

impl Row {
    /// Whether an image (canonical JSON) says the same of it.
    pub(super) fn is(&self, image: &[u8]) -> bool {
        if self.foreign {
            return false;
        }
        let mut values = self.values.clone();
        if !self.unchanged.is_empty() {
            let Ok(mut said) = serde_json::from_slice::<Map<String, Value>>(image) else { return false };
            values.extend(self.unchanged.iter().filter_map(|column| said.remove_entry(column)));
        }
        canonical(&values).is_ok_and(|made| made == image)
    }
}

impl Known {
    /// The raw value of one of Sillok's own columns, if the log tells one that is not NULL.
    pub(super) fn raw<'t>(&self, tuple: &'t Tuple, column: &str) -> Option<&'t [u8]> {
        match tuple.get(self.columns.iter().position(|(name, _)| name == column)?)? {
            Datum::Binary(bytes) | Datum::Text(bytes) => Some(bytes),
            Datum::Null | Datum::Unchanged => None,
        }
    }

    /// The same as text.
    pub(super) fn text<'t>(&self, tuple: &'t Tuple, column: &str) -> Option<&'t str> {
        std::str::from_utf8(self.raw(tuple, column)?).ok()
    }

    /// The same as an integer of 64 or 32 bits.
    pub(super) fn integer(&self, tuple: &Tuple, column: &str) -> Option<i64> {
        let raw = self.raw(tuple, column)?;
        match (raw.try_into().map(i64::from_be_bytes), raw.try_into().map(i32::from_be_bytes)) {
            (Ok(long), _) => Some(long),
            (_, Ok(short)) => Some(short.into()),
            _ => None,
        }
    }

    /// A row of a protected table.
    pub(super) fn row(&self, table: &Table, tuple: &Tuple, old: Option<&Tuple>) -> Row {
        let mut row = Row { values: Map::new(), unchanged: Vec::new(), foreign: false };
        for (index, (name, of)) in self.columns.iter().enumerate() {
            let Some(column_type) = table.columns.get(name) else { continue };
            let told = match tuple.get(index) {
                // A key that is so long is told beside it.
                Some(Datum::Unchanged) if table.key.contains(name) => old.and_then(|old| old.get(index)),
                told => told,
            };
            let value = match told {
                Some(Datum::Null) => Some(Value::Null),
                Some(Datum::Binary(raw)) => {
                    Cell::from_sql(of, raw).ok().and_then(|cell| cell.of(*column_type))
                }
                Some(Datum::Text(_)) | None => None,
                Some(Datum::Unchanged) => {
                    row.unchanged.push(name.clone());
                    continue;
                }
            };
            row.foreign |= value.is_none();
            row.values.insert(name.clone(), value.unwrap_or_default());
        }
        row
    }

    /// A row's key as images hold it: canonical JSON. None where the log does not tell it.
    pub(super) fn key(&self, table: &Table, row: &Row) -> Option<Vec<u8>> {
        let column = |name: &String| match row.values.get(name)? {
            Value::Null => None,
            value => Some((name.clone(), value.clone())),
        };
        let key: Option<Map<_, _>> = table.key.iter().map(column).collect();
        canonical(&key?).ok()
    }
}
