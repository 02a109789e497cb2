//! Pictures: what a learner's rows and entries look like to whoever compares them with the ledger.

use prost::Message as _;
use serde_json::{Value, json};
use sillok_contract::{
    entry::EntryId,
    id::{LearnerId, SchoolId},
};
use sillok_proto::ledger::{Entry, entry::Result as EntryResult};

use super::{NOW, Office, on_every_engine, school};
use crate::records::{Picture, Row, Sought, StoredBatch};

on_every_engine!(
    a_row_is_pictured_as_its_entry_imaged_it,
    entries_are_found_wherever_they_are_on_their_way,
    a_picture_is_of_one_learner,
    an_audit_reads_rows_by_learner_and_whose_they_are,
    every_request_and_every_entry_is_on_some_page,
);

fn sought(learner: &str, recorded: &[EntryId], head: u64) -> Sought {
    let heads = vec![(school(), head), (SchoolId::new("school-2").unwrap(), 0)];
    Sought { learner: LearnerId::new(learner).unwrap(), recorded: recorded.to_vec(), heads }
}

async fn picture(office: &Office, learner: &str, recorded: &[EntryId], head: u64) -> Picture {
    office.records.picture(&sought(learner, recorded, head)).await.unwrap()
}

/// The images of what a statement wrote.
async fn written(office: &Office, sql: &str, params: &[Value]) -> Vec<Row> {
    let outcome = office.does("learner-1", sql, params).await.unwrap();
    let stored = office.records.entry(&outcome.results[0].entry).await.unwrap().unwrap();
    let Some(EntryResult::Written(written)) = Entry::decode(stored.bytes.as_slice()).unwrap().result else {
        panic!("it writes")
    };
    let row = |image: sillok_proto::ledger::RowImage| Row {
        table: image.table,
        learner: "learner-1".to_owned(),
        key: image.key,
        image: image.image,
    };
    written.images.into_iter().map(row).collect()
}

async fn a_row_is_pictured_as_its_entry_imaged_it(office: &Office) {
    let statements: [(&str, &[Value]); 6] = [
        ("INSERT INTO learner (name, birth_date) VALUES ('가 \"나\"', '2010-02-28')", &[]),
        (
            "INSERT INTO grades (year, term, subject, score, confirmed) VALUES (2026, 1, '수학', NULL, TRUE)",
            &[],
        ),
        (
            "INSERT INTO grades (year, term, subject, credits) VALUES (2026, 2, 'a', $1)",
            &[json!(1_i64 << 60)],
        ),
        (
            "INSERT INTO notes (year, area, number, content, written_at) VALUES (2026, 'c', 1, '', '2026-03-02T09:00:00.25+09:00')",
            &[],
        ),
        ("INSERT INTO attendance (year, term, absent) VALUES (2026, 1, 3)", &[]),
        ("INSERT INTO awards (awarded_on, title) VALUES ('2026-05-05', 'x')", &[]),
    ];
    let mut expected = Vec::new();
    for (sql, params) in statements {
        expected.extend(written(office, sql, params).await);
    }
    let mut rows = picture(office, "learner-1", &[], 0).await.rows;
    let place = |row: &Row| (row.table.clone(), row.key.clone());
    rows.sort_by_key(place);
    expected.sort_by_key(place);
    assert_eq!(rows, expected);
}

async fn note(office: &Office, learner: &str, number: i64) -> EntryId {
    let sql = "INSERT INTO notes (year, area, number, content) VALUES (2026, 'club', $1, 'x')";
    office.does(learner, sql, &[json!(number)]).await.unwrap().results[0].entry
}

async fn entries_are_found_wherever_they_are_on_their_way(office: &Office) {
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(note(office, "learner-1", number).await);
    }
    let lease = office.records.claim(&school(), "gateway", 60_000).await.unwrap().unwrap();
    let batch = |sequence, entries: &[EntryId]| StoredBatch {
        school: school(),
        sequence,
        header: vec![1; 40],
        entries: entries.to_vec(),
        body: None,
        submitted: None,
        recorded: None,
    };
    for (sequence, id) in [(1, ids[0]), (2, ids[1])] {
        office.records.form(&lease, &batch(sequence, &[id])).await.unwrap();
        office.records.finish(&lease, sequence, b"{}", "t", sequence).await.unwrap();
    }
    office.records.form(&lease, &batch(3, &[ids[2]])).await.unwrap();
    office.records.dissolve(&lease, 3, &[(ids[2], "code".to_owned(), "reason".to_owned())]).await.unwrap();
    office.records.form(&lease, &batch(3, &[ids[3]])).await.unwrap();

    // The ledger told of the first batch: the second came after, the third is in flight.
    let picture = picture(office, "learner-1", &ids[..1], 1).await;
    let found: Vec<_> = picture.entries.iter().map(|entry| entry.id.clone()).collect();
    assert_eq!(found, ids.iter().map(|id| id.0.to_vec()).collect::<Vec<_>>());
    let places: Vec<_> = picture.entries.iter().map(|entry| (entry.batch, entry.leaf)).collect();
    assert_eq!(
        places,
        [
            (Some(1), Some(0)),
            (Some(2), Some(0)),
            (None, None),
            (Some(3), Some(0)),
            (None, None),
            (None, None)
        ]
    );
    assert_eq!(picture.entries[2].code.as_deref(), Some("code"));
    for entry in &picture.entries {
        assert_eq!(entry.id, EntryId::of(&entry.bytes).0);
        let texts = (entry.school.as_str(), entry.learner.as_str(), entry.educator.as_str());
        assert_eq!(texts, ("school-1", "learner-1", "educator-1"));
        assert_eq!(entry.executed_at, NOW);
    }
    assert_eq!(picture.requests.len(), 5, "of what the ledger has, the ledger has the request too");
    assert!(!picture.requests.contains_key(&picture.entries[0].request));
    let stored = office.records.entry(&ids[5]).await.unwrap().unwrap();
    let request = office.records.request(&stored.request).await.unwrap().unwrap();
    assert_eq!(picture.requests[&stored.request[..]], request.jws);
}

