//! What the watch rests on: publication, slot, tables, role.

use super::*;

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
    let office = Office { records, policy: Policy::new(Arc::new(schema), Limits::default()) };
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_slot_is_given_up_when_nobody_hears_it() {
    let Some((office, past, database)) = office().await else { return };
    let settings = database.settings();
    let watching = Watching::begun(&office.records).await;
    let refused = crate::records::drop_watch(&settings).await.unwrap_err().to_string();
    assert!(refused.contains("a gateway watches at the moment"), "{refused}");
    watching.stop().await;
    unheard(&past).await;
    assert!(crate::records::drop_watch(&settings).await.unwrap());
    let left = "SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database()
                UNION ALL SELECT pubname::text FROM pg_publication UNION ALL SELECT slot FROM sillok_watch";
    assert!(past.query(left, &[]).await.unwrap().is_empty(), "nothing keeps the log any more");
    assert!(!crate::records::drop_watch(&settings).await.unwrap(), "there is nothing more to drop");
    // A gateway that watches makes all of it anew; it was given up knowingly, so no gap is told.
    past.batch_execute("INSERT INTO learner VALUES ('learner-1', 'Kim')").await.unwrap();
    let watching = Watching::begun(&office.records).await;
    past.batch_execute("DELETE FROM learner").await.unwrap();
    let key = json!({"learner": "learner-1"});
    expect(&office.records, SOON, &[of("write.unrecorded", "DELETE", "learner", key)]).await;
    watching.stop().await;
    drop(office);
    database.drop().await;
}
