//! Which engines a play is put on: the embedded ones, or the Fabric network that is up with its PostgreSQL.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use super::Failure;
use crate::{
    config::{Ledger, LedgerEngine, Settings},
    ledger::fabric,
    records,
};

/// A URL that may hold a password, which `Debug` does not show.
#[derive(Clone)]
pub(super) struct Url(String);

impl From<String> for Url {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Url").finish_non_exhaustive()
    }
}

/// The network to use instead of the embedded engines.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Production {
    /// Uses the Fabric network that is up, with PostgreSQL, instead of the embedded engines.
    #[arg(long)]
    pub(super) fabric: bool,
    /// The run directory of that network.
    #[arg(
        long,
        value_name = "DIR",
        env = "SILLOK_NETWORK_DIR",
        default_value = "network/run",
        requires = "fabric"
    )]
    pub(super) network: PathBuf,
    /// The PostgreSQL to use instead of the one that network/postgres.sh keeps.
    #[arg(long, value_name = "URL", env = "SILLOK_POSTGRES", hide_env_values = true, requires = "fabric")]
    pub(super) postgres: Option<Url>,
}

impl Production {
    /// The gateway's settings on the network.
    pub(super) fn settings(&self, settings: Settings) -> Result<Settings, Failure> {
        let file = self.network.join("network.json");
        if !file.exists() {
            return Err(Failure::config(format!(
                "{} is not there; bring the network up with network/network.sh up, or name its directory with --network",
                file.display()
            )));
        }
        let url = self.postgres.clone().map_or_else(|| url_of(&self.network), |Url(url)| Ok(url))?;
        let fabric = fabric::Settings { network: Some(file), ..fabric::Settings::default() };
        Ok(Settings {
            records: records::Settings { url, ..records::Settings::default() },
            ledger: Ledger { engine: LedgerEngine::Fabric, fabric },
            ..settings
        })
    }
}

/// The URL of the PostgreSQL that network/postgres.sh keeps beside the network.
fn url_of(network: &Path) -> Result<String, Failure> {
    let file = network.join("postgres/url");
    let url = fs::read_to_string(&file).map_err(|error| {
        Failure::config(format!(
            "{}: {}; bring PostgreSQL up with network/postgres.sh up, or name yours with --postgres",
            file.display(),
            error,
        ))
    })?;
    Ok(url.trim().to_owned())
}
