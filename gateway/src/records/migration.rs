//! Migrations: what a database's tables become, step by step. Each is applied once, in one transaction with the note of
//! it, under a lock of the database; so gateways that start at once wait for each other.
//!
//! Our own few lines, and not a crate's: refinery takes no such lock, and reads what is applied before the transaction in
//! which it applies the rest.

use std::path::Path;

use sillok_contract::digest::sha256;

use super::{RecordsError, Result};

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Migration {
    /// Which sequence of steps it is of: Sillok's own, or the schema's.
    pub(super) set: &'static str,
    /// Its name; steps are applied in the order of their names.
    pub(super) name: String,
    /// Its SQL.
    pub(super) sql: String,
}

impl Migration {
    /// Of Sillok's own tables.
    pub(super) fn own(name: &str, sql: &str) -> Self {
        Self { set: "sillok", name: name.to_owned(), sql: sql.to_owned() }
    }

    /// Of the schema's tables.
    pub(super) fn of_schema(name: &str, sql: &str) -> Self {
        Self { set: "schema", name: name.to_owned(), sql: sql.to_owned() }
    }

    /// Which text it was.
    pub(super) fn checksum(&self) -> String {
        hex::encode(sha256(&[self.sql.as_bytes()]))
    }

    /// Whether it is still to be applied, where `applied` is the checksum noted for it.
    pub(super) fn is_due(&self, applied: Option<&str>) -> Result<bool> {
        match applied {
            None => Ok(true),
            Some(noted) if noted == self.checksum() => Ok(false),
            Some(_) => Err(RecordsError::Corrupt(format!(
                "migration {} was applied with another text; add a new one instead of changing it",
                self.name
            ))),
        }
    }
}

/// All `*.sql` files of a folder, in the order of their names.
pub(super) fn of_folder(folder: &Path) -> std::io::Result<Vec<Migration>> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        if let Some(name) = path.file_stem().and_then(|name| name.to_str())
            && path.extension().is_some_and(|extension| extension == "sql")
        {
            found.push(Migration::of_schema(name, &std::fs::read_to_string(&path)?));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}
