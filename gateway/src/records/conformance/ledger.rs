//! Leases and batches: one owner, no gaps, nothing of a former owner's.

use futures_util::future::join_all;
use serde_json::json;
use sillok_contract::{entry::EntryId, id::SchoolId};

use super::{NOW, Office, on_every_engine, school};
use crate::records::{EntryStatus, Lease, RecordsError, StoredBatch};

on_every_engine!(
    one_of_many_gets_the_lease,
    a_lease_that_has_ended_is_taken_over,
    a_former_owner_writes_nothing,
    a_batch_goes_its_way,
    a_batch_with_a_bad_entry_is_dissolved,
    only_one_batch_is_in_flight,
    pending_keeps_its_limits,
);

const LONG: u64 = 60_000;

async fn entries(office: &Office, count: usize) -> Vec<EntryId> {
    let mut ids = Vec::new();
    for n in 0..count {
        let sql = "INSERT INTO notes (year, area, number, content) VALUES (2026, 'club', $1, 'x')";
        let outcome = office.does("learner-1", sql, &[json!(n)]).await.unwrap();
        ids.push(outcome.results[0].entry);
    }
    ids
}

fn batch(sequence: u64, entries: &[EntryId]) -> StoredBatch {
    StoredBatch {
        school: school(),
        sequence,
        header: vec![sequence as u8; 40],
        entries: entries.to_vec(),
        body: Some(b"body".to_vec()),
        submitted: None,
        recorded: None,
    }
}

async fn lease(office: &Office, owner: &str) -> Lease {
    office.records.claim(&school(), owner, LONG).await.unwrap().unwrap()
}

async fn one_of_many_gets_the_lease(office: &Office) {
    let owners: Vec<_> = (0..10).map(|n| format!("gateway-{n}")).collect();
    let school = school();
    let claims = join_all(owners.iter().map(|owner| office.records.claim(&school, owner, LONG))).await;
    let got: Vec<_> = claims.into_iter().filter_map(|claim| claim.unwrap()).collect();
    assert_eq!(got.len(), 1);
    office.records.renew(&got[0], LONG).await.unwrap();
    let other = SchoolId::new("school-2").unwrap();
    assert!(office.records.claim(&other, "gateway-x", LONG).await.unwrap().is_some());
    office.records.release(&got[0]).await.unwrap();
    let next = lease(office, "gateway-x").await;
    assert!(next.token > got[0].token);
}

async fn a_lease_that_has_ended_is_taken_over(office: &Office) {
    let first = office.records.claim(&school(), "gateway-1", 1).await.unwrap().unwrap();
    let second = loop {
        if let Some(lease) = office.records.claim(&school(), "gateway-2", LONG).await.unwrap() {
            break lease;
        }
        tokio::task::yield_now().await;
    };
    assert!(second.token > first.token);
    assert!(matches!(office.records.renew(&first, LONG).await, Err(RecordsError::LeaseLost)));
    office.records.release(&first).await.unwrap();
    office.records.renew(&second, LONG).await.unwrap();
    let claims = join_all((0..4).map(|_| office.records.claim(&first.school, "gateway-3", LONG))).await;
    assert!(claims.into_iter().all(|claim| claim.unwrap().is_none()));
}

async fn a_former_owner_writes_nothing(office: &Office) {
    let ids = entries(office, 2).await;
    let former = lease(office, "gateway-1").await;
    office.records.form(&former, &batch(1, &ids[..1])).await.unwrap();
    office.records.release(&former).await.unwrap();
    let owner = lease(office, "gateway-2").await;
    let lost = |result: Result<(), RecordsError>| assert!(matches!(result, Err(RecordsError::LeaseLost)));
    lost(office.records.form(&former, &batch(2, &ids[1..])).await);
    lost(office.records.store_envelope(&former, 1, "t", b"e").await);
    lost(office.records.finish(&former, 1, b"{}", "t", 1).await);
    lost(office.records.dissolve(&former, 1, &[]).await);
    lost(office.records.renew(&former, LONG).await);
    assert!(matches!(office.records.in_flight(&former).await, Err(RecordsError::LeaseLost)));
    // The batch is the new owner's, as it was.
    let stored = office.records.in_flight(&owner).await.unwrap().unwrap();
    assert_eq!(stored, batch(1, &ids[..1]));
}

