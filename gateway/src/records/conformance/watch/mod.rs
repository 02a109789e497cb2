//! Writes past the gateway: each is told once, and nothing that came through it.

mod own;
mod setup;
mod writes;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::{
    Office,
    engines::{self, Database, Ledgers},
    ledger, mending, statements,
};
use crate::records::{
    Alert, LedgerBatch, OpenError, Records, Settings, Sighting, WatchMode, WatchSettings, open,
    policy::{Limits, Policy},
    schema::Schema,
};

/// How long after its commit a write may go untold.
const SOON: Duration = Duration::from_secs(5);
/// How long a test waits for anything else.
const PATIENCE: Duration = Duration::from_secs(30);

const INSERT: &str = "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, $1, $2)";

/// A gateway that watches.
struct Watching {
    watches: Arc<Mutex<bool>>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Watching {
    fn start(records: &Arc<dyn Records>) -> Self {
        let (watches, shutdown) = (Arc::new(Mutex::new(false)), CancellationToken::new());
        let (records, told, stop) = (records.clone(), watches.clone(), shutdown.clone());
        let task = tokio::spawn(async move {
            let tell = |sighting| {
                if let Sighting::Watching(watching) = sighting {
                    *told.lock().unwrap() = watching;
                }
            };
            records.watch(&tell, &Ledgers, &stop).await;
        });
        Self { watches, shutdown, task }
    }

    async fn begun(records: &Arc<dyn Records>) -> Self {
        let watching = Self::start(records);
        within(PATIENCE, "the watch begins", async || watching.watches().then_some(())).await;
        watching
    }

    fn watches(&self) -> bool {
        *self.watches.lock().unwrap()
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }
}

async fn within<T>(limit: Duration, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What an alert says, in short.
type Told = (String, String, String, Value);

fn told(alert: &Alert) -> Told {
    let finding = &alert.finding;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let key = finding.key.clone().map_or(Value::Null, Value::Object);
    (finding.kind.clone(), text(&finding.operation), text(&finding.table), key)
}

async fn alerts(records: &Arc<dyn Records>) -> Vec<Alert> {
    records.alerts(0, 10_000).await.unwrap()
}

/// Waits for so many alerts; they are these, in no order.
async fn expect(records: &Arc<dyn Records>, limit: Duration, expected: &[Told]) {
    let found = within(limit, &format!("{expected:?}"), async || {
        Some(alerts(records).await).filter(|found| found.len() >= expected.len())
    })
    .await;
    let mut found: Vec<_> = found.iter().map(told).collect();
    let mut expected = expected.to_vec();
    found.sort_by_key(|told| format!("{told:?}"));
    expected.sort_by_key(|told| format!("{told:?}"));
    assert_eq!(found, expected);
}

fn of(kind: &str, operation: &str, table: &str, key: Value) -> Told {
    (kind.to_owned(), operation.to_owned(), table.to_owned(), key)
}

fn unrecorded(operation: &str, subject: &str) -> Told {
    of("write.unrecorded", operation, "grades", mark(subject))
}

/// The key of a mark of `learner-1`.
fn mark(subject: &str) -> Value {
    json!({"learner": "learner-1", "year": 2026, "term": 1, "subject": subject})
}

async fn marks(office: &Office, subjects: &[&str]) {
    for subject in subjects {
        office.does("learner-1", INSERT, &[json!(subject), json!(80)]).await.unwrap();
    }
}

/// An office on PostgreSQL, somebody past its gateway, and what is to be dropped.
async fn office() -> Option<(Office, Client, Database)> {
    let (office, database) = engines::postgres().await?;
    let client = database.client().await;
    Some((office, client, database))
}
