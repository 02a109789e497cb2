//! The system under test: a network whose nodes reach each other through fronts, and two gateways; and how each fault is
//! brought about and undone.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use sillok_tests::{
    call::Face,
    cut::{Callers, Front, Lines, Switch},
    nodes::{Nodes, POSTGRES},
    patience::{PATIENCE, Patience},
    platform,
    world::World,
};
use tokio::sync::Mutex;
use tokio_postgres::NoTls;

use crate::{
    disk::Disk,
    gateway::{Gateway, Processes},
    journal::Journal,
    schedule::{BROKER, CLIENTS, Fault, GATEWAYS, ROLES, WITH_DISK},
};

/// The nodes listen so many ports above those that all others know.
pub(crate) const LISTEN_OFFSET: u16 = 300;
const PEERS: [&str; 2] = ["peer-office", "peer-support"];

/// Whether no gateway reaches the ledger, told by a count that is odd while it is so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Away(Arc<AtomicU32>);

impl Away {
    pub(crate) fn count(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }

    /// Whether it is so, and has been all the time since this count was told.
    pub(crate) fn is_so_since(&self, count: u32) -> bool {
        count % 2 == 1 && self.count() == count
    }

    fn turn(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// The system under test.
pub(crate) struct Bench {
    pub(crate) gateways: Vec<Gateway>,
    /// Roles that are processes of their own.
    roles: Vec<Gateway>,
    /// The broker, where there is one.
    broker: Option<Arc<Nodes>>,
    nodes: Arc<Nodes>,
    lines: Arc<Lines>,
    disks: BTreeMap<&'static str, Disk>,
    /// The database past its front.
    database: String,
    /// The transaction of somebody else's, while it has a lock.
    locking: Mutex<Option<tokio_postgres::Client>>,
    programs: PathBuf,
    upgrades: AtomicU32,
    pub(crate) away: Away,
    journal: Arc<Journal>,
    _fronts: Vec<Front>,
}

impl Bench {
    /// Puts fronts before the nodes of a network that is down, brings it up behind them, and starts two gateways.
    pub(crate) async fn open(run: PathBuf, journal: &Arc<Journal>) -> (Arc<Self>, World) {
        let lines = Arc::new(Lines::default());
        let processes = Processes::default();
        let callers = callers(Nodes::behind(run.clone(), LISTEN_OFFSET), &processes);
        let nodes = Nodes::behind(run, LISTEN_OFFSET);
        let mut fronts = Vec::new();
        for node in nodes.of_fabric() {
            let [known, behind] = [0, LISTEN_OFFSET].map(|offset| loopback(nodes.port(&node) + offset));
            fronts.push(Front::open(&node, known, Some(behind), &lines, &callers).await.unwrap());
        }
        let up = Nodes::behind(nodes.directory().to_owned(), LISTEN_OFFSET);
        tokio::task::spawn_blocking(move || up.up()).await.unwrap().unwrap();
        journal.note("the network is up, each node behind a front");

        let mut world = World::beside(nodes, Face::Rest).await.unwrap();
        world.use_kafka();
        // Signatures are forged here, and verified by clocks that are wrong.
        world.settings.monitor.failing.signer = 0;
        world.settings.monitor.failing.source = 0;
        let database = &world.site.database;
        let front =
            Front::open(POSTGRES, loopback(0), Some(database.server()), &lines, &callers).await.unwrap();
        let mut settings = world.settings.clone();
        settings.records.url = database.url_by(front.address);
        fronts.push(front);
        let mut places = Vec::new();
        for name in GATEWAYS.into_iter().chain(ROLES) {
            let directory = world.site.directory.path().join(name);
            let gateway =
                Gateway::new(name, settings.clone(), directory, &lines, &callers, &processes, journal).await;
            gateway.start().await;
            places.push(gateway);
        }
        let roles = places.split_off(GATEWAYS.len());
        journal.note("two gateways serve, and beside them a verifier and a recorder");
        let nodes = world.site.nodes.clone().expect("production engines have nodes");
        let bench = Self {
            gateways: places,
            roles,
            broker: platform::kafka(),
            disks: disks(&nodes),
            nodes,
            lines,
            database: database.url(),
            locking: Mutex::default(),
            programs: world.site.directory.path().to_owned(),
            upgrades: AtomicU32::new(0),
            away: Away::default(),
            journal: journal.clone(),
            _fronts: fronts,
        };
        (Arc::new(bench), world)
    }

    /// What cannot be done here, and why.
    pub(crate) fn lacks(&self) -> Vec<&'static str> {
        let disks = self.disks.is_empty().then_some("skipped: disk full: no tmpfs may be mounted here");
        let clock = self.gateways[0].clock().is_none();
        let clock = clock
            .then_some("skipped: clock step: there is no libfaketime (Debian: apt-get install faketime)");
        let broker = self.broker.is_none();
        let broker = broker
            .then_some("skipped: kill -9 of the broker: SILLOK_TEST_KAFKA is not set; tests/run sets it");
        disks.into_iter().chain(clock).chain(broker).collect()
    }

    fn gateway(&self, name: &str) -> Option<&Gateway> {
        let mut places = GATEWAYS.iter().chain(&ROLES).zip(self.gateways.iter().chain(&self.roles));
        places.find(|(place, _)| **place == name).map(|(_, gateway)| gateway)
    }

    /// Brings a fault about.
    pub(crate) async fn inject(&self, fault: &Fault) {
        match fault {
            Fault::Kill(BROKER) => match &self.broker {
                Some(broker) => broker.kill(BROKER),
                None => self.journal.note("skipped: there is no broker"),
            },
            Fault::Kill(name) => match self.gateway(name) {
                Some(gateway) => gateway.kill().await,
                None => self.nodes.kill(name),
            },
            Fault::Freeze(name) => match self.gateway(name) {
                Some(gateway) => gateway.signal("STOP").await,
                None => assert!(self.nodes.freeze(name), "{name} runs"),
            },
            Fault::Cut(one, other) => self.lines.put(one, other, Switch::Cut),
            Fault::Hold(one, other) => self.lines.put(one, other, Switch::Held),
            Fault::Slow(one, other, ms) => self.lines.put(one, other, slow(*ms)),
            Fault::DiskFull(node) => match self.disks.get(node) {
                Some(disk) => disk.fill().await,
                None => self.journal.note("skipped: there is no such disk"),
            },
            Fault::ClockStep(name, seconds) => self.set_clock(name, *seconds),
            Fault::SlowDatabase(ms) => {
                GATEWAYS.iter().for_each(|gateway| self.lines.put(gateway, POSTGRES, slow(*ms)));
            }
            Fault::LockedTable(table) => self.lock(table).await,
            Fault::LedgerAway => {
                self.ledger(Switch::Cut);
                self.away.turn();
            }
            Fault::Upgrade => self.upgrade().await,
            Fault::Replace(name) => self.gateway(name).expect("it is a gateway's name").replace().await,
        }
    }

    /// Undoes a fault; returns when what it stopped answers again.
    pub(crate) async fn heal(&self, fault: &Fault) {
        match fault {
            Fault::Kill(BROKER) => self.start_broker().await,
            Fault::Kill(name) => match self.gateway(name) {
                Some(gateway) => gateway.start().await,
                None => self.start(name).await,
            },
            Fault::Freeze(name) => match self.gateway(name) {
                Some(gateway) => gateway.signal("CONT").await,
                None => self.nodes.thaw(name),
            },
            Fault::Cut(one, other) | Fault::Hold(one, other) | Fault::Slow(one, other, _) => {
                self.lines.put(one, other, Switch::Through);
            }
            Fault::DiskFull(node) => {
                if let Some(disk) = self.disks.get(node) {
                    disk.free();
                    // Its transient store never writes again once a write has failed (goleveldb keeps the error).
                    if PEERS.contains(node) && self.nodes.process(node).is_some() {
                        self.nodes.kill(node);
                    }
                    self.start(node).await;
                }
            }
            Fault::ClockStep(name, _) => self.set_clock(name, 0),
            Fault::SlowDatabase(_) => {
                GATEWAYS.iter().for_each(|gateway| self.lines.put(gateway, POSTGRES, Switch::Through));
            }
            Fault::LockedTable(_) => drop(self.locking.lock().await.take()),
            Fault::LedgerAway => {
                self.away.turn();
                self.ledger(Switch::Through);
            }
            Fault::Upgrade | Fault::Replace(_) => {}
        }
    }

    fn set_clock(&self, name: &str, seconds: i64) {
        match self.gateway(name).and_then(Gateway::clock) {
            Some(clock) => clock.set(seconds),
            None => self.journal.note("skipped: there is no such clock"),
        }
    }

    fn ledger(&self, switch: Switch) {
        for gateway in GATEWAYS {
            PEERS.iter().for_each(|peer| self.lines.put(gateway, peer, switch));
        }
    }

    async fn lock(&self, table: &str) {
        let (client, connection) = tokio_postgres::connect(&self.database, NoTls).await.unwrap();
        tokio::spawn(connection);
        // Given up when the connection is dropped.
        let locked =
            client.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).await;
        locked.unwrap();
        *self.locking.lock().await = Some(client);
    }

