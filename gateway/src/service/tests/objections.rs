//! Objections that nobody has decided in time.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusBuilder;
use sillok_contract::{act::ObjectionFile, id::ObjectionId, objection::TIME_TO_DECIDE};
use tokio_util::sync::CancellationToken;

use super::town::{AUDIENCE, Town, officer, settings, until};
use crate::{
    clock::now,
    keys::{ActSigner, PrivateKey, salted_reason},
    ledger::consortium::Consortium,
    service::{Caller, ObjectionFiling, ObjectionsWanted, Place, Service},
};

async fn running(service: &Service, work: impl AsyncFnOnce()) {
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (service, stop) = (service.clone(), stop.clone());
        async move { service.run(stop).await }
    });
    work().await;
    stop.cancel();
    running.await.unwrap();
}

/// A learner objects to a mark.
async fn filed(town: &Town) -> ObjectionId {
    let service = town.service(settings());
    let (school, key) = (&town.schools[0], PrivateKey::generate().unwrap());
    let learner = school.learners[0].clone();
    let support = Consortium::Embedded(town.ledger.clone()).administrator("SupportMSP").unwrap();
    support.register_wallet_key(&learner, &key.public_key().of_wallet(1)).await.unwrap();
    let objection = ObjectionId::new("o1").unwrap();
    running(&service, async || {
        let state = school.marks(0, "music", 1).to(&service).await.unwrap();
        let entry = state.results[0].entry.entry;
        until("it is recorded", async || town.records.unrecorded().await.unwrap() == 0).await;
        let place = service.entry(&officer(), entry).await.unwrap().place;
        let Place::Recorded { sequence, index, .. } = place else { panic!("{place:?}") };
        let (reason, digest) = salted_reason("wrong").unwrap();
        let (objection, school) = (objection.clone(), school.id.clone());
        let act = ObjectionFile { objection, entry, school, sequence, index, digest };
        let signer = ActSigner::of_learner(learner.clone(), AUDIENCE, key);
        let filing = ObjectionFiling { act: signer.sign(act, now()).unwrap(), reason };
        service.file_objection(&Caller::Learner { id: learner.clone() }, filing).await.unwrap();
    })
    .await;
    objection
}

#[tokio::test]
async fn what_is_overdue_is_counted_and_says_so() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _of_this_thread = metrics::set_default_local_recorder(&recorder);
    let gauge = || recorder.handle().render();
    let town = Town::found(40, 20).await;
    let objection = filed(&town).await;
    assert!(!gauge().contains("sillok_objections_overdue 1"));
    let later: fn() -> i64 = || now() + TIME_TO_DECIDE + 1_000_000;
    let service =
        town.service_on(town.records.clone(), Arc::new(town.ledger.clone()), settings(), Arc::new(later));
    running(&service, async || {
        until("it is counted", async || gauge().contains("sillok_objections_overdue 1")).await;
    })
    .await;
    let listed = service.objections(&officer(), ObjectionsWanted::default()).await.unwrap();
    assert_eq!((&listed.objections[0].objection, listed.objections[0].overdue), (&objection, true));
}
