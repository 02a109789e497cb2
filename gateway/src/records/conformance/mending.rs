//! Sillok's own tables, looked at as they lie there, and made anew from the ledger.

use prost::Message as _;
use serde_json::json;
use sillok_contract::{digest::sha256, id::LearnerId};
use sillok_proto::ledger::Entry;

use super::{Office, on_every_engine, school};
use crate::records::{
    EntryStatus, LedgerBatch, LedgerBody, LedgerEntry, LedgerRequest, StoredBatch, StoredEntry,
};

on_every_engine!(
    a_batch_is_made_anew_whatever_stands_in_its_place,
    entries_that_are_in_no_batch_are_astray_until_they_are_freed,
    a_batch_that_never_was_is_forgotten,
);

/// Notes under one request, as the database stored them.
pub(super) async fn notes(office: &Office, jti: &str, count: i64) -> Vec<StoredEntry> {
    let sql = "INSERT INTO notes (year, area, number, content) VALUES (2026, $1, $2, 'x')";
    let params: Vec<_> = (0..count).map(|number| [json!(jti), json!(number)]).collect();
    let queries: Vec<_> = params.iter().map(|params| ("learner-1", sql, &params[..])).collect();
    let outcome = office.executes(&office.request(jti, &queries)).await.unwrap();
    let ids: Vec<_> = outcome.results.iter().map(|result| result.entry).collect();
    let mut entries = office.records.entries(&ids).await.unwrap();
    entries.sort_by_key(|entry| entry.number);
    entries
}

/// The batch as the ledger would have it, with the request of its entries.
pub(super) fn recorded(entries: &[StoredEntry], jti: &str) -> LedgerBatch {
    let entry = |entry: &StoredEntry| LedgerEntry {
        id: entry.id,
        learner: entry.learner.clone(),
        body: Some(LedgerBody {
            educator: entry.educator.clone(),
            request: entry.request,
            bytes: entry.bytes.clone(),
            executed_at: entry.executed_at,
        }),
    };
    // As the request was made up.
    let queries = entries.iter().flat_map(|entry| Entry::decode(entry.bytes.as_slice()).unwrap().query);
    let jws = format!("jws {jti} {}", hex::encode(queries.collect::<Vec<_>>()));
    assert_eq!(sha256(&[jws.as_bytes()]), entries[0].request);
    LedgerBatch {
        school: school(),
        sequence: 1,
        header: b"recorded".to_vec(),
        receipt: b"receipt".to_vec(),
        transaction: "t".to_owned(),
        block: 7,
        entries: entries.iter().map(entry).collect(),
        requests: vec![LedgerRequest {
            digest: entries[0].request,
            educator: entries[0].educator.clone(),
            jti: jti.to_owned(),
            content: sha256(&[b"content"]),
            jws,
            outcome: br#"{"results":[]}"#.to_vec(),
        }],
    }
}

/// A batch in flight with these entries.
pub(super) fn formed(entries: &[StoredEntry]) -> StoredBatch {
    StoredBatch {
        school: school(),
        sequence: 1,
        header: b"another".to_vec(),
        entries: entries.iter().map(|entry| entry.id).collect(),
        body: Some(b"body".to_vec()),
        submitted: None,
        recorded: None,
    }
}

