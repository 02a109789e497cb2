//! Writes to protected tables past the gateway: each is told once, whoever watches when.

use super::*;

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
