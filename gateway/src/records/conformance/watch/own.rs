//! Writes to Sillok's own tables: what a gateway does is not told, what anybody else does is.

use super::*;

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

/// What is put back from the ledger is not told, what somebody puts there instead of it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_back_from_the_ledger_is_not_told_and_a_forgery_is() {
    let Some((office, past, database)) = office().await else { return };
    let entries = mending::notes(&office, "one", 3).await;
    let batch = mending::recorded(&entries, "one");
    past.batch_execute("DELETE FROM sillok_entries; DELETE FROM sillok_requests").await.unwrap();
    let watching = Watching::begun(&office.records).await;
    // All of it is gone, then nothing is, then a part.
    office.records.mend(&batch).await.unwrap();
    office.records.mend(&batch).await.unwrap();
    past.batch_execute("UPDATE sillok_requests SET jti = 'y'").await.unwrap();
    let key = |jti: &str| json!({"educator": "educator-1", "jti": jti});
    let mut expected = vec![of("outbox.altered", "UPDATE", "sillok_requests", key("y"))];
    expect(&office.records, SOON, &expected).await;
    office.records.mend(&batch).await.unwrap();

    // The same by somebody whose batch the ledger does not have.
    past.batch_execute("TRUNCATE sillok_entries, sillok_requests, sillok_batches").await.unwrap();
    for table in ["entries", "requests", "batches"] {
        expected.push(of("outbox.altered", "TRUNCATE", &format!("sillok_{table}"), Value::Null));
    }
    expect(&office.records, SOON, &expected).await;
    let forged = LedgerBatch { header: b"not recorded".to_vec(), ..batch.clone() };
    office.records.mend(&forged).await.unwrap();
    let of_batch = json!({"school": "school-1", "sequence": 1});
    expected.push(of("outbox.altered", "INSERT", "sillok_batches", of_batch.clone()));
    expected.push(of("outbox.altered", "INSERT", "sillok_requests", key("one")));
    for entry in &entries {
        expected.push(of("outbox.altered", "INSERT", "sillok_entries", json!({"id": entry.id.to_string()})));
    }
    expect(&office.records, SOON, &expected).await;
    // A row is changed under cover of a true batch.
    office.records.mend(&batch).await.unwrap();
    let cover = "BEGIN; UPDATE notes SET content = 'y' WHERE number = 0;
        UPDATE sillok_batches SET block = block; UPDATE sillok_entries SET leaf = leaf; COMMIT";
    past.batch_execute(cover).await.unwrap();
    let note = json!({"learner": "learner-1", "year": 2026, "area": "one", "number": 0});
    expected.push(of("write.unrecorded", "UPDATE", "notes", note));
    expect(&office.records, SOON, &expected).await;
    // A receipt is another's.
    past.batch_execute("UPDATE sillok_batches SET receipt = 'forged'").await.unwrap();
    expected.push(of("outbox.altered", "UPDATE", "sillok_batches", of_batch));
    expect(&office.records, SOON, &expected).await;
    watching.stop().await;
    drop(office);
    database.drop().await;
}
