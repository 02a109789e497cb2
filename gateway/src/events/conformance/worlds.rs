//! Buses to test on.

use super::World;
use crate::{
    events::{Settings, open},
    records::{
        self,
        conformance::engines::{Database, database, sqlite_settings},
    },
};

/// Impatient, so that a test that waits for a lease is short.
fn settings() -> Settings {
    Settings {
        poll_ms: 20,
        lease_ms: 1_000,
        batch: 10,
        tries: 3,
        retry_min_ms: 5,
        retry_max_ms: 50,
        ..Settings::default()
    }
}

async fn world(records: &records::Settings) -> World {
    let records = records::open(records).await.unwrap();
    let settings = settings();
    let bus = open(&settings, records.clone()).unwrap();
    World { records, bus, settings }
}

/// The outbox on SQLite.
pub(super) async fn sqlite() -> (World, tempfile::TempDir) {
    let (records, directory) = sqlite_settings();
    (world(&records).await, directory)
}

/// The outbox on PostgreSQL.
pub(super) async fn postgres() -> Option<(World, Database)> {
    let database = database().await?;
    Some((world(&database.settings()).await, database))
}
