//! What the demo plays on: the engines, a gateway on ports of its own, and the organisations behind the ledger.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::cast::failed;
use crate::{
    cli::Failure,
    client::Client,
    config::{self, LedgerEngine, Settings},
    ledger::{consortium::Consortium, fabric},
    records,
    server::{Addresses, Engines, Gateway, Listeners},
    service::Service,
};

/// A running gateway.
pub(super) struct Stage {
    pub(super) consortium: Consortium,
    pub(super) addresses: Addresses,
    pub(super) client: Client,
    pub(super) audience: String,
    /// The engines, for people.
    pub(super) engines: &'static str,
    /// Where the embedded engines keep their files; deleted with the stage if it is temporary.
    pub(super) data: Option<PathBuf>,
    shutdown: CancellationToken,
    gateway: JoinHandle<std::io::Result<()>>,
    _temporary: Option<tempfile::TempDir>,
}

impl Stage {
    /// SQLite and the embedded ledger, in a directory that is made if it is not there, or in a temporary one.
    pub(super) async fn embedded(directory: Option<&Path>, settings: Settings) -> Result<Self, Failure> {
        let temporary = match directory {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("sillok-demo.").tempdir().map_err(Failure::io)?),
        };
        let data = directory.or(temporary.as_ref().map(tempfile::TempDir::path));
        let data = data.expect("one of both is there").to_owned();
        let engines = "SQLite and the embedded ledger (for trying; its certificates are for development)";
        let stage = Self::open(Settings { data: data.clone(), ..settings }, engines).await?;
        Ok(Self { data: Some(data), _temporary: temporary, ..stage })
    }

    /// PostgreSQL and the Fabric network of a run directory of network/network.sh.
    pub(super) async fn fabric(
        network: &Path,
        postgres: Option<String>,
        settings: Settings,
    ) -> Result<Self, Failure> {
        let file = network.join("network.json");
        if !file.exists() {
            return Err(Failure::config(format!(
                "{} is not there; bring the network up with network/network.sh up, or name its directory with --network",
                file.display()
            )));
        }
        let url = postgres.map_or_else(|| url_of(network), Ok)?;
        let fabric = fabric::Settings { network: Some(file), ..fabric::Settings::default() };
        let settings = Settings {
            records: records::Settings { url, ..records::Settings::default() },
            ledger: config::Ledger { engine: LedgerEngine::Fabric, fabric },
            ..settings
        };
        Self::open(settings, "PostgreSQL and Hyperledger Fabric").await
    }

    async fn open(settings: Settings, names: &'static str) -> Result<Self, Failure> {
        let audience = settings.service.audience.clone();
        let listeners = Listeners::bind(&settings.listen).await?;
        let engines = Engines::open(&settings).await?;
        let consortium = match engines.embedded {
            Some(embedded) => Consortium::Embedded(embedded),
            None => Consortium::of_fabric(settings.ledger.fabric.clone())?,
        };
        let service = Service::new(engines.parts, settings.service.clone());
        let gateway = Gateway::new(settings, service)?;
        let addresses = gateway.addresses(&listeners).map_err(Failure::io)?;
        let client = Client::new(&addresses.rest, &audience, None)?;
        let shutdown = CancellationToken::new();
        let gateway = tokio::spawn(gateway.run(listeners, shutdown.clone()));
        Ok(Self {
            consortium,
            addresses,
            client,
            audience,
            engines: names,
            data: None,
            shutdown,
            gateway,
            _temporary: None,
        })
    }

    /// Stops the gateway: what it has taken is recorded first.
    pub(super) async fn close(self) -> Result<(), Failure> {
        self.shutdown.cancel();
        self.gateway.await.map_err(failed)?.map_err(Failure::io)
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
