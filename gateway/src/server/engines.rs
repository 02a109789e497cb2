//! Opening the engines that the configuration names.

use std::{fs, io, os::unix::fs::DirBuilderExt as _, path::Path, sync::Arc};

use crate::{
    clock,
    config::{ConfigError, LedgerEngine, Settings},
    ledger::{
        Ledger,
        embedded::{self, Embedded},
        fabric::{ConnectError, Fabric},
    },
    records::{self, policy::Policy},
    service::{Parts, system_clock},
};

/// Why the gateway could not be built.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong: which key, and why.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The directory of the embedded engines cannot be made.
    #[error("data: {0}")]
    Data(io::Error),
    /// The records database could not be opened.
    #[error(transparent)]
    Records(#[from] records::OpenError),
    /// The embedded ledger could not be opened.
    #[error(transparent)]
    Embedded(#[from] embedded::OpenError),
    /// Fabric's settings cannot be used.
    #[error("ledger.fabric: {0}")]
    Fabric(#[from] ConnectError),
}

/// The opened engines.
#[derive(Clone)]
pub struct Engines {
    /// What a service rests on.
    pub parts: Parts,
    /// The embedded ledger, where it is the engine.
    pub embedded: Option<Embedded>,
}

impl Engines {
    /// Opens the records database and the ledger; makes the embedded ones if they are not there.
    pub async fn open(settings: &Settings) -> Result<Self, StartError> {
        let of_records = settings.records();
        if settings.ledger.engine == LedgerEngine::Embedded || of_records.url.starts_with("sqlite:") {
            make_directory(&settings.data).map_err(StartError::Data)?;
        }
        let embedded = match settings.ledger.engine {
            LedgerEngine::Embedded => Some(Embedded::open(settings.ledger_file(), clock::now)?),
            LedgerEngine::Fabric => None,
        };
        let ledger: Arc<dyn Ledger> = match &embedded {
            Some(embedded) => Arc::new(embedded.clone()),
            None => Arc::new(Fabric::connect(&settings.ledger.fabric)?),
        };
        let policy = Arc::new(Policy::new(of_records.schema()?, of_records.statement.clone()));
        let records = records::open(&of_records).await?;
        warn_of_embedded(embedded.is_some(), of_records.url.starts_with("sqlite:"));
        Ok(Self { parts: Parts { records, ledger, policy, clock: system_clock() }, embedded })
    }
}

fn warn_of_embedded(ledger: bool, records: bool) {
    if ledger {
        tracing::warn!(
            "the ledger is embedded: for trying, developing and testing; one process, no second office"
        );
    }
    if records {
        tracing::warn!("the records database is SQLite, embedded: for trying, developing and testing");
    }
}

/// A directory for its owner alone, with those above it.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
