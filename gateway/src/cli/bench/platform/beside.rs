//! Kafka and Cassandra beside a network, where its scripts have brought them up, under names of the bench's own.

use std::{fs, path::Path};

use crate::{
    archive::{self, ArchiveEngine, CassandraArchive},
    cli::{Exit, Failure},
    config::Settings,
    events::{self, Engine, KafkaSettings, delete_topics},
};

/// What there is beside a network.
#[derive(Clone, Debug)]
pub(in crate::cli::bench) struct Beside {
    events: events::Settings,
    archive: archive::Settings,
}

impl Beside {
    /// What is up in a network's directory: as network/kafka.sh and network/cassandra.sh leave it there.
    pub(in crate::cli::bench) fn of(network: &Path, mark: &str) -> Result<Self, Failure> {
        let (kafka, cassandra) = (network.join("kafka"), network.join("cassandra/archive.toml"));
        let mut beside = Self { events: events::Settings::default(), archive: archive::Settings::default() };
        if let Ok(url) = fs::read_to_string(kafka.join("url")) {
            let kafka = KafkaSettings {
                brokers: vec![url.trim().to_owned()],
                prefix: format!("bench-{mark}."),
                replication: 1,
                roots: Some(kafka.join("roots.pem")),
                certificate: Some(kafka.join("client.pem")),
                key: Some(kafka.join("client.key")),
                ..KafkaSettings::default()
            };
            beside.events = events::Settings { engine: Engine::Kafka, kafka, ..beside.events };
        }
        if cassandra.exists() {
            let found =
                Settings::read(Some(&cassandra)).map_err(|error| Failure::config(error.to_string()))?;
            beside.archive = found.archive;
            beside.archive.cassandra.keyspace = format!("sillok_bench_{mark}");
        }
        Ok(beside)
    }

    /// What brings events and where evidence rests, for people.
    pub(in crate::cli::bench) fn name(&self) -> String {
        let events = match self.events.engine {
            Engine::Kafka => "Apache Kafka",
            Engine::Outbox => "the outbox",
        };
        let archive = match self.archive.engine {
            ArchiveEngine::Cassandra => "Apache Cassandra",
            ArchiveEngine::Records => "the records database",
        };
        format!("events by {events}, evidence in {archive}")
    }

    /// The broker, where there is one.
    pub(super) fn kafka(&self) -> Option<&events::Settings> {
        (self.events.engine == Engine::Kafka).then_some(&self.events)
    }

    /// The gateway's settings for it, as its environment names them.
    pub(in crate::cli::bench) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = Vec::new();
        if self.events.engine == Engine::Kafka {
            let kafka = &self.events.kafka;
            variables.extend([
                ("SILLOK_EVENTS__ENGINE", "kafka".to_owned()),
                ("SILLOK_EVENTS__KAFKA__BROKERS", list(&kafka.brokers)),
                ("SILLOK_EVENTS__KAFKA__PREFIX", text(&kafka.prefix)),
                ("SILLOK_EVENTS__KAFKA__REPLICATION", kafka.replication.to_string()),
            ]);
            let files = [
                ("SILLOK_EVENTS__KAFKA__ROOTS", &kafka.roots),
                ("SILLOK_EVENTS__KAFKA__CERTIFICATE", &kafka.certificate),
                ("SILLOK_EVENTS__KAFKA__KEY", &kafka.key),
            ];
            variables
                .extend(files.into_iter().filter_map(|(name, file)| Some((name, path(file.as_deref()?)))));
        }
        if self.archive.engine == ArchiveEngine::Cassandra {
            let cassandra = &self.archive.cassandra;
            variables.extend([
                ("SILLOK_ARCHIVE__ENGINE", "cassandra".to_owned()),
                ("SILLOK_ARCHIVE__CASSANDRA__NODES", list(&cassandra.nodes)),
                ("SILLOK_ARCHIVE__CASSANDRA__KEYSPACE", text(&cassandra.keyspace)),
                ("SILLOK_ARCHIVE__CASSANDRA__REPLICATION", cassandra.replication.to_string()),
            ]);
            let files = [
                ("SILLOK_ARCHIVE__CASSANDRA__ROOT_CERTIFICATES", &cassandra.root_certificates),
                ("SILLOK_ARCHIVE__CASSANDRA__CERTIFICATE", &cassandra.certificate),
                ("SILLOK_ARCHIVE__CASSANDRA__KEY", &cassandra.key),
            ];
            variables
                .extend(files.into_iter().filter_map(|(name, file)| Some((name, path(file.as_deref()?)))));
        }
        variables
    }

    /// Deletes what the bench has made there.
    pub(in crate::cli::bench) async fn forget(&self) -> Result<(), Failure> {
        let left = |what: &str, error: &dyn std::fmt::Display| {
            Failure::new(Exit::Unavailable, "bench.left", format!("{what}: {error}"))
        };
        if self.events.engine == Engine::Kafka {
            delete_topics(&self.events).await.map_err(|error| left("the bench's topics", &error))?;
        }
        if self.archive.engine == ArchiveEngine::Cassandra {
            let dropped = CassandraArchive::delete(&self.archive.cassandra).await;
            dropped.map_err(|error| left("the bench's keyspace", &error))?;
        }
        Ok(())
    }
}

/// What begins like a number is a text, too.
fn text(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

fn list(values: &[String]) -> String {
    serde_json::Value::from(values).to_string()
}

fn path(path: &Path) -> String {
    text(&path.display().to_string())
}
