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
