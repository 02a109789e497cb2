//! Where it is measured: the engines, a database and a directory of the bench's own, and the gateways on them.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::Url;
use tokio_postgres::NoTls;

use super::{
    disk::{self, Disk},
    gateway::{Gateway, Setting},
    machine::{BENCH, Process},
    platform::Beside,
};
use crate::{
    cli::{Failure, production::Production},
    clock,
    config::{LedgerEngine, Settings},
    ledger::{consortium::Consortium, embedded::Embedded},
    records,
    server::Engines,
    service::Service,
};

/// How long connecting to PostgreSQL may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a role's share of the events is its own after it was last heard of.
const LEASE_MS: u64 = 1_500;
/// Whether a gateway watches.
const WATCH: &str = "SILLOK_RECORDS__WATCH__MODE";

/// The engines with what the bench has made on them.
pub(super) struct Site {
    directory: tempfile::TempDir,
    settings: Settings,
    /// The run directory of the network, where there is one.
    network: Option<PathBuf>,
    server: Option<Server>,
    /// Kafka and Cassandra, where the network has them.
    beside: Option<Beside>,
}

/// A PostgreSQL server on which the bench has databases of its own.
struct Server {
    url: Url,
    names: [String; 2],
    /// Whether it is the one that network/postgres.sh keeps, whose processes and files are known.
    kept: bool,
}

/// How the gateway is set up besides its engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// As it comes, but for the rate: all callers have one address.
    Measured,
    /// The same, to take large requests, so that much is recorded soon.
    Filling,
    /// The same, and each network may send so many requests a second.
    Bounded(u32),
    /// The same; it watches for writes past it, and does not start where it cannot.
    Watching,
    /// The same; it does not watch.
    Unwatching,
    /// The same, in all roles, with the broker and the archive that are beside the network.
    Signing,
    /// The same in this role alone.
    Role(&'static str),
}

impl Site {
    /// Makes the directory, and on a network two databases: the gateway's, and one for the same statements alone.
    pub(super) async fn open(production: &Production, mark: &str) -> Result<Self, Failure> {
        let directory = tempfile::Builder::new().prefix("sillok-bench.").tempdir().map_err(Failure::io)?;
        let mut settings = Settings { data: directory.path().join("data"), ..Settings::default() };
        let mut site =
            Self { directory, settings: settings.clone(), network: None, server: None, beside: None };
        if production.fabric {
            settings = Settings { data: settings.data.clone(), ..production.settings(settings)? };
            site.network = Some(fs::canonicalize(&production.network).map_err(Failure::io)?);
            let server = Server::make(&settings.records.url, mark, production.postgres.is_none()).await?;
            settings.records.url = server.url_of(0).to_string();
            site.server = Some(server);
            site.beside = Some(Beside::of(&production.network, mark)?);
        }
        Ok(Self { settings, ..site })
    }

    /// Drops the databases and deletes the directory.
    pub(super) async fn close(self) -> Result<(), Failure> {
        let dropped = match self.server {
            Some(server) => server.drop_all().await,
            None => Ok(()),
        };
        let forgotten = match self.beside {
            Some(beside) => beside.forget().await,
            None => Ok(()),
        };
        self.directory.close().map_err(Failure::io)?;
        dropped.and(forgotten)
    }

