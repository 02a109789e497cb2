//! Buses to test on.

use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::{Running, World};
use crate::{
    events::{Engine, KafkaSettings, Settings, open, relay},
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

/// Kafka, with topics and groups of this world's own, and the relay that brings it the outbox of a SQLite database.
pub(super) async fn kafka() -> Option<(World, Running, tempfile::TempDir)> {
    let Ok(network) = std::env::var("SILLOK_TEST_KAFKA") else {
        println!("SKIPPED on Kafka: SILLOK_TEST_KAFKA does not name a network's directory");
        return None;
    };
    Some(on_broker(&PathBuf::from(network).join("kafka")).await)
}

/// The same on the broker that is described there.
pub(super) async fn on_broker(place: &Path) -> (World, Running, tempfile::TempDir) {
    let url = std::fs::read_to_string(place.join("url")).unwrap();
    let kafka = KafkaSettings {
        brokers: vec![url.trim().to_owned()],
        prefix: format!("test-{:x}.", rand::random::<u64>()),
        partitions: 4,
        replication: 1,
        roots: Some(place.join("roots.pem")),
        certificate: Some(place.join("client.pem")),
        key: Some(place.join("client.key")),
    };
    let settings = Settings { engine: Engine::Kafka, kafka, ..settings() };
    let (records, directory) = sqlite_settings();
    let records = records::open(&records).await.unwrap();
    let bus = open(&settings, records.clone()).unwrap();
    let shutdown = CancellationToken::new();
    let (until, of, what) = (shutdown.clone(), settings.clone(), records.clone());
    let task = tokio::spawn(async move { relay(&of, what, &until).await });
    (World { records, bus, settings }, Running { task, shutdown }, directory)
}

/// The outbox on PostgreSQL.
pub(super) async fn postgres() -> Option<(World, Database)> {
    let database = database().await?;
    Some((world(&database.settings()).await, database))
}
