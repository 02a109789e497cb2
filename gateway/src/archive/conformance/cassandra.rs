//! Real nodes of Cassandra, and what befalls them alone.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use figment::{Figment, providers::Format as _};
use futures_util::future::join_all;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{NOW, SECRET, engine, evidence, id};
use crate::archive::{CassandraSettings, Settings, cassandra::session};

/// Held for writing by a test that kills nodes, which are everybody's.
static DISTURBED: RwLock<()> = RwLock::const_new(());

/// The nodes of network/cassandra.sh, and a keyspace of this test's own.
pub(super) struct Nodes {
    run: PathBuf,
    pub(super) settings: CassandraSettings,
    undisturbed: Option<RwLockReadGuard<'static, ()>>,
}

impl Nodes {
    pub(super) async fn of_environment() -> Option<Self> {
        let Some(run) = env::var_os("SILLOK_TEST_CASSANDRA").map(PathBuf::from) else {
            println!("SKIPPED on Cassandra: SILLOK_TEST_CASSANDRA names no run directory");
            return None;
        };
        #[derive(serde::Deserialize)]
        struct File {
            archive: Settings,
        }
        let text = fs::read_to_string(run.join("cassandra/archive.toml")).unwrap();
        let file: File = Figment::from(figment::providers::Toml::string(&text)).extract().unwrap();
        let settings = CassandraSettings {
            keyspace: format!("test_{:x}", rand::random::<u64>()),
            timeout_ms: 10_000,
            wait_ms: 60_000,
            ..file.archive.cassandra
        };
        Some(Self { run, settings, undisturbed: Some(DISTURBED.read().await) })
    }

    /// Waits until nobody else uses them.
    async fn alone(&mut self) -> RwLockWriteGuard<'static, ()> {
        self.undisturbed = None;
        DISTURBED.write().await
    }

    pub(super) async fn drop_keyspace(self) {
        let session = session::connect(&self.settings).await.unwrap();
        session.query_unpaged(format!("DROP KEYSPACE {}", self.settings.keyspace), ()).await.unwrap();
    }

    /// Has the script do something with a node.
    async fn script(&self, command: &'static str, node: &'static str) {
        let run = self.run.clone();
        let done = tokio::task::spawn_blocking(move || {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../network/cassandra.sh");
            Command::new(script).args([command, node, "--dir"]).arg(run).status()
        });
        assert!(done.await.unwrap().unwrap().success(), "{command} {node}");
    }

    /// In the files of how many nodes these bytes are.
    fn holding(&self, bytes: &[u8]) -> usize {
        let nodes = ["cassandra1", "cassandra2", "cassandra3"];
        nodes.iter().filter(|node| holds(&self.run.join("cassandra").join(node), bytes)).count()
    }
}

/// Whether a file below here holds these bytes. What goes away meanwhile is no longer there.
fn holds(directory: &Path, bytes: &[u8]) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    entries.flatten().map(|entry| entry.path()).any(|path| match path.is_dir() {
        true => holds(&path, bytes),
        false => fs::read(&path).is_ok_and(|file| file.windows(bytes.len()).any(|window| window == bytes)),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_nodes_have_on_disk_is_ciphertext() {
    let Some((office, nodes)) = engine::cassandra().await else { return };
    office.vault.store(&id("a"), &evidence("a"), NOW).await.unwrap();
    let sealed = office.archive.get(&id("a")).await.unwrap().unwrap();
    // What rests is found, so it is looked for in the right places.
    assert!(nodes.holding(&sealed.ciphertext[..32]) >= 2);
    assert!(nodes.holding(&sealed.key.bytes) >= 2);
    assert_eq!(nodes.holding(SECRET.as_bytes()), 0);
    assert_eq!(nodes.holding(b"a..signature"), 0);
    let key = fs::read_dir(office.keys.path()).unwrap().next().unwrap().unwrap().path();
    let key = fs::read_to_string(key).unwrap();
    assert_eq!(nodes.holding(key.trim_end().as_bytes()), 0);
    assert_eq!(nodes.holding(&hex::decode(key.trim_end()).unwrap()), 0);
    nodes.drop_keyspace().await;
}

/// Nothing that was answered is lost, and nothing is refused meanwhile: first one node is killed under load, and when it is
/// back another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_killed_under_load_costs_nothing() {
    let Some((office, mut nodes)) = engine::cassandra().await else { return };
    let _alone = nodes.alone().await;
    let next = AtomicU32::new(0);
    let store_until = async |end: u32| {
        let worker = async || loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= end {
                break;
            }
            let of = number.to_string();
            assert!(office.vault.store(&id(&of), &evidence(&of), NOW).await.unwrap(), "{number}");
            assert_eq!(office.vault.load(&id(&of)).await.unwrap(), Some(evidence(&of)), "{number}");
        };
        join_all((0..8).map(|_| worker())).await;
    };
    let kill_at = async |number: u32, node: &'static str| {
        while next.load(Ordering::Relaxed) < number {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        nodes.script("kill", node).await;
    };
    tokio::join!(store_until(400), kill_at(100, "cassandra3"));
    nodes.script("start", "cassandra3").await;
    next.store(400, Ordering::Relaxed);
    tokio::join!(store_until(600), kill_at(450, "cassandra2"));
    for number in 0..600 {
        let of = number.to_string();
        assert_eq!(office.another().load(&id(&of)).await.unwrap(), Some(evidence(&of)), "{number}");
    }
    nodes.script("start", "cassandra2").await;
    nodes.drop_keyspace().await;
}
