//! The rest of the production shape: Kafka for the events, Cassandra for the archive.

use std::{env, fs, path::PathBuf, sync::Arc};

use sillok_gateway::{
    archive::{self, CassandraSettings},
    config::Settings,
    events::{self, KafkaSettings},
};

use crate::{engine::skipped, nodes::Nodes, world::World};

impl World {
    /// From the next start on events go through Kafka and evidence to Cassandra, under names of this world's own. Without
    /// them nothing changes: a line says so.
    pub fn use_kafka_and_cassandra(&mut self) {
        match named("SILLOK_TEST_CASSANDRA") {
            Some(cassandra) if self.use_kafka() => {
                self.settings.archive = on_cassandra(&cassandra.join("cassandra/archive.toml"), &self.tag);
            }
            _ => skipped(
                "Kafka and Cassandra: SILLOK_TEST_KAFKA and SILLOK_TEST_CASSANDRA are not set; tests/run sets them",
            ),
        }
    }

    /// The same with Kafka alone; whether there is one.
    pub fn use_kafka(&mut self) -> bool {
        let Some(kafka) = named("SILLOK_TEST_KAFKA") else { return false };
        self.settings.events = on_kafka(&kafka.join("kafka"), &self.tag);
        true
    }
}

/// The broker, to be killed and started, where there is one.
pub fn kafka() -> Option<Arc<Nodes>> {
    Some(Arc::new(Nodes::new(named("SILLOK_TEST_KAFKA")?)))
}

/// The archive's nodes, likewise.
pub fn cassandra() -> Option<Arc<Nodes>> {
    Some(Arc::new(Nodes::new(named("SILLOK_TEST_CASSANDRA")?)))
}

fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from)
}

fn on_kafka(place: &std::path::Path, tag: &str) -> events::Settings {
    let url = fs::read_to_string(place.join("url")).unwrap();
    let kafka = KafkaSettings {
        brokers: vec![url.trim().to_owned()],
        prefix: format!("{tag}."),
        replication: 1,
        roots: Some(place.join("roots.pem")),
        certificate: Some(place.join("client.pem")),
        key: Some(place.join("client.key")),
        ..KafkaSettings::default()
    };
    events::Settings { engine: events::Engine::Kafka, kafka, ..events::Settings::default() }
}

fn on_cassandra(file: &std::path::Path, tag: &str) -> archive::Settings {
    let settings = Settings::read(Some(file)).unwrap().archive;
    let cassandra = CassandraSettings { keyspace: format!("scenario_{tag}"), ..settings.cassandra };
    archive::Settings { cassandra, ..settings }
}