async fn a_picture_is_of_one_learner(office: &Office) {
    for learner in ["learner-1", "learner-2", "learner-2"] {
        note(office, learner, rand::random::<u16>().into()).await;
    }
    let lease = office.records.claim(&school(), "gateway", 60_000).await.unwrap().unwrap();
    let (pending, _) = office.records.pending(&school(), 2, u64::MAX).await.unwrap();
    let entries = pending.iter().map(|entry| entry.id).collect();
    let batch = StoredBatch {
        school: school(),
        sequence: 1,
        header: vec![1; 40],
        entries,
        body: None,
        submitted: None,
        recorded: None,
    };
    office.records.form(&lease, &batch).await.unwrap();
    for (learner, count) in [("learner-1", 1), ("learner-2", 2), ("learner-3", 0)] {
        let picture = picture(office, learner, &[], 0).await;
        let counts = (picture.rows.len(), picture.entries.len(), picture.requests.len());
        assert_eq!(counts, (count, count, count), "{learner}");
    }
}

async fn an_audit_reads_rows_by_learner_and_whose_they_are(office: &Office) {
    let names = ["a", "B", "b-1", "b.1", "c"];
    let mut entries = Vec::new();
    for (name, rows) in names.iter().zip(1..) {
        for number in 0..rows {
            entries.push(note(office, name, number).await);
        }
        office.does(name, "INSERT INTO learner (name) VALUES ('x')", &[]).await.unwrap();
    }
    let ids: Vec<_> = ["b-1", "c", "nobody"].map(|name| LearnerId::new(name).unwrap()).into();
    let rows = office.records.rows_of(&ids).await.unwrap();
    let count =
        |name: &str, table: &str| rows.iter().filter(|row| row.learner == name && row.table == table).count();
    assert_eq!((count("b-1", "notes"), count("c", "notes"), rows.len()), (3, 5, 10));
    assert_eq!((count("b-1", "learner"), count("c", "learner")), (1, 1));
    for learner in &ids[..2] {
        let pictured = picture(office, learner.as_str(), &[], 0).await.rows;
        assert!(pictured.iter().all(|row| rows.contains(row)), "the same as in a picture");
    }
    // In the order of their bytes, whatever the database's own.
    let sorted = ["B", "a", "b-1", "b.1", "c"];
    assert_eq!(office.records.learners("", 10).await.unwrap(), sorted);
    assert_eq!(office.records.learners("", 2).await.unwrap(), sorted[..2]);
    assert_eq!(office.records.learners("a", 2).await.unwrap(), sorted[2..4]);
    assert!(office.records.learners("c", 2).await.unwrap().is_empty());
    let outbox = office.records.outbox(&[entries[0], EntryId([7; 32]), entries[5]]).await.unwrap();
    let mut found: Vec<_> = outbox.iter().map(|row| row.id.clone()).collect();
    let mut expected = vec![entries[0].0.to_vec(), entries[5].0.to_vec()];
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

async fn every_request_and_every_entry_is_on_some_page(office: &Office) {
    let mut entries = Vec::new();
    for number in 0..5 {
        entries.push(note(office, "learner-1", number).await.0.to_vec());
    }
    entries.sort();
    let (mut found, mut requests, mut after) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let page = office.records.entries_after(&after, 2).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        requests.extend(page.iter().map(|(_, request)| request.clone()));
        found.extend(page.into_iter().map(|(id, _)| id));
    }
    assert_eq!(found, entries);
    requests.sort();
    let page = office.records.requests_after(&[], 3).await.unwrap();
    let rest = office.records.requests_after(&page[2].0, 3).await.unwrap();
    let digests: Vec<_> = page.iter().chain(&rest).map(|(digest, _)| digest.clone()).collect();
    assert_eq!(digests, requests);
    assert!(page[0].1.starts_with("jws of "));
}
