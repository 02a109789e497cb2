//! Executing requests: all or nothing, once, in order.

use sillok_contract::digest::sha256;
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use prost::Message;
use serde_json::{Value, json};
use sillok_contract::{entry::EntryId, id::LearnerId};
use sillok_proto::ledger::{Entry, entry::Result as EntryResult};

use super::{NOW, Office, on_every_engine, school};
use crate::records::{Admitted, EntryStatus, Executed, RecordsError};

on_every_engine!(
    a_request_takes_effect_and_leaves_its_entries,
    all_of_a_request_or_nothing,
    the_same_request_again_answers_the_same,
    twenty_at_once_take_effect_once,
    who_gives_up_leaves_all_or_nothing,
    other_content_under_the_same_jti_is_a_replay,
    later_effects_on_a_row_have_greater_numbers,
    a_clock_that_is_set_leaves_nothing,
    limits_are_kept,
    a_request_gives_no_more_than_it_may,
    no_entry_is_larger_than_the_ledger_takes,
    constraints_are_told_without_data,
    reads_are_recorded_by_digest,
    an_image_keeps_every_digit,
    adopted_rows_have_the_images_that_writing_them_left,
);

const INSERT: &str = "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, $1, $2)";

async fn a_request_takes_effect_and_leaves_its_entries(office: &Office) {
    let request = office.request(
        "a",
        &[
            ("learner-1", INSERT, &[json!("수학"), json!(90)]),
            ("learner-2", INSERT, &[json!("수학"), json!(80)]),
            ("learner-1", "DELETE FROM grades", &[]),
        ],
    );
    let clock = AtomicI64::new(NOW);
    let now = || clock.fetch_add(1, Ordering::Relaxed);
    let executed = office.records.execute(&request, &now).await.unwrap();
    assert_eq!(executed.before, None);
    let outcome = executed.outcome;
    assert_eq!(outcome.results.iter().map(|result| result.rows).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(outcome.results[1].data[0]["learner"], "learner-2");
    assert_eq!(outcome.results[1].data[0]["confirmed"], false);
    for (index, result) in outcome.results.iter().enumerate() {
        let stored = office.records.entry(&result.entry).await.unwrap().unwrap();
        assert_eq!(stored.id, EntryId::of(&stored.bytes));
        assert_eq!((stored.status, stored.executed_at), (EntryStatus::Pending, NOW + index as i64));
        let entry = Entry::decode(stored.bytes.as_slice()).unwrap();
        assert_eq!(entry.query, request.queries[index].bytes);
        assert_eq!((entry.query_index, entry.executed_at), (index as u32, NOW + index as i64));
        assert_eq!(entry.request_digest, request.digest);
        let Some(EntryResult::Written(written)) = entry.result else { panic!("{entry:?}") };
        assert_eq!((written.rows, written.images.len(), written.images[0].deleted), (1, 1, index == 2));
        let key = format!(
            r#"{{"learner":"{}","subject":"수학","term":1,"year":2026}}"#,
            request.queries[index].learner
        );
        assert_eq!(String::from_utf8(written.images[0].key.clone()).unwrap(), key);
        assert_eq!(
            String::from_utf8(written.images[0].image.clone()).unwrap(),
            format!(
                r#"{{"achievement":null,"confirmed":false,"credits":null,"graded_on":null,"learner":"{}","score":{},"subject":"수학","term":1,"year":2026}}"#,
                request.queries[index].learner,
                if index == 1 { 80 } else { 90 }
            )
        );
    }
    let stored = office.records.request(&request.digest).await.unwrap().unwrap();
    assert_eq!((stored.jws, stored.outcome), (request.jws, outcome));
    assert_eq!((stored.school, stored.educator), (request.school, request.educator.clone()));
    assert_eq!(office.records.unrecorded().await.unwrap(), 3);
    assert_eq!(office.records.used(&request.educator, "a").await.unwrap(), Some(request.content));
    assert_eq!(office.records.used(&request.educator, "b").await.unwrap(), None);
    assert!(office.records.request(&[0; 32]).await.unwrap().is_none());
    assert!(office.records.entry(&EntryId([0; 32])).await.unwrap().is_none());
    office.records.ready().await.unwrap();
}

async fn an_image_keeps_every_digit(office: &Office) {
    let (insert, read) =
        ("INSERT INTO attendance (year, term, absent) VALUES (2026, 1, $1)", "SELECT absent FROM attendance");
    for (absent, written) in
        [(9_007_199_254_740_991, "9007199254740991"), (i64::MAX, "\"9223372036854775807\"")]
    {
        let learner = if absent == i64::MAX { "learner-1" } else { "learner-2" };
        let image = format!(r#""absent":{written},"#);
        let done = office.does(learner, insert, &[json!(absent)]).await.unwrap();
        let EntryResult::Written(result) = result_of(office, &done.results[0].entry).await else {
            panic!("it was not written")
        };
        assert!(String::from_utf8_lossy(&result.images[0].image).contains(&image), "{result:?}");
        let done = office.does(learner, read, &[]).await.unwrap();
        assert_eq!(done.results[0].data[0], json!({"absent": absent}));
        let EntryResult::Read(result) = result_of(office, &done.results[0].entry).await else {
            panic!("it was not read")
        };
        assert_eq!(result.digest, sha256(&[format!(r#"[{{"absent":{written}}}]"#).as_bytes()]));
    }
}

async fn adopted_rows_have_the_images_that_writing_them_left(office: &Office) {
    for (table, insert) in [
        (
            "grades",
            "INSERT INTO grades (year, term, subject, score, confirmed, graded_on, achievement) VALUES \
          (2025, 1, 'Math', 71, TRUE, '2025-07-01', 'C'), (2026, 1, '수학', NULL, FALSE, NULL, NULL)",
        ),
        (
            "notes",
            "INSERT INTO notes (year, area, number, content, written_at) VALUES \
          (2026, 'club', 1, '가\"나', '2026-03-02T00:00:00.25+09:00')",
        ),
        ("attendance", "INSERT INTO attendance (year, term, absent) VALUES (2026, 1, 9223372036854775807)"),
        ("learner", "INSERT INTO learner (name, birth_date) VALUES ('김', '2010-03-02')"),
    ] {
        let done = office.does("learner-1", insert, &[]).await.unwrap();
        let EntryResult::Written(mut written) = result_of(office, &done.results[0].entry).await else {
            panic!("it was not written")
        };
        let done = office.executes(&office.adoption("learner-1", table)).await.unwrap();
        let EntryResult::Adopted(mut adopted) = result_of(office, &done.results[0].entry).await else {
            panic!("it was not adopted")
        };
        assert_eq!(done.results[0].rows, written.rows);
        written.images.sort_by(|a, b| a.key.cmp(&b.key));
        adopted.images.sort_by(|a, b| a.key.cmp(&b.key));
        assert_eq!(adopted.images, written.images, "{table}");
        let none = office.executes(&office.adoption("learner-2", table)).await.unwrap();
        let EntryResult::Adopted(none) = result_of(office, &none.results[0].entry).await else {
            panic!("it was not adopted")
        };
        assert!(none.images.is_empty(), "another learner has none");
    }
}

async fn result_of(office: &Office, entry: &EntryId) -> EntryResult {
    let stored = office.records.entry(entry).await.unwrap().unwrap();
    Entry::decode(stored.bytes.as_slice()).unwrap().result.unwrap()
}

async fn all_of_a_request_or_nothing(office: &Office) {
    let request = office.request(
        "a",
        &[
            ("learner-1", INSERT, &[json!("수학"), json!(90)]),
            ("learner-1", INSERT, &[json!("영어"), json!(101)]),
        ],
    );
    let error = office.executes(&request).await.unwrap_err();
    assert!(matches!(error, RecordsError::Statement { query: 1, .. }), "{error}");
    assert_eq!(office.records.unrecorded().await.unwrap(), 0);
    assert!(office.records.request(&request.digest).await.unwrap().is_none());
    let read = office.does("learner-1", "SELECT count(*) AS n FROM grades", &[]).await.unwrap();
    assert_eq!(read.results[0].data[0], json!({"n": 0}));
    // What was refused did not use its jti up.
    let mended = office.request("a", &[("learner-1", INSERT, &[json!("수학"), json!(90)])]);
    office.executes(&mended).await.unwrap();
}

async fn the_same_request_again_answers_the_same(office: &Office) {
    let request = office.request("a", &[("learner-1", INSERT, &[json!("수학"), json!(90)])]);
    let first = office.executes(&request).await.unwrap();
    let again = Executed { outcome: first, before: Some(request.digest) };
    assert_eq!(office.records.execute(&request, &|| NOW + 1).await.unwrap(), again);
    // Signed anew, and at a time at which it could not be executed.
    let twin = Admitted { digest: [7; 32], ..request.clone() };
    assert_eq!(office.records.execute(&twin, &|| request.times.end() + 1).await.unwrap(), again);
    assert_eq!(office.records.unrecorded().await.unwrap(), 1);
}

async fn twenty_at_once_take_effect_once(office: &Office) {
    let request = office.request("a", &[("learner-1", INSERT, &[json!("수학"), json!(90)])]);
    let outcomes = join_all((0..20).map(|_| office.executes(&request))).await;
    let first = outcomes[0].as_ref().unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().unwrap() == first));
    assert_eq!(office.records.unrecorded().await.unwrap(), 1);
}

async fn who_gives_up_leaves_all_or_nothing(office: &Office) {
    for n in 0..40 {
        let subject = json!(format!("s{n:02}"));
        let request =
            office.request(&subject.to_string(), &[("learner-1", INSERT, &[subject.clone(), json!(90)])]);
        let patience = Duration::from_micros(n * 50);
        let _ = tokio::time::timeout(patience, office.executes(&request)).await;
        let first = office.executes(&request).await.unwrap();
        assert_eq!(office.executes(&request).await.unwrap(), first);
    }
    assert_eq!(office.records.unrecorded().await.unwrap(), 40);
    let read = office.does("learner-1", "SELECT count(*) AS n FROM grades", &[]).await.unwrap();
    assert_eq!(read.results[0].data[0], json!({"n": 40}));
}

async fn other_content_under_the_same_jti_is_a_replay(office: &Office) {
    let request = office.request("a", &[("learner-1", INSERT, &[json!("수학"), json!(90)])]);
    office.executes(&request).await.unwrap();
    let other = office.request("a", &[("learner-1", INSERT, &[json!("영어"), json!(90)])]);
    assert!(matches!(office.executes(&other).await, Err(RecordsError::Replayed)));
    let requests: Vec<_> = (0..8i64)
        .map(|n| office.request("b", &[("learner-1", INSERT, &[json!(format!("s{n}")), json!(n)])]))
        .collect();
    let outcomes = join_all(requests.iter().map(|request| office.executes(request))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(RecordsError::Replayed))));
    assert_eq!(office.records.unrecorded().await.unwrap(), 2);
}

async fn later_effects_on_a_row_have_greater_numbers(office: &Office) {
    office.does("learner-1", INSERT, &[json!("수학"), json!(0)]).await.unwrap();
    let add = |n: usize| {
        office.request(&format!("add {n}"), &[("learner-1", "UPDATE grades SET score = score + 1", &[])])
    };
    let requests: Vec<_> = (0..20).map(add).collect();
    let outcomes = join_all(requests.iter().map(|request| office.executes(request))).await;
    let mut seen = Vec::new();
    for outcome in outcomes {
        let result = outcome.unwrap().results.remove(0);
        let stored = office.records.entry(&result.entry).await.unwrap().unwrap();
        seen.push((stored.number, result.data[0]["score"].as_i64().unwrap()));
    }
    seen.sort_unstable();
    assert_eq!(seen.iter().map(|(_, score)| *score).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
    let (entries, _) = office.records.pending(&school(), 100, u64::MAX).await.unwrap();
    assert!(entries.is_sorted_by_key(|entry| entry.number));
}

async fn a_clock_that_is_set_leaves_nothing(office: &Office) {
    let mark = ("learner-1", INSERT, &[json!("수학"), json!(90)][..]);
    let request = office.request("a", &[mark, ("learner-1", "DELETE FROM grades", &[])]);
    let clock = AtomicI64::new(*request.times.end());
    let ahead = || clock.fetch_add(1, Ordering::Relaxed);
    let refused = office.records.execute(&request, &ahead).await;
    assert!(matches!(refused, Err(RecordsError::OutOfTime)), "{refused:?}");
    let refused = office.records.execute(&request, &|| request.times.start() - 1).await;
    assert!(matches!(refused, Err(RecordsError::OutOfTime)), "{refused:?}");
    assert_eq!(office.records.unrecorded().await.unwrap(), 0);
    assert_eq!(office.executes(&request).await.unwrap().results.len(), 2, "its id is not used up");
}

async fn limits_are_kept(office: &Office) {
    for n in 0..60 {
        office.does("learner-1", INSERT, &[json!(format!("s{n:02}")), json!(50)]).await.unwrap();
    }
    for sql in ["SELECT subject FROM grades", "UPDATE grades SET score = 1", "DELETE FROM grades"] {
        let error = office.does("learner-1", sql, &[]).await.unwrap_err();
        assert!(matches!(error, RecordsError::TooManyRows { query: 0, limit: 50 }), "{sql}: {error}");
    }
    let left =
        office.does("learner-1", "SELECT count(*) AS n, sum(score) AS s FROM grades", &[]).await.unwrap();
    assert_eq!(left.results[0].data[0], json!({"n": 60, "s": 3000}));
    // 60 to the power of 8 rows take longer than anybody has.
    let long = "SELECT count(*) AS n FROM grades a, grades b, grades c, grades d, grades e, grades f, grades g, grades h \
                WHERE a.score + b.score + c.score + d.score + e.score + f.score + g.score + h.score = 1";
    let error = office.does("learner-1", long, &[]).await.unwrap_err();
    assert!(matches!(error, RecordsError::TimedOut(_)), "{error}");
    office.does("learner-1", "SELECT 1 AS one", &[]).await.unwrap();
}

async fn a_request_gives_no_more_than_it_may(office: &Office) {
    let insert = "INSERT INTO notes (year, area, number, content) VALUES (2026, 'a', $1, $2)";
    for n in 0..2 {
        office.does("learner-1", insert, &[json!(n), json!("x".repeat(100_000))]).await.unwrap();
    }
    let read: (&str, &str, &[Value]) = ("learner-1", "SELECT content FROM notes", &[]);
    office.executes(&office.request("four", &[read; 4])).await.unwrap();
    let error = office.executes(&office.request("five", &[read; 5])).await.unwrap_err();
    assert!(matches!(error, RecordsError::ResultTooLarge { query: 4, limit: 1_000_000 }), "{error}");
}

async fn no_entry_is_larger_than_the_ledger_takes(office: &Office) {
    let insert = "INSERT INTO notes (year, area, number, content) VALUES (2026, 'a', $1, $2)";
    for n in 0..2 {
        office.does("learner-1", insert, &[json!(n), json!("x".repeat(100_000))]).await.unwrap();
    }
    let unrecorded = office.records.unrecorded().await.unwrap();
    let longer = "UPDATE notes SET content = content || content";
    let error = office.does("learner-1", longer, &[]).await.unwrap_err();
    assert!(matches!(error, RecordsError::TooManyBytes { query: 0, .. }), "{error}");
    assert_eq!(office.records.unrecorded().await.unwrap(), unrecorded);
    // What is read is in no entry.
    office.does("learner-1", "SELECT content || content || content AS c FROM notes", &[]).await.unwrap();
    office.does("learner-1", "UPDATE notes SET content = 'short'", &[]).await.unwrap();
}

async fn constraints_are_told_without_data(office: &Office) {
    office.does("learner-1", INSERT, &[json!("수학"), json!(90)]).await.unwrap();
    let cases = [
        (INSERT, vec![json!("수학"), json!(1)]),
        (INSERT, vec![json!("영어"), json!(-7654)]),
        (INSERT, vec![serde_json::Value::Null, json!(1)]),
        ("UPDATE grades SET score = score + 7654", vec![]),
        ("INSERT INTO learner (sex) VALUES ($1)", vec![json!("F")]),
        ("SELECT score * 9223372036854775807 AS a FROM grades", vec![]),
    ];
    for (sql, params) in cases {
        let error = office.does("learner-1", sql, &params).await.unwrap_err();
        assert!(matches!(error, RecordsError::Statement { query: 0, .. }), "{sql}: {error:?}");
        let text = error.to_string();
        assert!(!text.contains("learner-1") && !text.contains("7654") && !text.contains("수학"), "{text}");
    }
}

async fn reads_are_recorded_by_digest(office: &Office) {
    office.does("learner-1", INSERT, &[json!("수학"), json!(90)]).await.unwrap();
    let outcome =
        office.does("learner-1", "SELECT subject, score, confirmed FROM grades", &[]).await.unwrap();
    assert_eq!(outcome.results[0].learner, LearnerId::new("learner-1").unwrap());
    let stored = office.records.entry(&outcome.results[0].entry).await.unwrap().unwrap();
    let entry = Entry::decode(stored.bytes.as_slice()).unwrap();
    let Some(EntryResult::Read(read)) = entry.result else { panic!("{entry:?}") };
    assert_eq!(read.rows, 1);
    // SHA-256 of [{"confirmed":false,"score":90,"subject":"수학"}]
    let canonical = r#"[{"confirmed":false,"score":90,"subject":"수학"}]"#;
    assert_eq!(read.digest, sha256(&[canonical.as_bytes()]).to_vec());
}