    /// The same program with a byte more, which makes it another to the ledger.
    async fn upgrade(&self) {
        let running = self.nodes.directory().join("chaincode/current/sillok-chaincode");
        let number = self.upgrades.fetch_add(1, Ordering::Relaxed);
        let program = self.programs.join(format!("chaincode-{number}"));
        let mut bytes = fs::read(&running).unwrap();
        bytes.push(b'x');
        fs::copy(&running, &program).unwrap();
        fs::write(&program, bytes).unwrap();
        self.again("the upgrade", move |nodes| nodes.deploy(&program)).await;
    }

    async fn start_broker(&self) {
        let Some(broker) = self.broker.clone() else { return };
        tokio::task::spawn_blocking(move || broker.start(BROKER)).await.unwrap();
    }

    /// Starts a node until it answers; another that it needs may be away for now.
    async fn start(&self, node: &str) {
        let name = node.to_owned();
        self.again(node, move |nodes| nodes.try_start(&name)).await;
    }

    /// Does what an operator does with a script that ended with an error: starts it again.
    async fn again(
        &self,
        what: &str,
        script: impl Fn(&Nodes) -> Result<(), String> + Clone + Send + 'static,
    ) {
        let patience = Patience::new(PATIENCE, what);
        loop {
            let (nodes, script) = (self.nodes.clone(), script.clone());
            match tokio::task::spawn_blocking(move || script(&nodes)).await.unwrap() {
                Ok(()) => return,
                Err(why) => self.journal.note(format!("{what}: not yet: {why}")),
            }
            patience.pause().await;
        }
    }