async fn a_batch_is_made_anew_whatever_stands_in_its_place(office: &Office) {
    let (entries, other) = (notes(office, "one", 3).await, notes(office, "two", 1).await);
    let batch = recorded(&entries, "one");
    // Another one is in flight there, with an entry of another request.
    let lease = office.records.claim(&school(), "gateway", 60_000).await.unwrap().unwrap();
    let flying = [entries[0].clone(), other[0].clone()];
    office.records.form(&lease, &formed(&flying)).await.unwrap();
    for _ in 0..2 {
        office.records.mend(&batch).await.unwrap();
        let kept = office.records.kept_batch(&school(), 1).await.unwrap().unwrap();
        let ids: Vec<u8> = entries.iter().flat_map(|entry| entry.id.0).collect();
        assert_eq!((kept.header, kept.entries, kept.block), (batch.header.clone(), ids, Some(7)));
        assert_eq!(
            (kept.transaction.as_deref(), kept.receipt.as_deref()),
            (Some("t"), Some(&b"receipt"[..]))
        );
        for (index, entry) in (0..).zip(&entries) {
            let stored = office.records.entry(&entry.id).await.unwrap().unwrap();
            assert_eq!(stored.status, EntryStatus::Recorded { sequence: 1, index });
            assert_eq!(stored.bytes, entry.bytes);
        }
        let kept = office.records.kept_requests(&[entries[0].request]).await.unwrap();
        assert_eq!((kept.len(), &kept[0].jws, kept[0].jti.as_str()), (1, &batch.requests[0].jws, "one"));
    }
    assert!(office.records.in_flight(&lease).await.unwrap().is_none());
    // What flew with it waits again.
    let astray = office.records.astray(10).await.unwrap();
    assert_eq!(astray.iter().map(|one| one.id.clone()).collect::<Vec<_>>(), [other[0].id.0.to_vec()]);
    assert_eq!(office.records.free_astray(&school()).await.unwrap(), 1);
    let (pending, _) = office.records.pending(&school(), 10, u64::MAX).await.unwrap();
    assert_eq!(pending.iter().map(|entry| entry.id).collect::<Vec<_>>(), [other[0].id]);

    // One whose body was erased, and which is not there at all.
    let mut entry = Entry::decode(entries[0].bytes.as_slice()).unwrap();
    entry.executed_at += 1;
    let id = sillok_contract::entry::EntryId::of(&entry.encode_to_vec());
    let erased = LedgerEntry { id, learner: LearnerId::new("learner-1").unwrap(), body: None };
    let second = LedgerBatch { sequence: 2, entries: vec![erased], requests: Vec::new(), ..batch };
    office.records.mend(&second).await.unwrap();
    let rows = office.records.outbox(&[id]).await.unwrap();
    assert_eq!((rows[0].bytes.len(), rows[0].batch, rows[0].leaf), (0, Some(2), Some(0)));
    assert!(office.records.entry(&id).await.unwrap().is_some(), "it can be read");
}

async fn entries_that_are_in_no_batch_are_astray_until_they_are_freed(office: &Office) {
    let entries = notes(office, "one", 2).await;
    let lease = office.records.claim(&school(), "gateway", 60_000).await.unwrap().unwrap();
    office.records.form(&lease, &formed(&entries)).await.unwrap();
    assert_eq!(office.records.astray(10).await.unwrap(), [], "what is in flight is not astray");
    office.records.finish(&lease, 1, b"{}", "t", 1).await.unwrap();
    assert_eq!(office.records.recorded_after(&school(), 0, 10).await.unwrap(), [1]);
    office.records.forget_batch(&school(), 1).await.unwrap();
    let astray = office.records.astray(10).await.unwrap();
    assert_eq!((astray.len(), astray[0].batch, astray[0].learner.as_str()), (2, 1, "learner-1"));
    assert_eq!(office.records.astray(1).await.unwrap().len(), 1);
    let other = sillok_contract::id::SchoolId::new("other").unwrap();
    assert_eq!(office.records.free_astray(&other).await.unwrap(), 0, "not of another school");
    assert_eq!(office.records.free_astray(&school()).await.unwrap(), 2);
    assert_eq!(office.records.astray(10).await.unwrap(), []);
}

async fn a_batch_that_never_was_is_forgotten(office: &Office) {
    let entries = notes(office, "one", 1).await;
    let lease = office.records.claim(&school(), "gateway", 60_000).await.unwrap().unwrap();
    office.records.form(&lease, &formed(&entries)).await.unwrap();
    office.records.forget_batch(&school(), 1).await.unwrap();
    assert!(office.records.in_flight(&lease).await.unwrap().is_some(), "one in flight is the gateway's");
    assert_eq!(office.records.recorded_after(&school(), 0, 10).await.unwrap(), [0; 0]);
    assert!(office.records.kept_batch(&school(), 2).await.unwrap().is_none());
    assert_eq!(office.records.kept_requests(&[[0; 32]]).await.unwrap(), []);
}
