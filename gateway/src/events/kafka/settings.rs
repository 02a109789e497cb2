//! The configuration's section `events.kafka`.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{events::BusError, records::MAX_DATA};

/// The longest message: an event's data, and what is around it.
const MESSAGE: usize = MAX_DATA + 64 * 1024;
/// How long the broker may take to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// Where Kafka is and who we are to it. With `roots` TLS is spoken, and without it plaintext, on this machine alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KafkaSettings {
    /// Some of the brokers, as "host:port"; they tell of the others.
    pub brokers: Vec<String>,
    /// What the names of topics and groups begin with, where others use the same brokers.
    pub prefix: String,
    /// How many partitions topics get that are not there yet: so many of a group work at once, at most.
    pub partitions: u16,
    /// How many brokers hold each message, of topics that are not there yet. From three on, two must have it before it
    /// counts.
    pub replication: u16,
    /// File (PEM) of the certificates that the brokers' have to lead to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub roots: Option<PathBuf>,
    /// File (PEM) of the certificate that is shown to the brokers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub certificate: Option<PathBuf>,
    /// File (PEM, PKCS#8) of its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub key: Option<PathBuf>,
}

impl Default for KafkaSettings {
    fn default() -> Self {
        Self {
            brokers: Vec::new(),
            prefix: String::new(),
            partitions: 12,
            replication: 3,
            roots: None,
            certificate: None,
            key: None,
        }
    }
}

impl KafkaSettings {
    /// Refuses what cannot work; names the field and says why.
    pub(in crate::events) fn check(&self) -> Result<(), (&'static str, String)> {
        let refused = |field, reason: &str| Err((field, reason.to_owned()));
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        match self {
            _ if self.brokers.is_empty() => refused("kafka.brokers", "name one at least"),
            _ if self.partitions == 0 => refused("kafka.partitions", "must be 1 at least"),
            _ if self.replication == 0 => refused("kafka.replication", "must be 1 at least"),
            _ if self.prefix.len() > 128 || !self.prefix.bytes().all(allowed) => {
                refused("kafka.prefix", "is at most 128 letters, digits, '.', '_' or '-'")
            }
            _ if self.certificate.is_some() != self.key.is_some() => {
                refused("kafka.key", "a certificate needs its key, and a key its certificate")
            }
            _ if self.certificate.is_some() && self.roots.is_none() => {
                refused("kafka.roots", "a certificate is shown over TLS, which needs them")
            }
            _ if self.roots.is_none() && !self.brokers.iter().all(|broker| is_this_machine(broker)) => {
                refused("kafka.roots", "TLS to another machine needs them")
            }
            _ => Ok(()),
        }
    }

    /// What every client is configured with.
    pub(in crate::events) fn client(&self) -> Result<ClientConfig, BusError> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.brokers.join(","))
            .set("client.id", "sillok")
            .set("message.max.bytes", MESSAGE.to_string())
            .set("reconnect.backoff.max.ms", "2000")
            .set("security.protocol", if self.roots.is_some() { "ssl" } else { "plaintext" });
        for (key, file, field) in [
            ("ssl.ca.location", &self.roots, "roots"),
            ("ssl.certificate.location", &self.certificate, "certificate"),
            ("ssl.key.location", &self.key, "key"),
        ] {
            let Some(file) = file else { continue };
            let wrong =
                |reason: &str| BusError::Setting(format!("kafka.{field}: {}: {reason}", file.display()));
            std::fs::metadata(file).map_err(|error| wrong(&error.to_string()))?;
            config.set(key, file.to_str().ok_or_else(|| wrong("the name is no text"))?);
        }
        Ok(config)
    }

    /// A topic's or group's name there.
    pub(crate) fn name(&self, of: &str) -> String {
        format!("{}{of}", self.prefix)
    }
}

fn is_this_machine(broker: &str) -> bool {
    let host = broker.rsplit_once(':').map_or(broker, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The longest message a topic takes.
pub(super) fn longest() -> String {
    MESSAGE.to_string()
}
