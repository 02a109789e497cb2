//! The gateway's configuration: one TOML file, one section a concern, each field's documentation its reference.
//!
//! Every field has a default; together the defaults run the embedded engines under [`Settings::data`], on loopback.
//! `SILLOK_SECTION__FIELD` in the environment overrides a field of the file, such as `SILLOK_LISTEN__REST`;
//! `SILLOK_DATA` overrides `data`. Keys that nobody knows are refused.

mod error;
mod ledger;
mod limits;
mod listen;
mod log;
mod reference;
mod tls;

use std::path::{Path, PathBuf};

use figment::{
    Figment,
    providers::{Env, Format as _, Toml},
};
use serde::{Deserialize, Serialize};

pub use error::ConfigError;
pub use ledger::{Ledger, LedgerEngine};
pub use limits::Limits;
pub use listen::{Listen, Metrics, Plaintext};
pub use log::{Log, LogFormat};
pub use tls::{ClientCertificates, Tls};

use crate::{archive, events, keys::held, monitor, records, service};

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The directory of the embedded engines' files. Made if it is not there, for its owner alone.
    pub data: PathBuf,
    /// Where the gateway listens, and how it stops.
    pub listen: Listen,
    /// TLS, for both ports.
    pub tls: Tls,
    /// What a caller may use.
    pub limits: Limits,
    /// What is logged, and how.
    pub log: Log,
    /// The records database.
    pub records: records::Settings,
    /// The archive of signatures.
    pub archive: archive::Settings,
    /// Keys that the office holds for signers.
    pub held: held::Settings,
    /// The ledger.
    pub ledger: Ledger,
    /// The service and its batcher.
    pub service: service::Settings,
    /// How services tell each other what happened.
    pub events: events::Settings,
    /// The rules over the events.
    pub monitor: monitor::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: "sillok-data".into(),
            listen: Listen::default(),
            tls: Tls::default(),
            limits: Limits::default(),
            log: Log::default(),
            records: records::Settings::default(),
            archive: archive::Settings::default(),
            held: held::Settings::default(),
            ledger: Ledger::default(),
            service: service::Settings::default(),
            events: events::Settings::default(),
            monitor: monitor::Settings::default(),
        }
    }
}

impl Settings {
    /// Reads the file, if one is named, and what the environment overrides; checks that the fields agree.
    pub fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut sources = Figment::new();
        if let Some(file) = file {
            let text = std::fs::read_to_string(file).map_err(|error| {
                ConfigError::new(file.display().to_string(), format!("not readable: {error}"))
            })?;
            sources = sources.merge(Toml::string(&text));
        }
        let settings: Self = sources.merge(environment()).extract()?;
        settings.check()?;
        Ok(settings)
    }

    /// Every key with its documentation and default, as a TOML file that changes nothing.
    pub fn reference() -> String {
        reference::of_defaults()
    }

    /// The section `records`; a database that is not named is a file under `data`.
    pub fn records(&self) -> records::Settings {
        let mut settings = self.records.clone();
        if settings.url == records::Settings::default().url {
            settings.url = format!("sqlite:{}", self.data.join("records.db").display());
        }
        settings
    }

    /// The file of the embedded ledger.
    pub fn ledger_file(&self) -> PathBuf {
        self.data.join("ledger.redb")
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.tls.check()?;
        self.limits.check()?;
        self.log.check()?;
        let of_service =
            |(field, reason): (&str, String)| ConfigError::new(format!("service.{field}"), reason);
        self.service.check().map_err(of_service)?;
        let of_events = |(field, reason): (&str, String)| ConfigError::new(format!("events.{field}"), reason);
        self.events.check().map_err(of_events)?;
        let of_monitor =
            |(field, reason): (&str, String)| ConfigError::new(format!("monitor.{field}"), reason);
        self.monitor.check().map_err(of_monitor)?;
        self.listen.check(&self.tls)
    }
}