    /// The engines, for people and programs.
    pub(super) fn engines(&self) -> &'static str {
        match self.settings.ledger.engine {
            LedgerEngine::Embedded => "SQLite and the embedded ledger",
            LedgerEngine::Fabric => "PostgreSQL and Hyperledger Fabric",
        }
    }

    /// What the gateways call themselves.
    pub(super) fn audience(&self) -> &str {
        &self.settings.service.audience
    }

    /// The organisations behind the ledger. While this lives, no gateway starts on the embedded one.
    pub(super) fn consortium(&self) -> Result<Consortium, Failure> {
        match self.settings.ledger.engine {
            LedgerEngine::Fabric => Ok(Consortium::of_fabric(self.settings.ledger.fabric.clone())?),
            LedgerEngine::Embedded => {
                crate::server::make_directory(&self.settings.data).map_err(Failure::io)?;
                Ok(Consortium::Embedded(Embedded::open(self.settings.ledger_file(), clock::now)?))
            }
        }
    }

    /// The offices' root certificates.
    pub(super) fn roots(&self) -> Result<PathBuf, Failure> {
        let consortium = match self.settings.ledger.engine {
            LedgerEngine::Fabric => Consortium::of_fabric(self.settings.ledger.fabric.clone())?,
            LedgerEngine::Embedded => Consortium::EmbeddedFile(self.settings.ledger_file()),
        };
        Ok(consortium.roots()?)
    }

    /// The settings of the database for the statements alone: the same engine, as many connections.
    pub(super) fn plain(&self) -> records::Settings {
        let url = match &self.server {
            Some(server) => server.url_of(1).to_string(),
            None => format!("sqlite:{}", self.directory.path().join("plain.db").display()),
        };
        records::Settings { url, ..self.settings.records() }
    }

    /// The settings of the gateways' database.
    pub(super) fn records(&self) -> records::Settings {
        self.settings.records()
    }

    /// A service of this process on the engines, as an audit opens them. On the embedded ledger no gateway runs
    /// meanwhile.
    pub(super) async fn service(&self) -> Result<Service, Failure> {
        let engines = Engines::open(&self.settings).await?;
        Ok(Service::new(engines.parts, self.settings.service.clone()))
    }

    /// Kafka and Cassandra, where the network has them.
    pub(super) fn beside(&self) -> Option<&Beside> {
        self.beside.as_ref()
    }

    /// Whether writes past the gateway can be watched for at all.
    pub(super) fn can_be_watched(&self) -> bool {
        self.server.is_some()
    }

    /// The gateway's database, as its administrator reaches it: past the gateway.
    pub(super) async fn past_the_gateway(&self) -> Result<tokio_postgres::Client, Failure> {
        let server = self.server.as_ref();
        let server = server.ok_or_else(|| Failure::failed("bench.past", "SQLite is not watched"))?;
        connect(&server.url_of(0)).await
    }

    /// Starts a gateway.
    pub(super) async fn serve(&self, manner: Manner) -> Result<Gateway, Failure> {
        let setting = Setting {
            variables: self.variables(manner),
            log: self.directory.path().join("sillok.log"),
            audience: self.audience().to_owned(),
        };
        Gateway::start(setting).await
    }

    fn variables(&self, manner: Manner) -> Vec<(String, String)> {
        let path = |path: &Path| path.display().to_string();
        let rate = if let Manner::Bounded(rate) = manner { rate } else { u32::MAX };
        let mut variables = vec![
            ("SILLOK_DATA", path(&self.settings.data)),
            ("SILLOK_LISTEN__REST", "127.0.0.1:0".to_owned()),
            ("SILLOK_LISTEN__GRPC", "127.0.0.1:0".to_owned()),
            ("SILLOK_RECORDS__URL", self.settings.records().url),
            ("SILLOK_LIMITS__RATE", rate.to_string()),
            ("SILLOK_LIMITS__BURST", rate.to_string()),
        ];
        if let Some(network) = &self.settings.ledger.fabric.network {
            variables.push(("SILLOK_LEDGER__ENGINE", "fabric".to_owned()));
            variables.push(("SILLOK_LEDGER__FABRIC__NETWORK", path(network)));
        }
        if let (Manner::Signing | Manner::Role(_), Some(beside)) = (manner, &self.beside) {
            variables.extend(beside.variables());
        }
        match manner {
            Manner::Role(role) => {
                variables.push(("SILLOK_ROLE", role.to_owned()));
                // So that those who come share the work out soon: a member hears of it with its next sign of life.
                variables.push(("SILLOK_EVENTS__LEASE_MS", LEASE_MS.to_string()));
            }
            Manner::Watching => variables.push((WATCH, "on".to_owned())),
            Manner::Unwatching => variables.push((WATCH, "off".to_owned())),
            Manner::Measured | Manner::Filling | Manner::Bounded(_) | Manner::Signing => {}
        }
        if manner == Manner::Filling {
            variables.push(("SILLOK_SERVICE__REQUESTS__MAX_QUERIES", super::plan::FILL.to_string()));
            variables.push(("SILLOK_SERVICE__REQUESTS__MAX_JWS_BYTES", (64 * 1024).to_string()));
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// This process, the gateway's if there is one, and those of the network and its database.
    pub(super) fn processes(&self, gateway: Option<&Gateway>) -> Vec<Process> {
        let one = |name: &str, pid: i32| Process { name: name.to_owned(), pid, family: false };
        let bench = i32::try_from(std::process::id()).unwrap_or_default();
        let mut processes = vec![one(BENCH, bench)];
        processes.extend(gateway.map(|gateway| one("sillok serve", gateway.pid)));
        let Some(network) = &self.network else { return processes };
        let mut nodes: Vec<_> = fs::read_dir(network.join("pids"))
            .into_iter()
            .flatten()
            .filter_map(|file| node(&file.ok()?.path()))
            .map(|(name, pid)| one(&name, pid))
            .collect();
        nodes.sort_by(|one, other| one.name.cmp(&other.name));
        processes.extend(nodes);
        if self.server.as_ref().is_some_and(|server| server.kept)
            && let Some(pid) = pid_in(&network.join("postgres/cluster/data/postmaster.pid"))
        {
            processes.push(Process { family: true, ..one("postgres", pid) });
        }
        processes
    }

    /// How much of the disk database and ledger take.
    pub(super) async fn disk(&self) -> Result<Disk, Failure> {
        match (&self.network, &self.server) {
            (Some(network), Some(server)) => {
                Ok(Disk { database: server.size(0).await?, ..disk::of_network(network) })
            }
            _ => Ok(disk::of_embedded(&self.settings.data)),
        }
    }
}

/// A node's name and process id, from the network's file.
fn node(file: &Path) -> Option<(String, i32)> {
    (file.extension()? == "pid").then_some(())?;
    Some((file.file_stem()?.to_str()?.to_owned(), pid_in(file)?))
}

fn pid_in(file: &Path) -> Option<i32> {
    fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
}

impl Server {
    async fn make(url: &str, mark: &str, kept: bool) -> Result<Self, Failure> {
        let url = Url::parse(url)
            .map_err(|error| Failure::config(format!("PostgreSQL's URL cannot be read: {error}")))?;
        let names = ["", "_plain"].map(|suffix| format!("sillok_bench_{mark}{suffix}"));
        let server = Self { url, names, kept };
        for name in &server.names {
            if let Err(failure) = server.run(&format!("CREATE DATABASE {name}")).await {
                // The first one, if it is the second that cannot be made; why it cannot says more than what comes of this.
                let _ = server.drop_all().await;
                return Err(failure);
            }
        }
        Ok(server)
    }

    fn url_of(&self, which: usize) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("/{}", self.names[which]));
        url
    }

    /// Ends whoever is left on them, but not by `WITH (FORCE)`: that asks for more rights where a large table is just being
    /// vacuumed, which `DROP DATABASE` by itself waits for.
    async fn drop_all(&self) -> Result<(), Failure> {
        for name in &self.names {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user";
            self.run(&format!("{end} AND datname = '{name}'")).await?;
            self.run(&format!("DROP DATABASE IF EXISTS {name}")).await?;
        }
        Ok(())
    }

    /// Bytes of one of the databases.
    async fn size(&self, which: usize) -> Result<u64, Failure> {
        let client = connect(&self.url).await?;
        let row = client.query_one("SELECT pg_database_size($1)", &[&self.names[which]]).await;
        Ok(row.and_then(|row| row.try_get::<_, i64>(0)).map_err(away)?.unsigned_abs())
    }

    async fn run(&self, sql: &str) -> Result<(), Failure> {
        connect(&self.url).await?.batch_execute(sql).await.map_err(away)
    }
}

async fn connect(url: &Url) -> Result<tokio_postgres::Client, Failure> {
    let mut config: tokio_postgres::Config = url.as_str().parse().map_err(away)?;
    let (client, connection) = config.connect_timeout(PATIENCE).connect(NoTls).await.map_err(away)?;
    tokio::spawn(connection);
    Ok(client)
}

fn away(error: tokio_postgres::Error) -> Failure {
    let reason = error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
    Failure::new(crate::cli::Exit::Unavailable, "records.open", format!("PostgreSQL: {reason}"))
}
