//! Fresh archives to test on.

use std::sync::Arc;

use super::{Office, cassandra::Nodes};
use crate::{
    archive::{CassandraArchive, TableArchive},
    records::{
        conformance::engines::{Database, database, sqlite_settings},
        open,
    },
};

/// A table of a new SQLite database.
pub(super) async fn sqlite() -> (Office, tempfile::TempDir) {
    let (settings, directory) = sqlite_settings();
    (Office::new(Arc::new(TableArchive::new(open(&settings).await.unwrap()))), directory)
}

/// A table of a new PostgreSQL database.
pub(super) async fn postgres() -> Option<(Office, Database)> {
    let database = database().await?;
    let records = open(&database.settings()).await.unwrap();
    Some((Office::new(Arc::new(TableArchive::new(records))), database))
}

/// A new keyspace in Cassandra.
pub(super) async fn cassandra() -> Option<(Office, Nodes)> {
    let nodes = Nodes::of_environment().await?;
    let archive = CassandraArchive::open(&nodes.settings).await.unwrap();
    Some((Office::new(Arc::new(archive)), nodes))
}