/// Fields of sections hold `__`; other variables that begin with `SILLOK_` are not fields.
fn environment() -> Env {
    Env::prefixed("SILLOK_").filter(|name| name == "data" || name.as_str().contains("__")).split("__")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use std::fs;

    use super::*;

    fn read(text: &str) -> Result<Settings, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("sillok.toml");
        fs::write(&file, text).unwrap();
        Settings::read(Some(&file))
    }

    #[test]
    fn an_empty_file_gives_the_defaults() {
        assert_eq!(read("").unwrap(), Settings::default());
    }

    #[test]
    fn the_reference_is_a_file_that_gives_the_defaults() {
        let uncommented = Settings::reference()
            .lines()
            .filter_map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).or(Some(line)))
            .collect::<Vec<_>>()
            .join("\n");
        assert_eq!(read(&Settings::reference()).unwrap(), Settings::default());
        assert!(uncommented.contains("rest = \"127.0.0.1:8080\""), "{uncommented}");
    }

    #[test]
    fn a_wrong_key_is_named_in_one_line() {
        for (text, key) in [
            ("[listen]\nrset = \"127.0.0.1:0\"", "listen.rset"),
            ("[listen]\nrest = \"nowhere\"", "listen.rest"),
            ("[lisen]\nrest = \"127.0.0.1:0\"", "lisen"),
            ("[limits]\nbody_bytes = -1", "limits.body_bytes"),
            ("[limits]\nbody_bytes = 0", "limits.body_bytes"),
            ("[log]\nfilter = \"a=b=c\"", "log.filter"),
            ("[listen]\norigins = [\"*\"]", "listen.origins"),
            ("[listen]\norigins = [\"https://sign.example/\"]", "listen.origins"),
            ("[listen]\nrest = \"0.0.0.0:8080\"", "listen.rest"),
            ("[listen]\ngrpc = \"0.0.0.0:8080\"", "listen.grpc"),
            ("[listen]\nplaintext = \"never\"", "tls.certificate"),
            ("[ledger]\nengine = \"paper\"", "ledger.engine"),
            ("[archive]\nengine = \"paper\"", "archive.engine"),
            ("[archive.cassandra]\nnode = \"a\"", "archive.cassandra.node"),
            ("[held.pkcs11]\npin = \"1234\"", "held.pkcs11.pin"),
            ("[service.requests]\nmax_queries = 0", "service.requests.max_queries"),
            ("[events]\nengine = \"pigeon\"", "events.engine"),
            ("[events]\nlease_ms = 1", "events.lease_ms"),
            ("[events]\nengine = \"kafka\"", "events.kafka.brokers"),
            (
                "[events]\nengine = \"kafka\"\n[events.kafka]\nbrokers = [\"k.example:9092\"]",
                "events.kafka.roots",
            ),
            ("[monitor]\ngroup = \"a b\"", "monitor.group"),
            ("[monitor.hours]\nto_hour = 25", "monitor.hours.to_hour"),
            ("[tls]\ncertificate = \"x.pem\"", "tls.key"),
            ("[tls]\nclient_certificates = \"required\"", "tls.certificate"),
            ("[tls]\ncertificate = \"x\"\nkey = \"y\"\nclient_certificates = \"optional\"", "tls.client_ca"),
            ("[tls]\ncertificate = \"x\"\nkey = \"y\"\nclient_revocations = \"z\"", "tls.client_ca"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.key, key, "{error}");
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn what_is_no_toml_is_told_in_one_line() {
        let told = read("[listen").unwrap_err().to_string();
        assert!(told.lines().count() == 1 && told.contains("line 1"), "{told}");
    }

    #[test]
    fn no_password_is_told() {
        let url = "postgres://sillok:hidden@db/records";
        for text in [
            format!("[records]\nurl = \"{url}"),
            format!("[records]\nurl = {url}"),
            format!("records = \"{url}\""),
            format!("[records]\nrows = \"{url}\""),
            format!("[records]\nurl = [\"{url}\"]"),
        ] {
            let told = read(&text).unwrap_err().to_string();
            assert!(!told.contains("hidden"), "{told}");
        }
    }
}
