//! PostgreSQL's errors, by their SQLSTATE, as this program's.

use deadpool_postgres::PoolError;
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::records::RecordsError;

/// Why it failed, and whether the same transaction may succeed at once.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: RecordsError,
    pub(super) again: bool,
}

/// Short for this module's results.
pub(super) type Done<T> = Result<T, Failure>;

impl From<RecordsError> for Failure {
    fn from(error: RecordsError) -> Self {
        Self { error, again: false }
    }
}

impl From<Failure> for RecordsError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<tokio_postgres::Error> for Failure {
    /// Of something of ours: not the caller's.
    fn from(error: tokio_postgres::Error) -> Self {
        let again = error.code().is_some_and(|code| code.code().starts_with("40"));
        let reason = match error.as_db_error() {
            Some(error) => format!("{} ({})", error.message(), error.code().code()),
            None => error.to_string(),
        };
        Self { error: RecordsError::Unavailable(reason), again }
    }
}

/// Of a commit. An error that ended the transaction alone undid it; where the connection was lost, or the server is going
/// down, it may have been committed before.
pub(super) fn of_commit(error: tokio_postgres::Error) -> Failure {
    let undone = error.as_db_error().and_then(DbError::parsed_severity) == Some(Severity::Error);
    match Failure::from(error) {
        Failure { error: RecordsError::Unavailable(reason), .. } if !undone => {
            RecordsError::InDoubt(reason).into()
        }
        failure => failure,
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(_) => {
                RecordsError::Unavailable("all its connections are in use".to_owned()).into()
            }
            other => RecordsError::Unavailable(other.to_string()).into(),
        }
    }
}

/// A failure of the caller's statement, or of the database at it.
pub(super) fn of_statement(error: tokio_postgres::Error, query: u32, limit_ms: u64) -> Failure {
    match error.as_db_error() {
        Some(refusal) if *refusal.code() == SqlState::QUERY_CANCELED => {
            RecordsError::TimedOut(limit_ms).into()
        }
        Some(refusal) if is_the_statements(refusal.code()) => {
            RecordsError::Statement { query, reason: reason(refusal) }.into()
        }
        _ => error.into(),
    }
}

/// Whether the statement is to blame: cardinality, data, constraints, syntax and access, features, size.
fn is_the_statements(code: &SqlState) -> bool {
    ["21", "22", "23", "42", "0A", "54"].iter().any(|class| code.code().starts_with(class))
}

/// What PostgreSQL says, without its DETAIL: that shows the row.
fn reason(refusal: &DbError) -> String {
    match (refusal.code().code().starts_with("23"), refusal.constraint(), refusal.column()) {
        (true, Some(constraint), _) => format!("the constraint {constraint} does not hold"),
        (true, None, Some(column)) => format!("the column {column} must not be NULL"),
        _ => refusal.message().to_owned(),
    }
}
