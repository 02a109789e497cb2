//! Fresh databases to test on.

use std::env;

use super::Office;
use crate::records::{KeptBatch, Settings, Witness, open};

/// Settings of a new SQLite database.
pub(crate) fn sqlite_settings() -> (Settings, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("records.db").display());
    (
        Settings {
            url,
            rows: 50,
            result_bytes: 1_000_000,
            statement_ms: 2_000,
            connections: 4,
            ..Settings::default()
        },
        directory,
    )
}

/// A new SQLite database.
pub(super) async fn sqlite() -> (Office, tempfile::TempDir) {
    let (settings, directory) = sqlite_settings();
    (Office::new(open(&settings).await.unwrap()), directory)
}

/// A PostgreSQL database of this test's own.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    async fn on_server(&self, sql: &str) {
        let (client, connection) =
            tokio_postgres::connect(&self.server, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
    }

    pub(crate) fn settings(&self) -> Settings {
        let (server, _) = self.server.rsplit_once('/').expect("the server's URL names a database");
        let url = format!("{server}/{}", self.name);
        Settings {
            url,
            rows: 50,
            result_bytes: 1_000_000,
            statement_ms: 2_000,
            connections: 8,
            ..Settings::default()
        }
    }

    /// A connection of somebody who is no gateway.
    pub(super) async fn client(&self) -> tokio_postgres::Client {
        let (client, connection) =
            tokio_postgres::connect(&self.settings().url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// For a moment somebody may still hear its replication slot, or vacuum it.
    pub(crate) async fn drop(self) {
        let (client, connection) =
            tokio_postgres::connect(&self.server, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let mut tries = 0..100;
        while let Err(error) =
            client.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await
        {
            tries.next().unwrap_or_else(|| panic!("{} is not dropped: {error}", self.name));
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
}

/// A new database on the server that `SILLOK_TEST_POSTGRES` names, if it names one.
pub(crate) async fn database() -> Option<Database> {
    let Ok(server) = env::var("SILLOK_TEST_POSTGRES") else {
        println!("SKIPPED on PostgreSQL: SILLOK_TEST_POSTGRES does not name a server");
        return None;
    };
    let database = Database { server, name: format!("sillok_{:x}", rand::random::<u64>()) };
    // Another collation than the tables have, as in an office.
    database
        .on_server(&format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", database.name))
        .await;
    Some(database)
}

/// A new database, opened.
pub(super) async fn postgres() -> Option<(Office, Database)> {
    let database = database().await?;
    let records = open(&database.settings()).await.unwrap();
    Some((Office::new(records), database))
}

/// A ledger with the batches whose headers say so, and every receipt fits that is not a forger's.
pub(in crate::records) struct Ledgers;

#[async_trait::async_trait]
impl Witness for Ledgers {
    fn fits(&self, batch: &KeptBatch) -> bool {
        batch.receipt.as_deref() != Some(b"forged") && batch.header != b"forged"
    }

    async fn has(&self, batch: &KeptBatch) -> bool {
        batch.header == b"recorded"
    }
}
