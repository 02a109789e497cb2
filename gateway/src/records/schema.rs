//! What the office's own database looks like to Sillok: which tables are protected, and whom each row belongs to.
//!
//! Another office's schema needs no code: it is described by configuration, in this form, and its tables are created
//! by that office (or by [`super::Settings::migrations`]).
//!
//! ```toml
//! functions = ["count", "sum", "lower"]          # all portable ones, if left out
//!
//! [tables.grades]
//! learner = "learner"                            # whom a row belongs to
//! key = ["learner", "year", "term", "subject"]   # what tells rows apart
//! columns = { learner = "text", year = "integer", term = "integer", subject = "text", score = "integer" }
//! ```
//!
//! A column that is not named here cannot be read or written through Sillok, nor is it in any image. Tables should have
//! no triggers and no cascades: what they change is in no entry. On PostgreSQL, text columns should have the collation
//! "C", integers be `bigint`, reals `double precision` and timestamps `timestamptz`: then a statement means the same on
//! both databases. Exact decimals are kept as integers of their smallest unit.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::policy::FUNCTIONS;

/// The protected tables and the functions that statements may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// By name: lower-case letters, digits and `_`.
    pub tables: BTreeMap<String, Table>,
    /// Functions that statements may call; some of [`FUNCTIONS`], which is what it is if left out.
    #[serde(default = "every_function")]
    pub functions: BTreeSet<String>,
}

/// A protected table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The column that says whose row it is: text, the learner's pseudonymous id.
    pub learner: String,
    /// The columns that tell rows apart. Best with the learner's column among them: then no insert can collide with
    /// another learner's row, and nobody learns from a collision that there is one.
    pub key: Vec<String>,
    /// All columns that Sillok may touch, with their types.
    pub columns: BTreeMap<String, ColumnType>,
}

/// What a column holds; each the same on both databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Text, compared by code points; without U+0000.
    Text,
    /// 64 bits, signed.
    Integer,
    /// IEEE 754, 64 bits.
    Real,
    /// True or false; 1 or 0 in SQLite.
    Boolean,
    /// A day, in JSON `2026-03-02`; text in SQLite.
    Date,
    /// A moment in UTC to the microsecond, in JSON `2026-03-02T09:00:00.000000Z`; that text in SQLite.
    Timestamp,
}

/// What is wrong with a schema's description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("records.schema: {0}")]
pub struct SchemaError(pub String);

/// Names that a database gives a meaning of its own.
const RESERVED: &[&str] =
    &["rowid", "oid", "_rowid_", "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "excluded"];
/// Beginnings of names that a database or Sillok keeps for itself.
const RESERVED_PREFIXES: &[&str] = &["sillok_", "pg_", "sqlite_"];

fn every_function() -> BTreeSet<String> {
    FUNCTIONS.iter().map(|name| (*name).to_owned()).collect()
}

impl Schema {
    /// The example that is shipped: a Korean school record (학교생활기록부).
    pub fn school_record() -> Self {
        toml(include_str!("schema/school-record.toml")).expect("the shipped schema is well formed")
    }

    /// Reads and checks a description in TOML.
    pub fn from_toml(text: &str) -> Result<Self, SchemaError> {
        toml(text)
    }

    /// For each table, SQL that a database takes only if the table has its columns.
    pub(super) fn probes(&self) -> impl Iterator<Item = (String, &str)> {
        self.tables.iter().map(|(name, table)| {
            let columns: Vec<_> =
                table.columns.keys().map(|column| format!("\"{name}\".\"{column}\"")).collect();
            (format!("SELECT {} FROM \"{name}\" LIMIT 0", columns.join(", ")), name.as_str())
        })
    }

    /// Refuses a description that contradicts itself.
    pub fn check(&self) -> Result<(), SchemaError> {
        if self.tables.is_empty() {
            return Err(SchemaError("tables: name at least one protected table".to_owned()));
        }
        for (name, table) in &self.tables {
            table.check(name)?;
        }
        match self.functions.iter().find(|name| !FUNCTIONS.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(SchemaError(format!(
                "functions: {name} is not one of those that are the same on both databases: {}",
                FUNCTIONS.join(", ")
            ))),
        }
    }
}

impl Table {
    fn check(&self, name: &str) -> Result<(), SchemaError> {
        let error = |text: String| Err(SchemaError(format!("tables.{name}: {text}")));
        if let Some(bad) =
            std::iter::once(name).chain(self.columns.keys().map(String::as_str)).find(|n| !fit(n))
        {
            return error(format!(
                "{bad:?} is reserved, or not 1 to 63 of a-z, 0-9 and _ with a letter first"
            ));
        }
        if self.columns.get(&self.learner) != Some(&ColumnType::Text) {
            return error(format!("learner: {:?} is not a column of type text", self.learner));
        }
        if self.key.is_empty() {
            return error("key: name at least one column".to_owned());
        }
        if let Some(missing) = self.key.iter().find(|column| !self.columns.contains_key(*column)) {
            return error(format!("key: {missing:?} is not a column"));
        }
        Ok(())
    }
}

/// Whether a table or a column may have this name.
fn fit(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !RESERVED.contains(&name)
        && !RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn toml(text: &str) -> Result<Schema, SchemaError> {
    use figment::providers::{Format, Toml};
    let schema: Schema =
        figment::Figment::from(Toml::string(text)).extract().map_err(|e| SchemaError(e.to_string()))?;
    schema.check()?;
    Ok(schema)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn the_shipped_schema_has_the_six_tables_each_with_a_learner() {
        let schema = Schema::school_record();
        let names: Vec<_> = schema.tables.keys().map(String::as_str).collect();
        assert_eq!(names, ["attendance", "awards", "enrolment", "grades", "learner", "notes"]);
        assert!(schema.tables.values().all(|table| table.key.contains(&table.learner)));
    }

    #[test]
    fn a_description_that_contradicts_itself_is_refused() {
        let cases = [
            ("", "tables"),
            ("[tables.t]\nlearner='l'\nkey=['l']\ncolumns={ m='text' }", "learner"),
            ("[tables.t]\nlearner='l'\nkey=['l']\ncolumns={ l='integer' }", "learner"),
            ("[tables.t]\nlearner='l'\nkey=[]\ncolumns={ l='text' }", "key"),
            ("[tables.t]\nlearner='l'\nkey=['k']\ncolumns={ l='text' }", "key"),
            ("[tables.T]\nlearner='l'\nkey=['l']\ncolumns={ l='text' }", "63"),
            ("[tables.pg_class]\nlearner='l'\nkey=['l']\ncolumns={ l='text' }", "reserved"),
            ("[tables.sillok_entries]\nlearner='l'\nkey=['l']\ncolumns={ l='text' }", "reserved"),
            ("[tables.t]\nlearner='l'\nkey=['l']\ncolumns={ l='text', ctid='text' }", "reserved"),
            ("[tables.t]\nlearner='l'\nkey=['l']\ncolumns={ l='money' }", "unknown variant"),
            ("functions=['pg_sleep']\n[tables.t]\nlearner='l'\nkey=['l']\ncolumns={ l='text' }", "pg_sleep"),
        ];
        for (text, says) in cases {
            let error = Schema::from_toml(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
