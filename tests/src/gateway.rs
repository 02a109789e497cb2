//! Running gateways: in this process, on engines the scenario shares, or as the real program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use sillok_gateway::{
    archive::{ArchiveEngine, CassandraSettings},
    config::Settings,
    events::{self, KafkaSettings},
    keys::held::{self, HeldEngine},
    server::{Addresses, Gateway, Listeners},
    service::{Parts, Service},
};
use tokio::{process, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{nodes::signal, patience::until};

/// A gateway that serves.
pub struct Running {
    /// Where its faces are.
    pub addresses: Addresses,
    what: What,
}

enum What {
    InProcess { shutdown: CancellationToken, task: JoinHandle<std::io::Result<()>> },
    Program(process::Child),
}

impl Running {
    /// Serves in this process, on these engines.
    pub async fn in_process(settings: Settings, parts: Parts) -> Self {
        let listeners = Listeners::bind(&settings.listen).await.unwrap();
        let service = Service::new(parts, settings.service.clone());
        let gateway = Gateway::new(settings, service).unwrap();
        let addresses = gateway.addresses(&listeners).unwrap();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(gateway.run(listeners, shutdown.clone()));
        Self { addresses, what: What::InProcess { shutdown, task } }
    }

    /// Starts the program `sillok serve` with these settings, its files in this directory.
    pub async fn program(settings: &Settings, directory: &Path) -> Self {
        Self::try_program(settings, directory, &[], |_| {}).await.unwrap()
    }

    /// The same in one role alone.
    pub async fn in_role(settings: &Settings, directory: &Path, role: &str) -> Self {
        fs::create_dir_all(directory).unwrap();
        let role = [("SILLOK_ROLE".to_owned(), role.to_owned())];
        Self::try_program(settings, directory, &role, |_| {}).await.unwrap()
    }

    /// The same with these variables in its environment; or what it said, if it ended instead. `began` is told the
    /// process's number before it has done anything.
    pub async fn try_program(
        settings: &Settings,
        directory: &Path,
        environment: &[(String, String)],
        began: impl FnOnce(u32),
    ) -> Result<Self, String> {
        let (file, ready) = (directory.join("sillok.toml"), directory.join("ready.json"));
        fs::write(&file, configuration(settings)).unwrap();
        let _ = fs::remove_file(&ready);
        let log = fs::File::options().create(true).append(true).open(directory.join("sillok.log")).unwrap();
        let mut child = process::Command::new(program())
            .args(["serve", "--config"])
            .arg(&file)
            .arg("--ready-file")
            .arg(&ready)
            .envs(environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        began(child.id().expect("it has not been waited for"));
        let addresses = until("the program listens", async || {
            if child.try_wait().unwrap().is_some() {
                return Some(Err(format!("sillok serve: {}", last_words(directory))));
            }
            serde_json::from_slice(&fs::read(&ready).ok()?).ok().map(Ok)
        });
        let addresses = addresses.await?;
        Ok(Self { addresses, what: What::Program(child) })
    }

    /// The program's process, until it has been waited for.
    pub fn process(&self) -> Option<u32> {
        match &self.what {
            What::InProcess { .. } => None,
            What::Program(child) => child.id(),
        }
    }

    /// What it tells of a metric, by its name and labels; 0 where it does not tell of it yet.
    pub async fn metric(&self, name: &str) -> u64 {
        let answer = reqwest::get(format!("{}/metrics", self.addresses.rest)).await.unwrap();
        let text = answer.text().await.unwrap();
        let told = text.lines().find_map(|line| line.strip_prefix(name));
        told.map_or(0, |value| value.trim().parse().unwrap())
    }

    /// Lets it drain, and waits until it has ended.
    pub async fn stop(self) {
        match self.what {
            What::InProcess { shutdown, task } => {
                shutdown.cancel();
                task.await.unwrap().unwrap();
            }
            What::Program(mut child) => {
                signal(child.id().expect("it has not been waited for"), "TERM");
                assert!(child.wait().await.unwrap().success(), "SIGTERM drains");
            }
        }
    }

    /// kill -9. Only the program can be killed.
    pub async fn kill(self) {
        let What::Program(mut child) = self.what else { panic!("this gateway is in the test's own process") };
        signal(child.id().expect("it has not been waited for"), "KILL");
        child.wait().await.unwrap();
    }
}

fn last_words(directory: &Path) -> String {
    let log = fs::read_to_string(directory.join("sillok.log")).unwrap_or_default();
    log.lines().last().unwrap_or_default().to_owned()
}

/// What of the settings is not the default, as the program reads it.
fn configuration(settings: &Settings) -> String {
    let text = |value: &Path| written(&value);
    let mut file = format!(
        "data = {}\n[listen]\nrest = \"127.0.0.1:0\"\ngrpc = \"127.0.0.1:0\"\n\
         [limits]\nrate = {}\nburst = {}\n[records]\nurl = {}\n[monitor.hours]\nfrom_hour = {}\nto_hour = {}\n\
         [monitor.drift]\nalerts = {}\n[monitor.failing]\nsigner = {}\nsource = {}\n",
        text(&settings.data),
        settings.limits.rate,
        settings.limits.burst,
        written(&settings.records.url),
        settings.monitor.hours.from_hour,
        settings.monitor.hours.to_hour,
        settings.monitor.drift.alerts,
        settings.monitor.failing.signer,
        settings.monitor.failing.source,
    );
    if let Some(network) = &settings.ledger.fabric.network {
        file += &format!("[ledger]\nengine = \"fabric\"\n[ledger.fabric]\nnetwork = {}\n", text(network));
    }
    if settings.events.engine == events::Engine::Kafka {
        file += &kafka(&settings.events.kafka);
    }
    if settings.archive.engine == ArchiveEngine::Cassandra {
        file += &cassandra(&settings.archive.cassandra);
    }
    if settings.held != held::Settings::default() {
        file += &held(&settings.held);
    }
    file
}

fn held(settings: &held::Settings) -> String {
    let held::Settings { engine, directory, office_keys, pkcs11 } = settings;
    if *engine == HeldEngine::Software {
        return format!(
            "[held]\ndirectory = {}\noffice_keys = {}\n",
            written(directory),
            written(office_keys)
        );
    }
    format!(
        "[held]\nengine = \"pkcs11\"\n[held.pkcs11]\nmodule = {}\ntoken = {}\npin_file = {}\n",
        written(&pkcs11.module),
        written(&pkcs11.token),
        written(&pkcs11.pin_file)
    )
}

fn kafka(settings: &KafkaSettings) -> String {
    let KafkaSettings { brokers, prefix, replication, roots, certificate, key, .. } = settings;
    format!(
        "[events]\nengine = \"kafka\"\n[events.kafka]\nbrokers = {}\nprefix = {}\nreplication = {replication}\n\
         roots = {}\ncertificate = {}\nkey = {}\n",
        written(brokers),
        written(prefix),
        written(roots),
        written(certificate),
        written(key)
    )
}

fn cassandra(settings: &CassandraSettings) -> String {
    let CassandraSettings { nodes, keyspace, replication, root_certificates, certificate, key, .. } =
        settings;
    format!(
        "[archive]\nengine = \"cassandra\"\n[archive.cassandra]\nnodes = {}\nkeyspace = {}\n\
         replication = {replication}\nroot_certificates = {}\ncertificate = {}\nkey = {}\n",
        written(nodes),
        written(keyspace),
        written(root_certificates),
        written(certificate),
        written(key)
    )
}

/// Texts and lists of texts are written alike in JSON and TOML.
fn written(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// The program `sillok`, next to this test's own; built if it is not there.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("sillok");
    if !program.exists() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = std::process::Command::new(cargo)
            .args(["build", "--locked", "-p", "sillok-gateway", "--bin", "sillok", "--target-dir"])
            .arg(program.ancestors().nth(2).unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(built.success(), "cargo could not build the program");
    }
    program
}
