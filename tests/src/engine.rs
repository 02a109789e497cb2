//! The engines a scenario runs on.

use std::{env, io::Write as _, path::PathBuf, sync::Arc};

use sillok_gateway::{
    config::{self, LedgerEngine, Limits, Listen, Settings},
    ledger::{consortium::Consortium, fabric},
    monitor, records,
    server::Engines,
    service,
};
use tempfile::TempDir;

use crate::{database::Database, nodes::Nodes};

/// Which engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite and the embedded ledger.
    Embedded,
    /// PostgreSQL and Hyperledger Fabric.
    Production,
}

/// The engines of one scenario.
pub struct Site {
    /// Which they are.
    pub engine: Engine,
    /// The records database.
    pub database: Database,
    /// The network's nodes, where there is a network.
    pub nodes: Option<Arc<Nodes>>,
    /// The scenario's own files.
    pub directory: TempDir,
}

impl Site {
    /// The engines, or why the scenario cannot run on them here.
    pub async fn open(engine: Engine, tag: &str) -> Result<Self, String> {
        match engine {
            Engine::Production => Self::on(Nodes::new(network()?), tag).await,
            Engine::Embedded => {
                let directory = own_directory();
                let database = Database::Sqlite(directory.path().join("records.db"));
                Ok(Self { engine, database, nodes: None, directory })
            }
        }
    }

    /// The production engines on this network.
    pub async fn on(nodes: Nodes, tag: &str) -> Result<Self, String> {
        let database = Database::make(&named("SILLOK_TEST_POSTGRES")?, &format!("scenario_{tag}")).await;
        let (engine, directory) = (Engine::Production, own_directory());
        Ok(Self { engine, database, nodes: Some(Arc::new(nodes)), directory })
    }

    /// The gateway's settings on these engines: ports of its own, and one machine plays all callers.
    pub fn settings(&self) -> Settings {
        let any = ([127, 0, 0, 1], 0).into();
        let network = self.nodes.as_deref().map(Nodes::network_file);
        let fabric = fabric::Settings { network, ..fabric::Settings::default() };
        let engine = match self.engine {
            Engine::Embedded => LedgerEngine::Embedded,
            Engine::Production => LedgerEngine::Fabric,
        };
        let mut service = service::Settings::default();
        service.certificates.address = Some("https://sillok.example".to_owned());
        // Scenarios are played at all hours.
        let hours = monitor::HoursSettings { from_hour: 0, to_hour: 24, ..Default::default() };
        Settings {
            service,
            // And what was written past the gateway is told one by one.
            monitor: monitor::Settings {
                hours,
                drift: monitor::DriftSettings { alerts: 0, ..Default::default() },
                ..Default::default()
            },
            data: self.directory.path().to_owned(),
            listen: Listen { rest: any, grpc: any, ..Listen::default() },
            limits: Limits {
                rate: std::num::NonZeroU32::MAX,
                burst: std::num::NonZeroU32::MAX,
                ..Limits::default()
            },
            records: records::Settings { url: self.database.url(), ..records::Settings::default() },
            ledger: config::Ledger { engine, fabric },
            ..Settings::default()
        }
    }

    /// Opens the engines, and tells who runs the ledger.
    pub async fn engines(&self, settings: &Settings) -> (Engines, Consortium) {
        let engines = Engines::open(settings).await.unwrap();
        let consortium = match engines.embedded.clone() {
            Some(embedded) => Consortium::Embedded(embedded),
            None => Consortium::of_fabric(settings.ledger.fabric.clone()).unwrap(),
        };
        (engines, consortium)
    }
}

fn own_directory() -> TempDir {
    tempfile::Builder::new().prefix("sillok-scenario.").tempdir().unwrap()
}

/// The run directory of the network that tests use.
pub fn network() -> Result<PathBuf, String> {
    let run = PathBuf::from(named("SILLOK_TEST_FABRIC")?);
    match run.join("network.json").exists() {
        true => Ok(run),
        false => Err(format!("there is no network.json in {}", run.display())),
    }
}

fn named(variable: &str) -> Result<String, String> {
    env::var(variable).map_err(|_| format!("{variable} is not set; tests/run sets it"))
}

/// Says that a scenario cannot run here, and why; past the test harness, which shows nothing of a test that passes.
pub fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
