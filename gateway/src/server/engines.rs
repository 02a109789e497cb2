//! Opening the engines that the configuration names.

use std::{fs, io, os::unix::fs::DirBuilderExt as _, path::Path, sync::Arc};

use crate::{
    archive::{ArchiveError, Vault, open_vault},
    clock,
    config::{ConfigError, LedgerEngine, Settings},
    events::{self, BusError},
    keys::held::{self, HeldError, HeldKeys, LazyKeys},
    ledger::{
        Ledger,
        embedded::{self, Embedded},
        fabric::{ConnectError, Fabric},
    },
    records::{self, Records, policy::Policy},
    service::{Parts, Role, Roles, system_clock},
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
    /// What brings events could not be opened.
    #[error(transparent)]
    Events(#[from] BusError),
    /// The archive of signatures could not be opened.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The keys that the office holds could not be opened.
    #[error(transparent)]
    Held(#[from] HeldError),
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
        Self::open_for(settings, &Roles::all()).await
    }

    /// The same, as far as these roles need it.
    pub async fn open_for(settings: &Settings, roles: &Roles) -> Result<Self, StartError> {
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
        let records = match roles.has(Role::Api) {
            true => records::open(&of_records).await?,
            false => records::open_for_events(&of_records).await?,
        };
        let bus = events::open(&settings.events, records.clone())?;
        let vault = match roles.open_archive() {
            true => Some(vault(settings, &records).await?),
            false => None,
        };
        warn_of_embedded(embedded.is_some(), of_records.url.starts_with("sqlite:"));
        let (events, monitor) = (settings.events.clone(), settings.monitor.clone());
        let held = Arc::new(LazyKeys::new(&settings.held, &settings.data));
        let parts =
            Parts { records, ledger, bus, events, monitor, vault, held, policy, clock: system_clock() };
        Ok(Self { parts, embedded })
    }
}

async fn vault(settings: &Settings, records: &Arc<dyn Records>) -> Result<Vault, StartError> {
    if settings.archive.keys.is_none() && settings.ledger.engine != LedgerEngine::Embedded {
        tracing::warn!(
            "the keys of the signatures' archive are under `data`, for this gateway alone: name one directory for all \
             with archive.keys, and keep copies"
        );
    }
    let own = async { Ok(records.clone()) };
    open_vault(&settings.archive, &settings.data, own).await
}

/// Has the keys answer that the office holds for signers, where the settings name them and this process uses them: what the
/// settings have wrong is told at start. A token that is away is waited for while serving.
pub(super) async fn check_held(settings: &held::Settings, keys: Arc<dyn HeldKeys>) -> Result<(), StartError> {
    if *settings == held::Settings::default() {
        return Ok(());
    }
    let ready = tokio::task::spawn_blocking(move || keys.ready()).await;
    match ready.unwrap_or_else(|panicked| Err(HeldError::Unavailable(panicked.to_string()))) {
        Err(error) if !error.retry() => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "what people approve is signed once the held keys are to be had");
            Ok(())
        }
        Ok(()) => Ok(()),
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