    /// Waits until everything runs. What ended by itself is told; of Fabric's nodes it is started again, our own must
    /// not have.
    pub(crate) async fn restore(&self) {
        for node in self.nodes.of_fabric().iter().map(String::as_str).chain([POSTGRES]) {
            if self.nodes.process(node).is_none() {
                assert!(!node.starts_with("chaincode-"), "{node} ended by itself");
                self.journal.note(format!("{node} had ended by itself and is started again"));
                self.start(node).await;
            }
        }
        if self.broker.as_ref().is_some_and(|broker| broker.process(BROKER).is_none()) {
            self.journal.note("the broker had ended by itself and is started again");
            self.start_broker().await;
        }
        let places = self.gateways.iter().chain(&self.roles);
        for (gateway, name) in places.zip(GATEWAYS.into_iter().chain(ROLES)) {
            assert!(gateway.is_there().await, "{name} ended by itself");
        }
    }

    /// Undoes whatever is still done, also where a fault was not healed because the run failed.
    pub(crate) async fn undo(&self) {
        self.lines.mend();
        self.disks.values().for_each(Disk::free);
        self.locking.lock().await.take();
        for gateway in self.gateways.iter().chain(&self.roles) {
            gateway.clock().into_iter().for_each(|clock| clock.set(0));
            gateway.signal("CONT").await;
        }
        let all = self.nodes.of_fabric();
        all.iter().map(String::as_str).chain([POSTGRES]).for_each(|node| self.nodes.thaw(node));
    }

    /// Kills the gateways. The network is left to whoever made it ready.
    pub(crate) async fn close(&self) {
        self.undo().await;
        for gateway in self.gateways.iter().chain(&self.roles) {
            gateway.kill().await;
        }
        if self.broker.is_some() {
            self.start_broker().await;
        }
        self.nodes.forget();
    }
}

fn slow(ms: u64) -> Switch {
    Switch::Slow(std::time::Duration::from_millis(ms))
}

fn loopback(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

/// Who may be at the other end of a connection: every node, every gateway, and this process for the clients.
fn callers(nodes: Nodes, processes: &Processes) -> Callers {
    let gateways = processes.clone();
    Arc::new(move || {
        let of_node = |node: String| nodes.process(&node).map(|process| (node, process));
        let mut all: Vec<_> = nodes.of_fabric().into_iter().filter_map(of_node).collect();
        all.extend(gateways.lock().unwrap().iter().cloned());
        all.push((CLIENTS.to_owned(), std::process::id()));
        all
    })
}

fn disks(nodes: &Nodes) -> BTreeMap<&'static str, Disk> {
    let disk = |node: &&'static str| Some((*node, Disk::at(&nodes.data(node))?));
    WITH_DISK.iter().filter_map(disk).collect()
}

/// Where a run keeps what it found when it fails.
pub(crate) fn kept(directory: &Path) -> String {
    format!("what the gateways wrote is in {}", directory.display())
}
