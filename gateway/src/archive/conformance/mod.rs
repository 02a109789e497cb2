//! What every archive owes, run against each: the table in SQLite always, that in PostgreSQL where `SILLOK_TEST_POSTGRES`
//! names a server, and Cassandra where `SILLOK_TEST_CASSANDRA` names the run directory of network/cassandra.sh.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod cassandra;
mod engine;
mod rotation;
mod stored;

use std::sync::Arc;

use sillok_contract::digest::sha256;

use super::{Archive, Evidence, OfficeKeys, RecordId, Vault};

/// An archive with what the tests need around it.
struct Office {
    archive: Arc<dyn Archive>,
    vault: Vault,
    keys: tempfile::TempDir,
}

impl Office {
    fn new(archive: Arc<dyn Archive>) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let vault = vault(archive.clone(), &keys);
        Self { archive, vault, keys }
    }

    /// A vault of another process: it has read nothing yet.
    fn another(&self) -> Vault {
        vault(self.archive.clone(), &self.keys)
    }
}

fn vault(archive: Arc<dyn Archive>, keys: &tempfile::TempDir) -> Vault {
    Vault::new(archive, Arc::new(OfficeKeys::open_or_make(keys.path(), NOW).unwrap()))
}

/// The time at which everything happens.
const NOW: i64 = 1_790_000_000_000_000;

/// What is in no test's ciphertext.
const SECRET: &str = "이 문장은 어느 저장소에도 그대로 남지 않는다";

fn id(of: &str) -> RecordId {
    RecordId(sha256(&[of.as_bytes()]))
}

fn evidence(of: &str) -> Evidence {
    Evidence {
        certificates: vec!["-----BEGIN CERTIFICATE-----".to_owned()],
        verdict: Some(serde_json::json!({ "valid": true, "of": SECRET })),
        ..Evidence::of(format!("{of}..signature"))
    }
}

/// Makes each function a test on each engine.
macro_rules! on_every_archive {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let (office, _directory) = super::super::engine::sqlite().await;
                super::$test(&office).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some((office, database)) = super::super::engine::postgres().await {
                    super::$test(&office).await;
                    drop(office);
                    database.drop().await;
                }
            })*
        }

        mod cassandra {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some((office, nodes)) = super::super::engine::cassandra().await {
                    super::$test(&office).await;
                    drop(office);
                    nodes.drop_keyspace().await;
                }
            })*
        }
    };
}
use on_every_archive;
