//! Writes past the gateway: each is told once, and nothing that came through it.

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
    engines::{self, Database},
    ledger, statements,
};
use crate::records::{
    Alert, OpenError, Records, Settings, Sighting, WatchMode, WatchSettings, open, policy::Policy,
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
            records.watch(&tell, &stop).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_write_past_the_gateway_is_told_by_table_and_key() {
    let Some((office, past, database)) = office().await else { return };
    let watching = Watching::begun(&office.records).await;
    marks(&office, &["music", "art", "math", "history"]).await;
    let mut expected = Vec::new();
    for (sql, operation, subjects) in [
        ("UPDATE grades SET score = 100 WHERE subject = 'music'", "UPDATE", &["music"][..]),
        ("INSERT INTO grades VALUES ('learner-1', 2026, 1, 'latin', 1)", "INSERT", &["latin"]),
        ("DELETE FROM grades WHERE subject = 'art'", "DELETE", &["art"]),
        // What is swapped is as it was, in sum.
        (
            "UPDATE grades SET score = 80 - score WHERE subject IN ('math', 'history')",
            "UPDATE",
            &["math", "history"],
        ),
        ("UPDATE grades SET subject = 'greek' WHERE subject = 'latin'", "UPDATE", &["latin", "greek"]),
    ] {
        past.batch_execute(sql).await.unwrap();
        expected.extend(subjects.iter().map(|subject| unrecorded(operation, subject)));
        expect(&office.records, SOON, &expected).await;
    }
    past.batch_execute("TRUNCATE grades, notes").await.unwrap();
    for table in ["grades", "notes"] {
        expected.push(of("write.unrecorded", "TRUNCATE", table, Value::Null));
    }
    expect(&office.records, SOON, &expected).await;
    let all = alerts(&office.records).await;
    assert!(all.iter().all(|alert| alert.finding.xid.is_some() && alert.finding.lsn.is_some()), "{all:?}");
    let late = |alert: &Alert| alert.seen_at - alert.finding.committed_at.unwrap();
    assert!(all.iter().all(|alert| (0..5_000_000).contains(&late(alert))), "{all:?}");
    watching.stop().await;
    drop(office);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_through_the_gateway_is_not_told() {
    let Some((office, past, database)) = office().await else { return };
    let watching = Watching::begun(&office.records).await;
    statements::outcomes(&office).await;
    // Beyond what PostgreSQL keeps in the row itself: where it does not change, the log does not tell it.
    let long: String = (0..60_000).map(|_| char::from(rand::random_range(b'a'..=b'z'))).collect();
    let note = "INSERT INTO notes (year, area, number, content) VALUES (2031, 'club', 1, $1)";
    office.does("learner-1", note, &[json!(long)]).await.unwrap();
    let sql = "UPDATE notes SET written_at = '2026-03-02T00:00:00Z' WHERE year = 2031";
    office.does("learner-1", sql, &[]).await.unwrap();
    // Several times the same row under one signature.
    let (insert, change, delete) =
        (INSERT, "UPDATE grades SET score = 3 WHERE subject = 'x'", "DELETE FROM grades WHERE subject = 'x'");
    let queries: &[(&str, &str, &[Value])] = &[
        ("learner-1", insert, &[json!("x"), json!(1)]),
        ("learner-1", change, &[]),
        ("learner-1", delete, &[]),
        ("learner-1", insert, &[json!("x"), json!(2)]),
    ];
    office.executes(&office.request("several", queries)).await.unwrap();
    past.batch_execute("UPDATE notes SET written_at = now() WHERE year = 2031").await.unwrap();
    let key = json!({"learner": "learner-1", "year": 2031, "area": "club", "number": 1});
    expect(&office.records, SOON, &[of("write.unrecorded", "UPDATE", "notes", key)]).await;
    watching.stop().await;
    drop(office);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batchs_way_is_not_told() {
    for story in 0..2 {
        let Some((office, past, database)) = office().await else { return };
        let watching = Watching::begun(&office.records).await;
        match story {
            0 => ledger::a_batch_goes_its_way(&office).await,
            _ => ledger::a_batch_with_a_bad_entry_is_dissolved(&office).await,
        }
        past.batch_execute("TRUNCATE grades").await.unwrap();
        expect(&office.records, SOON, &[of("write.unrecorded", "TRUNCATE", "grades", Value::Null)]).await;
        watching.stop().await;
        drop(office);
        database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_while_nobody_watched_is_told_once() {
    let Some((office, past, database)) = office().await else { return };
    let watching = Watching::begun(&office.records).await;
    marks(&office, &["music"]).await;
    watching.stop().await;
    past.batch_execute("UPDATE grades SET score = 1").await.unwrap();
    marks(&office, &["art"]).await;
    let expected = [unrecorded("UPDATE", "music")];
    for _ in 0..2 {
        let watching = Watching::begun(&office.records).await;
        expect(&office.records, PATIENCE, &expected).await;
        watching.stop().await;
    }
    // Killed instead of stopped, at any moment.
    let mut all = expected.to_vec();
    for number in 0..5 {
        let watching = Watching::begun(&office.records).await;
        let subject = format!("n{number}");
        let sql = format!("INSERT INTO grades VALUES ('learner-1', 2026, 1, '{subject}', 1)");
        past.batch_execute(&sql).await.unwrap();
        all.push(unrecorded("INSERT", &subject));
        tokio::time::sleep(Duration::from_millis(number * 3)).await;
        watching.task.abort();
    }
    let watching = Watching::begun(&office.records).await;
    expect(&office.records, PATIENCE, &all).await;
    watching.stop().await;
    drop(office);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_gateways_one_watches_and_the_other_takes_over() {
    let Some((office, past, database)) = office().await else { return };
    let other = open(&database.settings()).await.unwrap();
    let first = Watching::begun(&office.records).await;
    let second = Watching::start(&other);
    marks(&office, &["music"]).await;
    past.batch_execute("UPDATE grades SET score = 1").await.unwrap();
    expect(&other, SOON, &[unrecorded("UPDATE", "music")]).await;
    assert!(first.watches() && !second.watches());
    first.task.abort();
    past.batch_execute("DELETE FROM grades").await.unwrap();
    expect(&other, PATIENCE, &[unrecorded("UPDATE", "music"), unrecorded("DELETE", "music")]).await;
    assert!(second.watches());
    second.stop().await;
    drop((office, other));
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_says_otherwise_hides_nothing() {
    let Some((office, past, database)) = office().await else { return };
    marks(&office, &["music", "art"]).await;
    let watching = Watching::begun(&office.records).await;
    // Somebody takes real entries away and stores them again with another change, or with none.
    let taken = "CREATE TABLE taken AS SELECT * FROM sillok_entries;
        CREATE TABLE asked AS SELECT * FROM sillok_requests;
        DELETE FROM sillok_entries; DELETE FROM sillok_requests; DELETE FROM grades";
    past.batch_execute(taken).await.unwrap();
    let before = within(SOON, "what was taken", async || {
        Some(alerts(&office.records).await.len()).filter(|count| *count == 6)
    });
    before.await;
    let again = "BEGIN; INSERT INTO sillok_requests SELECT * FROM asked;
        INSERT INTO sillok_entries OVERRIDING SYSTEM VALUE SELECT * FROM taken;
        INSERT INTO grades VALUES ('learner-1', 2026, 1, 'music', 99); COMMIT";
    past.batch_execute(again).await.unwrap();
    let found = within(SOON, "what was put back", async || {
        Some(alerts(&office.records).await.split_off(6)).filter(|found| found.len() >= 2)
    });
    let mut found: Vec<_> = found.await.iter().map(told).collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let unfounded = of("entry.unfounded", "INSERT", "grades", mark("art"));
    assert_eq!(found, [unfounded, of("write.differs", "INSERT", "grades", mark("music"))]);
    watching.stop().await;
    drop(office);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_gateway_does_to_silloks_tables_is_told() {
    let Some((office, past, database)) = office().await else { return };
    ledger::a_batch_goes_its_way(&office).await;
    marks(&office, &["music"]).await;
    let watching = Watching::begun(&office.records).await;
    let waiting = "WHERE batch IS NULL";
    let mut count = 0;
    for (sql, operation, table) in [
        (format!("UPDATE sillok_entries SET bytes = bytes || '\\x00' {waiting}"), "UPDATE", "sillok_entries"),
        (format!("UPDATE sillok_entries SET learner = 'other' {waiting}"), "UPDATE", "sillok_entries"),
        // It would never come to the ledger.
        (format!("UPDATE sillok_entries SET code = 'x', reason = 'y' {waiting}"), "UPDATE", "sillok_entries"),
        (
            "UPDATE sillok_entries SET batch = 1, leaf = 7 WHERE code = 'x'".to_owned(),
            "UPDATE",
            "sillok_entries",
        ),
        ("DELETE FROM sillok_entries WHERE batch = 1 AND leaf = 7".to_owned(), "DELETE", "sillok_entries"),
        ("DELETE FROM sillok_batches WHERE sequence = 2".to_owned(), "DELETE", "sillok_batches"),
        ("UPDATE sillok_requests SET jws = '' WHERE jti LIKE '%7'".to_owned(), "UPDATE", "sillok_requests"),
        ("TRUNCATE sillok_requests".to_owned(), "TRUNCATE", "sillok_requests"),
        ("DELETE FROM sillok_alerts WHERE id = 1".to_owned(), "DELETE", "sillok_alerts"),
    ] {
        let changed = past.execute(&sql, &[]).await.unwrap();
        let gone = usize::from(table == "sillok_alerts");
        let more = if operation == "TRUNCATE" { 1 } else { changed as usize };
        let found = within(SOON, &sql, async || {
            Some(alerts(&office.records).await).filter(|found| found.len() >= count + more - gone)
        });
        let found = found.await;
        assert_eq!(found.len(), count + more - gone, "{sql}: {found:?}");
        for alert in &found[count - gone..] {
            let (kind, done, of, _) = told(alert);
            assert_eq!(
                (kind.as_str(), done.as_str(), of.as_str()),
                ("outbox.altered", operation, table),
                "{sql}"
            );
        }
        count = found.len();
    }
    watching.stop().await;
    drop(office);
    database.drop().await;
}

/// Waits until the server has seen that nobody hears the slot any more.
async fn unheard(past: &Client) {
    let heard = "SELECT FROM pg_replication_slots WHERE database = current_database() AND active";
    let seen = async || past.query(heard, &[]).await.unwrap().is_empty().then_some(());
    within(PATIENCE, "nobody hears the slot", seen).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_blinds_the_watch_is_told() {
    let Some((office, past, database)) = office().await else { return };
    let watching = Watching::begun(&office.records).await;
    let kinds = async || alerts(&office.records).await.iter().map(|alert| told(alert).0).collect::<Vec<_>>();
    let until = async |kind: &str, times: usize| {
        within(PATIENCE, kind, async || {
            (kinds().await.iter().filter(|found| *found == kind).count() >= times).then_some(())
        })
        .await;
    };
    past.batch_execute("ALTER PUBLICATION sillok_watch DROP TABLE grades").await.unwrap();
    until("watch.altered", 1).await;
    past.batch_execute("ALTER PUBLICATION sillok_watch SET (publish = 'insert')").await.unwrap();
    until("watch.altered", 2).await;
    past.batch_execute("DROP PUBLICATION sillok_watch; INSERT INTO learner VALUES ('learner-1', 'Kim')")
        .await
        .unwrap();
    until("watch.altered", 3).await;
    // What was written meanwhile cannot be told any more; what is written then, can.
    until("watch.gap", 1).await;
    within(PATIENCE, "the watch goes on", async || watching.watches().then_some(())).await;
    watching.stop().await;

    let slot = "SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database()";
    let slot: String = past.query_one(slot, &[]).await.unwrap().get(0);
    past.batch_execute("INSERT INTO learner VALUES ('learner-2', 'Lee')").await.unwrap();
    let moved = format!("SELECT pg_replication_slot_advance('{slot}', pg_current_wal_lsn())");
    unheard(&past).await;
    past.batch_execute(&moved).await.unwrap();
    let watching = Watching::begun(&office.records).await;
    until("watch.gap", 2).await;
    watching.stop().await;
    unheard(&past).await;
    past.batch_execute(&format!("SELECT pg_drop_replication_slot('{slot}')")).await.unwrap();
    let watching = Watching::begun(&office.records).await;
    until("watch.gap", 3).await;
    marks(&office, &["music"]).await;
    past.batch_execute("DELETE FROM grades").await.unwrap();
    until("write.unrecorded", 1).await;
    watching.stop().await;
    drop(office);
    database.drop().await;
}

const PARTS: &str = "CREATE DOMAIN points AS bigint CHECK (VALUE >= 0);
    CREATE TABLE parts (learner text COLLATE \"C\", year bigint, given points, word varchar(20), hidden text,
        PRIMARY KEY (learner, year)) PARTITION BY RANGE (year);
    CREATE TABLE parts_old PARTITION OF parts FOR VALUES FROM (0) TO (2000);
    CREATE TABLE parts_new PARTITION OF parts FOR VALUES FROM (2000) TO (3000)";
const OF_PARTS: &str = "[tables.parts]\nlearner = 'learner'\nkey = ['learner', 'year']\n\
    columns = { learner = 'text', year = 'integer', given = 'integer', word = 'text' }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_domains_and_columns_that_are_not_described() {
    let Some(database) = engines::database().await else { return };
    let past = database.client().await;
    past.batch_execute(PARTS).await.unwrap();
    let schema = Schema::from_toml(OF_PARTS).unwrap();
    let settings = Settings { schema: Some(schema.clone()), ..database.settings() };
    let records = open(&settings).await.unwrap();
    let office = Office { records, policy: Policy::new(Arc::new(schema), super::Limits::default()) };
    let watching = Watching::begun(&office.records).await;
    let insert = "INSERT INTO parts (year, given, word) VALUES ($1, $2, $3)";
    for year in [1990, 2020] {
        office.does("learner-1", insert, &[json!(year), json!(7), json!("ab")]).await.unwrap();
    }
    past.batch_execute("UPDATE parts_old SET hidden = 'x'; TRUNCATE parts_new").await.unwrap();
    let key = json!({"learner": "learner-1", "year": 1990});
    let expected = [
        of("write.unrecorded", "UPDATE", "parts", key),
        of("write.unrecorded", "TRUNCATE", "parts", Value::Null),
    ];
    expect(&office.records, SOON, &expected).await;
    watching.stop().await;
    drop(office);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_whose_rows_the_log_does_not_name_is_not_published() {
    let Some(database) = engines::database().await else { return };
    let past = database.client().await;
    past.batch_execute("CREATE TABLE parts (learner text, year bigint, given bigint, word text)")
        .await
        .unwrap();
    let schema = Some(Schema::from_toml(OF_PARTS).unwrap());
    let with =
        |mode| Settings { schema: schema.clone(), watch: WatchSettings { mode }, ..database.settings() };
    let Err(OpenError::Setting(told)) = open(&with(WatchMode::On)).await else { panic!("it is refused") };
    assert!(told.starts_with("records.watch.mode:") && told.contains("parts"), "{told}");
    let records = open(&with(WatchMode::Auto)).await.unwrap();
    // It returns at once, and the office's own programs go on.
    Watching::start(&records).task.await.unwrap();
    past.batch_execute("INSERT INTO parts VALUES ('a', 1); UPDATE parts SET year = 2").await.unwrap();
    past.batch_execute("ALTER TABLE parts REPLICA IDENTITY FULL").await.unwrap();
    drop(records);
    let records = open(&with(WatchMode::On)).await.unwrap();
    let watching = Watching::begun(&records).await;
    past.batch_execute("DELETE FROM parts").await.unwrap();
    let key = json!({"learner": "a", "year": 2});
    expect(&records, SOON, &[of("write.unrecorded", "DELETE", "parts", key)]).await;
    watching.stop().await;
    drop(records);
    database.drop().await;
}
