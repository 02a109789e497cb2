//! The configuration's section `events`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::KafkaSettings;

/// How events go from the services that tell them to those that handle them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What brings them: "outbox", where every service reads them from the records database, or "kafka".
    #[schema(value_type = String)]
    pub engine: Engine,
    /// The `source` of the events: a URI reference, the same at all gateways on one database and no others.
    pub source: String,
    /// For how many days events are kept that every group has handled. With Kafka, its topics are made so, too.
    pub keep_days: u32,
    /// How often the outbox is looked into for what other processes wrote, in milliseconds.
    pub poll_ms: u64,
    /// For how long a service's share of the events is its own after it was last heard of, in milliseconds: so long the
    /// events of one that was killed wait. With Kafka, its session.
    pub lease_ms: u64,
    /// How many events a service takes at once, at most.
    pub batch: u32,
    /// How often an event is tried that cannot be handled, before it is put aside as a dead letter.
    pub tries: u32,
    /// The least wait between attempts, in milliseconds; it doubles with each.
    pub retry_min_ms: u64,
    /// The longest wait between attempts, in milliseconds.
    pub retry_max_ms: u64,
    /// Where Kafka is, for the engine "kafka".
    pub kafka: KafkaSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            engine: Engine::Outbox,
            source: "/sillok".to_owned(),
            keep_days: 7,
            poll_ms: 250,
            lease_ms: 10_000,
            batch: 100,
            tries: 5,
            retry_min_ms: 50,
            retry_max_ms: 5_000,
            kafka: KafkaSettings::default(),
        }
    }
}

/// What brings events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// The outbox, read in process.
    #[default]
    Outbox,
    /// Apache Kafka.
    Kafka,
}

impl Settings {
    /// Refuses what cannot work; names the field and says why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let ranges = [
            ("keep_days", self.keep_days.into(), 1, 36_525),
            ("poll_ms", self.poll_ms, 1, 60_000),
            ("lease_ms", self.lease_ms, 300, 300_000),
            ("batch", self.batch.into(), 1, 10_000),
            ("tries", self.tries.into(), 1, 1_000),
            ("retry_min_ms", self.retry_min_ms, 1, self.retry_max_ms),
        ];
        match ranges.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value)) {
            Some((key, _, least, most)) => Err((key, format!("must be {least} to {most}"))),
            None if self.source.is_empty() || self.source.chars().any(char::is_whitespace) => {
                Err(("source", "must be a URI reference, such as /sillok".to_owned()))
            }
            None if self.engine == Engine::Kafka => self.kafka.check(),
            None => Ok(()),
        }
    }
}
