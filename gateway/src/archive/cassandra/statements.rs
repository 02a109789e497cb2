//! What is said to Cassandra.

use scylla::{client::session::Session, errors::PrepareError, statement::prepared::PreparedStatement};

use super::{CassandraSettings, session::failure};
use crate::archive::{ArchiveError, Result, cassandra::session::setting};

/// The statements, prepared. Each may be sent again without doing more.
pub(super) struct Statements {
    pub(super) put: PreparedStatement,
    pub(super) get: PreparedStatement,
    pub(super) page: PreparedStatement,
    pub(super) rewrap: PreparedStatement,
}

impl Statements {
    pub(super) async fn prepare(session: &Session, keyspace: &str) -> Result<Self> {
        let prepare = async |sql: String| {
            let mut statement = session.prepare(sql).await.map_err(|error| not_prepared(&error))?;
            statement.set_is_idempotent(true);
            Ok::<_, ArchiveError>(statement)
        };
        let table = format!("{keyspace}.archive");
        Ok(Self {
            put: prepare(format!(
                "INSERT INTO {table} (id, office_key, wrapped_key, nonce, ciphertext, created_at)
                 VALUES (?, ?, ?, ?, ?, ?) IF NOT EXISTS"
            ))
            .await?,
            get: prepare(format!(
                "SELECT office_key, wrapped_key, nonce, ciphertext, created_at FROM {table} WHERE id = ?"
            ))
            .await?,
            page: prepare(format!(
                "SELECT token(id), id, office_key, wrapped_key FROM {table} WHERE token(id) > ? LIMIT ?"
            ))
            .await?,
            rewrap: prepare(format!(
                "UPDATE {table} SET office_key = ?, wrapped_key = ? WHERE id = ? IF wrapped_key = ?"
            ))
            .await?,
        })
    }
}

fn not_prepared(error: &PrepareError) -> ArchiveError {
    ArchiveError::Unavailable(format!("a statement was not prepared: {error}"))
}

/// A name that can stand in a statement as it is.
fn check_name(keyspace: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !keyspace.starts_with(|first: char| first.is_ascii_lowercase()) || !keyspace.bytes().all(plain) {
        return Err(setting("keyspace: a name is lower-case letters, digits and '_', the first a letter"));
    }
    Ok(())
}

/// Drops a keyspace, where there is one.
pub(super) async fn drop_keyspace(session: &Session, keyspace: &str) -> Result<()> {
    check_name(keyspace)?;
    let drop = format!("DROP KEYSPACE IF EXISTS {keyspace}");
    session.query_unpaged(drop, ()).await.map_err(|error| failure(&error))?;
    Ok(())
}

/// Makes keyspace and table, unless they are there. Ciphertext does not shrink, so Cassandra need not try.
pub(super) async fn make_tables(session: &Session, settings: &CassandraSettings) -> Result<()> {
    let CassandraSettings { keyspace, replication, .. } = settings;
    check_name(keyspace)?;
    if session.get_cluster_state().get_keyspace(keyspace).is_some_and(|it| it.tables.contains_key("archive"))
    {
        return Ok(());
    }
    for sql in [
        format!(
            "CREATE KEYSPACE IF NOT EXISTS {keyspace}
             WITH replication = {{'class': 'NetworkTopologyStrategy', 'replication_factor': {replication}}}"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {keyspace}.archive (
                id blob PRIMARY KEY, office_key text, wrapped_key blob, nonce blob, ciphertext blob, created_at bigint
             ) WITH compression = {{'enabled': false}}"
        ),
    ] {
        session.query_unpaged(sql, ()).await.map_err(|error| failure(&error))?;
    }
    Ok(())
}
