//! A place for a gateway: its callers reach whichever process serves there, through a front.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex as Shared,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sillok_gateway::{config::Settings, server::Addresses};
use sillok_tests::{
    cut::{Front, Lines},
    gateway::Running,
    nodes::signal,
    patience::{PATIENCE, Patience},
};
use tokio::sync::Mutex;

use crate::{clock::Clock, journal::Journal, schedule::ROLES};

/// How long a gateway may take to drain and end.
const DRAIN: Duration = Duration::from_secs(40);

/// The processes of gateways that there are, with the places they serve at.
pub(crate) type Processes = Arc<Shared<Vec<(String, u32)>>>;

/// A place for a gateway.
pub(crate) struct Gateway {
    name: &'static str,
    settings: Settings,
    directory: PathBuf,
    clock: Option<Clock>,
    rest: Front,
    grpc: Front,
    running: Mutex<Option<Running>>,
    processes: Processes,
    started: AtomicU32,
    journal: Arc<Journal>,
}

impl Gateway {
    /// A place without a gateway.
    pub(crate) async fn new(
        name: &'static str,
        settings: Settings,
        directory: PathBuf,
        lines: &Arc<Lines>,
        callers: &sillok_tests::cut::Callers,
        processes: &Processes,
        journal: &Arc<Journal>,
    ) -> Self {
        fs::create_dir_all(&directory).unwrap();
        let front = || Front::open(name, ([127, 0, 0, 1], 0).into(), None, lines, callers);
        Self {
            name,
            settings,
            clock: Clock::in_directory(&directory),
            directory,
            rest: front().await.unwrap(),
            grpc: front().await.unwrap(),
            running: Mutex::default(),
            processes: processes.clone(),
            started: AtomicU32::new(0),
            journal: journal.clone(),
        }
    }

    /// Where clients find it.
    pub(crate) fn addresses(&self) -> Addresses {
        let url = |front: &Front| format!("http://{}", front.address);
        Addresses { rest: url(&self.rest), grpc: url(&self.grpc) }
    }

    /// Where it is itself.
    pub(crate) async fn own_addresses(&self) -> Addresses {
        self.running.lock().await.as_ref().expect("the gateway runs").addresses.clone()
    }

    /// Its clock, where it can be set.
    pub(crate) fn clock(&self) -> Option<&Clock> {
        self.clock.as_ref()
    }

    /// Starts a gateway, again if it ends: what it needs may be away for now.
    pub(crate) async fn start(&self) {
        let running = self.launch().await;
        self.turn_to(Some(&running.addresses));
        *self.running.lock().await = Some(running);
    }

    async fn launch(&self) -> Running {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let directory = self.directory.join(number.to_string());
        fs::create_dir_all(&directory).unwrap();
        let mut environment = self.clock.as_ref().map(Clock::environment).unwrap_or_default();
        if ROLES.contains(&self.name) {
            environment.push(("SILLOK_ROLE".to_owned(), self.name.to_owned()));
        }
        let patience = Patience::new(PATIENCE, "the gateway starts");
        loop {
            let mut process = None;
            // At once: what it connects to while it starts is its own, too, and is cut with the rest.
            let began = |number| {
                process = Some(number);
                self.processes.lock().unwrap().push((self.name.to_owned(), number));
            };
            match Running::try_program(&self.settings, &directory, &environment, began).await {
                Ok(running) => return running,
                Err(why) => self.journal.note(format!("{} does not start yet: {why}", self.name)),
            }
            self.ended(process);
            patience.pause().await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    fn turn_to(&self, addresses: Option<&Addresses>) {
        let target = |url: &str| url.strip_prefix("http://").and_then(|address| address.parse().ok());
        self.rest.turn_to(addresses.and_then(|addresses| target(&addresses.rest)));
        self.grpc.turn_to(addresses.and_then(|addresses| target(&addresses.grpc)));
    }

    /// SIGKILL.
    pub(crate) async fn kill(&self) {
        self.turn_to(None);
        if let Some(running) = self.running.lock().await.take() {
            let process = running.process();
            running.kill().await;
            self.ended(process);
        }
    }

    /// Sends the process a signal.
    pub(crate) async fn signal(&self, name: &str) {
        if let Some(process) = self.running.lock().await.as_ref().and_then(Running::process) {
            signal(process, name);
        }
    }

    /// A new gateway takes the place; the old one is told to stop, and drains.
    pub(crate) async fn replace(&self) {
        let new = self.launch().await;
        self.turn_to(Some(&new.addresses));
        let old = self.running.lock().await.replace(new).expect("a gateway serves");
        let process = old.process();
        tokio::time::timeout(DRAIN, old.stop()).await.unwrap_or_else(|_| panic!("not drained in {DRAIN:?}"));
        self.ended(process);
    }

    fn ended(&self, process: Option<u32>) {
        self.processes.lock().unwrap().retain(|(_, other)| Some(*other) != process);
        process.into_iter().for_each(Clock::sweep);
    }

    /// Whether the process is there.
    pub(crate) async fn is_there(&self) -> bool {
        let process = self.running.lock().await.as_ref().and_then(Running::process);
        process.is_some_and(|process| {
            let told = fs::read(format!("/proc/{process}/cmdline"));
            told.is_ok_and(|line| !line.is_empty())
        })
    }
}
