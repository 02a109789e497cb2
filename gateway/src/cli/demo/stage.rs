//! What the demo plays on: the engines, a gateway on ports of its own, and the organisations behind the ledger.

use std::path::{Path, PathBuf};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::cast::failed;
use crate::{
    cli::{Failure, production::Production},
    client::Client,
    config::Settings,
    ledger::consortium::Consortium,
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
    /// The records database, as somebody reaches it who does not come through the gateway.
    pub(super) records: records::Settings,
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

    /// PostgreSQL and the Fabric network that is up.
    pub(super) async fn fabric(network: &Production, settings: Settings) -> Result<Self, Failure> {
        Self::open(network.settings(settings)?, "PostgreSQL and Hyperledger Fabric").await
    }

    async fn open(settings: Settings, names: &'static str) -> Result<Self, Failure> {
        let audience = settings.service.audience.clone();
        let records = settings.records();
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
            records,
            shutdown,
            gateway,
            _temporary: None,
        })
    }

    /// Whether the gateway sees writes that do not come through it at once; on SQLite it cannot.
    pub(super) fn is_watched(&self) -> bool {
        self.data.is_none()
    }

    /// Stops the gateway: what it has taken is recorded first.
    pub(super) async fn close(self) -> Result<(), Failure> {
        self.shutdown.cancel();
        self.gateway.await.map_err(failed)?.map_err(Failure::io)
    }
}