pub(super) async fn a_batch_goes_its_way(office: &Office) {
    let ids = entries(office, 3).await;
    let backlog = office.records.backlog().await.unwrap();
    assert_eq!(backlog.len(), 1);
    assert_eq!((backlog[0].pending, backlog[0].oldest, backlog[0].in_flight), (3, Some(NOW), false));
    let lease = lease(office, "gateway-1").await;
    assert!(office.records.in_flight(&lease).await.unwrap().is_none());
    assert!(office.records.last_batch(&school()).await.unwrap().is_none());

    office.records.form(&lease, &batch(1, &ids[..2])).await.unwrap();
    let backlog = office.records.backlog().await.unwrap();
    assert_eq!((backlog[0].pending, backlog[0].in_flight), (1, true));
    assert_eq!(office.records.unrecorded().await.unwrap(), 3);
    let (pending, _) = office.records.pending(&school(), 10, u64::MAX).await.unwrap();
    assert_eq!(pending.iter().map(|entry| entry.id).collect::<Vec<_>>(), ids[2..]);

    office.records.store_envelope(&lease, 1, "t-0", b"first").await.unwrap();
    office.records.store_envelope(&lease, 1, "t-1", b"envelope").await.unwrap();
    let stored = office.records.in_flight(&lease).await.unwrap().unwrap();
    assert_eq!(stored.submitted, Some(("t-1".to_owned(), b"envelope".to_vec())));
    assert!(office.records.batch(&school(), 1).await.unwrap().is_none());

    office.records.finish(&lease, 1, b"{\"receipt\":1}", "t-1", 7).await.unwrap();
    office.records.finish(&lease, 1, b"{\"receipt\":1}", "t-1", 7).await.unwrap();
    assert!(office.records.in_flight(&lease).await.unwrap().is_none());
    let stored = office.records.batch(&school(), 1).await.unwrap().unwrap();
    assert_eq!((stored.body.clone(), stored.submitted.clone()), (None, None));
    assert_eq!(stored.recorded, Some((b"{\"receipt\":1}".to_vec(), 7)));
    assert_eq!(stored.entries, ids[..2]);
    assert_eq!(office.records.last_batch(&school()).await.unwrap(), Some(stored.clone()));
    let entry = office.records.entry(&ids[1]).await.unwrap().unwrap();
    assert_eq!(entry.status, EntryStatus::Recorded { sequence: 1, index: 1 });
    assert_eq!(office.records.unrecorded().await.unwrap(), 1);

    office.records.form(&lease, &batch(2, &ids[2..])).await.unwrap();
    assert_eq!(office.records.last_batch(&school()).await.unwrap(), Some(stored.clone()));
    office.records.finish(&lease, 2, b"{}", "t-2", 8).await.unwrap();
    let sequences =
        |batches: Vec<StoredBatch>| batches.iter().map(|batch| batch.sequence).collect::<Vec<_>>();
    assert_eq!(sequences(office.records.batches(&school(), 0, 10).await.unwrap()), [1, 2]);
    assert_eq!(sequences(office.records.batches(&school(), 1, 10).await.unwrap()), [2]);
    assert_eq!(sequences(office.records.batches(&school(), 0, 1).await.unwrap()), [1]);
    assert!(office.records.batches(&school(), u64::MAX, 10).await.unwrap().is_empty());
    assert!(office.records.backlog().await.unwrap().is_empty());
    assert_eq!(office.records.unrecorded().await.unwrap(), 0);
}

pub(super) async fn a_batch_with_a_bad_entry_is_dissolved(office: &Office) {
    let ids = entries(office, 3).await;
    let lease = lease(office, "gateway-1").await;
    office.records.form(&lease, &batch(1, &ids)).await.unwrap();
    let refused = [(ids[1], "entry.signature".to_owned(), "it is not signed".to_owned())];
    office.records.dissolve(&lease, 1, &refused).await.unwrap();
    assert!(office.records.in_flight(&lease).await.unwrap().is_none());
    let aside = office.records.set_aside(10).await.unwrap();
    assert_eq!(aside.iter().map(|entry| entry.id).collect::<Vec<_>>(), [ids[1]]);
    assert_eq!(
        aside[0].status,
        EntryStatus::SetAside { code: "entry.signature".into(), reason: "it is not signed".into() }
    );
    let (pending, _) = office.records.pending(&school(), 10, u64::MAX).await.unwrap();
    assert_eq!(pending.iter().map(|entry| entry.id).collect::<Vec<_>>(), [ids[0], ids[2]]);
    assert_eq!(office.records.unrecorded().await.unwrap(), 2);
    // The sequence is free again.
    office.records.form(&lease, &batch(1, &[ids[0], ids[2]])).await.unwrap();
}

async fn only_one_batch_is_in_flight(office: &Office) {
    let ids = entries(office, 3).await;
    let lease = lease(office, "gateway-1").await;
    office.records.form(&lease, &batch(1, &ids[..1])).await.unwrap();
    assert!(office.records.form(&lease, &batch(2, &ids[1..])).await.is_err());
    office.records.finish(&lease, 1, b"{}", "t", 1).await.unwrap();
    assert!(office.records.form(&lease, &batch(1, &ids[1..])).await.is_err());
    assert!(office.records.form(&lease, &batch(2, &ids)).await.is_err(), "one is recorded already");
    assert!(office.records.store_envelope(&lease, 1, "t", b"e").await.is_err());
    assert!(office.records.dissolve(&lease, 1, &[]).await.is_err());
    let (pending, _) = office.records.pending(&school(), 10, u64::MAX).await.unwrap();
    assert_eq!(pending.len(), 2, "what was refused took no effect");
    office.records.form(&lease, &batch(2, &ids[1..])).await.unwrap();
}

async fn pending_keeps_its_limits(office: &Office) {
    let sql = "SELECT 1 AS one";
    let queries: Vec<_> = (0..5).map(|_| ("learner-1", sql, &[][..])).collect();
    let request = office.request("five", &queries);
    office.executes(&request).await.unwrap();
    entries(office, 2).await;
    let (pending, requests) = office.records.pending(&school(), 5, u64::MAX).await.unwrap();
    assert_eq!(pending.len(), 5);
    assert_eq!(requests, [(request.digest, request.jws.clone())]);
    let (pending, requests) = office.records.pending(&school(), 6, u64::MAX).await.unwrap();
    assert_eq!((pending.len(), requests.len()), (6, 2));
    let two = (pending[0].bytes.len() + pending[1].bytes.len()) as u64;
    assert_eq!(office.records.pending(&school(), 6, two).await.unwrap().0.len(), 2);
    assert_eq!(office.records.pending(&school(), 6, two - 1).await.unwrap().0.len(), 1);
    assert_eq!(office.records.pending(&school(), 6, 0).await.unwrap().0.len(), 1);
    let other = SchoolId::new("school-2").unwrap();
    assert!(office.records.pending(&other, 6, u64::MAX).await.unwrap().0.is_empty());
}
