//! When batches close, and what becomes of an entry the ledger refuses.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sillok_contract::batch::MAX_BODY;
use tokio_util::sync::CancellationToken;

use super::town::{Sent, Town, officer, settings, until};
use crate::{
    keys::Asked,
    service::{Place, RequestState, Service},
};

/// Runs the service until `stop` is cancelled.
fn run(service: &Service) -> (CancellationToken, tokio::task::JoinHandle<()>) {
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (service, stop) = (service.clone(), stop.clone());
        async move { service.run(stop).await }
    });
    (stop, running)
}

async fn counts(town: &Town, service: &Service) -> Vec<u32> {
    let batches = service.batches(&officer(), &town.schools[0].id, 0, 0).await.unwrap();
    batches.iter().map(|batch| batch.count).collect()
}

async fn all_recorded(town: &Town) {
    until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0).await;
}

#[tokio::test]
async fn a_batch_closes_by_count() {
    let town = Town::found(6, 600_000).await;
    let service = town.service(settings());
    let (stop, running) = run(&service);
    let mut answered = Vec::new();
    for number in 0..6 {
        answered.push(town.schools[0].marks(0, &format!("{number}"), 1).to(&service).await.unwrap());
    }
    all_recorded(&town).await;
    assert_eq!(counts(&town, &service).await, [6]);
    stop.cancel();
    running.await.unwrap();
    town.check_everything(&answered).await;
}

#[tokio::test]
async fn a_batch_closes_by_age() {
    let town = Town::found(40, 50).await;
    let service = town.service(settings());
    let (stop, running) = run(&service);
    let answered = town.schools[0].marks(0, "music", 3).to(&service).await.unwrap();
    all_recorded(&town).await;
    assert_eq!(counts(&town, &service).await, [3]);
    stop.cancel();
    running.await.unwrap();
    town.check_everything(&[answered]).await;
}

#[tokio::test]
async fn what_waited_goes_in_one_batch_up_to_the_cap() {
    let town = Town::found(2, 10).await;
    let mut limited = settings();
    limited.batches.max_count = 20;
    let service = town.service(limited);
    let mut answered = Vec::new();
    for number in 0..5 {
        answered.push(town.schools[0].marks(0, &format!("{number}"), 6).to(&service).await.unwrap());
    }
    let (stop, running) = run(&service);
    all_recorded(&town).await;
    assert_eq!(counts(&town, &service).await, [20, 10]);
    stop.cancel();
    running.await.unwrap();
    town.check_everything(&answered).await;
}

#[tokio::test]
async fn what_a_batch_leaves_goes_in_the_next_without_a_poll() {
    let town = Town::found(2, 600_000).await;
    let mut limited = settings();
    limited.batches.max_count = 5;
    // Longer than the test's patience: what has to wait for a poll or for idleness comes too late.
    (limited.batches.poll_ms, limited.batches.lease_ms) = (600_000, 600_000);
    let service = town.service(limited);
    let mut answered = Vec::new();
    for number in 0..5 {
        answered.push(town.schools[0].marks(0, &format!("{number}"), 6).to(&service).await.unwrap());
    }
    let (stop, running) = run(&service);
    all_recorded(&town).await;
    assert_eq!(counts(&town, &service).await, [5; 6]);
    stop.cancel();
    running.await.unwrap();
    town.check_everything(&answered).await;
}

/// Sends reads of many bytes that do not compress: 66 queries of 55 kB.
async fn much(town: &Town, service: &Service) -> Vec<RequestState> {
    let school = &town.schools[0];
    let mut answered = Vec::new();
    for _ in 0..11 {
        let asked = school.learners.iter().map(|learner| Asked {
            learner: learner.clone(),
            sql: "SELECT score FROM grades WHERE subject = $1".to_owned(),
            params: vec![STANDARD.encode(rand::random_iter().take(41_000).collect::<Vec<u8>>()).into()],
        });
        answered.push(Sent::from(school.educators[0].signs(asked).unwrap()).to(service).await.unwrap());
    }
    answered
}

#[tokio::test]
async fn a_batch_holds_a_mebibyte_of_entries() {
    let town = Town::found(40, 20).await;
    let service = town.service(settings());
    let answered = much(&town, &service).await;
    let (stop, running) = run(&service);
    all_recorded(&town).await;
    assert_eq!(counts(&town, &service).await, [19, 19, 19, 9]);
    stop.cancel();
    running.await.unwrap();
    town.check_everything(&answered).await;
}

#[tokio::test]
async fn what_does_not_fit_into_a_body_goes_in_halves() {
    let town = Town::found(40, 20).await;
    let mut large = settings();
    large.batches.max_bytes = MAX_BODY as u64;
    let service = town.service(large);
    let answered = much(&town, &service).await;
    let (stop, running) = run(&service);
    all_recorded(&town).await;
    // All 66 are more than a compressed body holds; after one that fits, everything is tried at once again.
    assert_eq!(counts(&town, &service).await, [33, 33]);
    stop.cancel();
    running.await.unwrap();
    town.check_everything(&answered).await;
}

#[tokio::test]
async fn a_stopping_gateway_records_what_waits_and_gives_its_schools_back() {
    let town = Town::found(40, 600_000).await;
    let service = town.service(settings());
    let (stop, running) = run(&service);
    let answered = town.schools[0].marks(0, "music", 3).to(&service).await.unwrap();
    stop.cancel();
    running.await.unwrap();
    town.check_everything(&[answered]).await;
    let free = town.records.claim(&town.schools[0].id, "next", 1_000).await.unwrap();
    assert!(free.is_some(), "the lease was given back");
}

#[tokio::test]
async fn a_poisoned_entry_is_set_aside_and_the_others_go_on() {
    let town = Town::found(40, 20).await;
    let service = town.service(settings());
    let school = &town.schools[0];
    let good = school.marks(0, "good", 4).to(&service).await.unwrap();
    let bad = school.marks(1, "bad", 2).to(&service).await.unwrap();
    let after = school.marks(0, "after", 4).to(&service).await.unwrap();
    // From before it acted: what it did is executed, and the ledger will not have it.
    town.office.revoke_educator(&school.educators[1].id, 1).await.unwrap();
    let (stop, running) = run(&service);
    all_recorded(&town).await;
    stop.cancel();
    running.await.unwrap();
    town.check_everything(&[good, after]).await;
    for result in &bad.results {
        let entry = service.entry(&officer(), result.entry.entry).await.unwrap();
        assert_eq!(entry.place, Place::SetAside { refusal: "educator.revoked".to_owned() });
    }
    assert_eq!(town.records.set_aside(10).await.unwrap().len(), 2);
    let refused = service.proof(&officer(), bad.results[0].entry.entry).await.unwrap_err();
    assert_eq!(refused.code, "proof.set_aside");
}
