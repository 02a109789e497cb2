//! Connections: how they are opened, and their tables brought up to date.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

use rusqlite::{
    Connection, ErrorCode, OptionalExtension, TransactionBehavior, config::DbConfig, limits::Limit, params,
};

use crate::records::{RecordsError, Result, migration::Migration, schema::Schema};

/// Bytes of a pattern of LIKE: matching takes the pattern's length times the text's, and cannot be interrupted.
const PATTERN: i32 = 1_000;

/// Makes the file if it is not there, for nobody else to read. SQLite gives the files beside it the same mode.
pub(super) fn make(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(drop)
}

/// A connection that is durable, minds the case in LIKE as PostgreSQL does, and takes no name for a string.
pub(super) fn open(path: &Path, wait: Duration) -> Result<Connection> {
    let connection = Connection::open(path).map_err(away)?;
    let set_up = || {
        connection.busy_timeout(wait)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What is erased is overwritten in the file.
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update(None, "case_sensitive_like", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN)?;
        connection.set_prepared_statement_cache_capacity(128);
        Ok(())
    };
    set_up().map_err(away)?;
    Ok(connection)
}

/// Applies what is due, all in one transaction.
pub(super) fn migrate(connection: &mut Connection, migrations: &[Migration]) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(away)?;
    transaction
        .execute_batch(
            "CREATE TABLE IF NOT EXISTS sillok_migrations (
                family TEXT NOT NULL, name TEXT NOT NULL, checksum TEXT NOT NULL,
                applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (family, name)
            ) STRICT",
        )
        .map_err(away)?;
    for migration in migrations {
        let applied: Option<String> = transaction
            .query_row(
                "SELECT checksum FROM sillok_migrations WHERE family = ?1 AND name = ?2",
                params![migration.set, migration.name],
                |row| row.get(0),
            )
            .optional()
            .map_err(away)?;
        if migration.is_due(applied.as_deref())? {
            let apply = || {
                transaction.execute_batch(&migration.sql)?;
                transaction.execute(
                    "INSERT INTO sillok_migrations (family, name, checksum) VALUES (?1, ?2, ?3)",
                    params![migration.set, migration.name, migration.checksum()],
                )
            };
            apply()
                .map_err(|error| RecordsError::Corrupt(format!("migration {}: {error}", migration.name)))?;
        }
    }
    transaction.commit().map_err(away)
}

/// Looks whether the protected tables are there, with their columns.
pub(super) fn check(connection: &Connection, schema: &Schema) -> Result<()> {
    for (sql, table) in schema.probes() {
        connection
            .prepare(&sql)
            .map_err(|error| RecordsError::Corrupt(format!("the protected table {table}: {error}")))?;
    }
    Ok(())
}

/// A failure of something of ours: not the caller's.
pub(super) fn away(error: rusqlite::Error) -> RecordsError {
    use rusqlite::Error;
    match error {
        Error::FromSqlConversionFailure(..)
        | Error::InvalidColumnType(..)
        | Error::IntegralValueOutOfRange(..) => RecordsError::Corrupt(error.to_string()),
        _ => RecordsError::Unavailable(error.to_string()),
    }
}

/// A failure of the caller's statement, or of the database at it. SQLite's messages name tables, columns and
/// constraints, never values.
pub(super) fn of_statement(error: rusqlite::Error, query: u32, limit_ms: u64) -> RecordsError {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => RecordsError::TimedOut(limit_ms),
        Some(
            ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig | ErrorCode::Unknown,
        ) => {
            let reason = match error {
                rusqlite::Error::SqliteFailure(_, Some(reason)) => reason,
                rusqlite::Error::SqlInputError { msg, .. } => msg,
                other => other.to_string(),
            };
            RecordsError::Statement { query, reason }
        }
        _ => away(error),
    }
}
