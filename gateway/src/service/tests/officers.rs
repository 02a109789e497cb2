//! Requests that officers sign for a purpose.

use sillok_contract::{
    entry::Entry,
    id::{MspId, OfficerId},
    purpose::Purpose,
};
use sillok_proto::ledger::entry::Result as Outcome;
use tokio_util::sync::CancellationToken;

use super::town::{AUDIENCE, Sent, Town, mark, officer as caller, settings, until};
use crate::{
    clock::now,
    keys::{Asked, Expected, RequestSigner},
    ledger::{consortium::Consortium, officer::Officer},
    records::StoredEntry,
    service::{Caller, RequestState, Service},
};

pub(super) async fn appoint(town: &Town, office: &str, id: &str) -> Officer {
    let consortium = Consortium::Embedded(town.ledger.clone());
    let (office, id) = (MspId::new(office).unwrap(), OfficerId::new(id).unwrap());
    Officer::register(&consortium, office, id).await.unwrap()
}

fn asked(town: &Town, sql: &str) -> Asked {
    Asked { learner: town.schools[0].learners[0].clone(), sql: sql.to_owned(), params: vec![] }
}

fn signed(town: &Town, officer: &Officer, purpose: Purpose, asked: Asked) -> Sent {
    officer.signs(purpose, &town.schools[0].id, AUDIENCE, [asked]).unwrap().into()
}

async fn stored(town: &Town, state: &RequestState) -> StoredEntry {
    town.records.entry(&state.results[0].entry.entry).await.unwrap().unwrap()
}

const ALL: &str = "SELECT * FROM grades";
const RAISE: &str = "UPDATE grades SET score = 91";

#[tokio::test]
async fn rows_are_adopted_and_corrected_and_all_of_it_is_recorded() {
    let town = Town::found(40, 50).await;
    let (han, seo) = (appoint(&town, "OfficeMSP", "han").await, appoint(&town, "SupportMSP", "seo").await);
    let service = town.service(settings());
    let shutdown = CancellationToken::new();
    let running = tokio::spawn({
        let (service, stop) = (service.clone(), shutdown.clone());
        async move { service.run(stop).await }
    });
    let mut done = vec![town.schools[0].marks(0, "수학", 1).to(&service).await.unwrap()];
    for (officer, purpose, sql) in [
        (&han, Purpose::Baseline, ALL),
        (&seo, Purpose::Correction, RAISE),
        (&han, Purpose::Correction, "UPDATE grades SET score = 92 WHERE score = 91"),
    ] {
        let sent = signed(&town, officer, purpose, asked(&town, sql));
        let state = sent.to(&service).await.unwrap();
        assert_eq!(sent.to(&service).await.unwrap().results[0].entry.entry, state.results[0].entry.entry);
        done.push(state);
    }
    until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0).await;
    town.check_everything(&done).await;
    let written = Entry::parse(&stored(&town, &done[0]).await.bytes).unwrap();
    let adopted = Entry::parse(&stored(&town, &done[1]).await.bytes).unwrap();
    let (Outcome::Written(written), Outcome::Adopted(images)) = (written.result, adopted.result) else {
        panic!("a mark is written, then adopted")
    };
    assert_eq!(images.images, written.images, "an adopted row has the image that writing it left");
    assert_eq!(adopted.educator.as_str(), "han");
    let proof = service.proof(&caller(), done[1].results[0].entry.entry).await.unwrap();
    assert!(proof.contains("\"receipt\""), "{proof}");
    shutdown.cancel();
    running.await.unwrap();
}

async fn refused(service: &Service, sent: &Sent) -> &'static str {
    sent.to(service).await.unwrap_err().code
}

#[tokio::test]
async fn what_the_ledger_would_refuse_is_refused_before_it_takes_effect() {
    let town = Town::found(40, 2_000).await;
    let han = appoint(&town, "OfficeMSP", "han").await;
    let service = town.service(settings());
    for (purpose, sql, code) in [
        (Purpose::Baseline, RAISE, "policy.baseline"),
        (Purpose::Baseline, "SELECT score FROM grades", "policy.baseline"),
        (Purpose::Restore, ALL, "entry.purpose_mismatch"),
        (Purpose::Correction, ALL, "entry.purpose_mismatch"),
        (Purpose::Restore, "UPDATE secrets SET score = 1", "policy.table"),
    ] {
        assert_eq!(refused(&service, &signed(&town, &han, purpose, asked(&town, sql))).await, code, "{sql}");
    }
    let mut foreign = asked(&town, RAISE);
    foreign.learner = town.schools[1].learners[0].clone();
    let sent = signed(&town, &han, Purpose::Restore, foreign);
    assert_eq!(refused(&service, &sent).await, "learner.other_school");
    assert_eq!(town.records.unrecorded().await.unwrap(), 0);
}

#[tokio::test]
async fn an_officer_signs_for_a_purpose_and_an_educator_for_none() {
    let town = Town::found(40, 2_000).await;
    let han = appoint(&town, "OfficeMSP", "han").await;
    let service = town.service(settings());
    let teacher = &town.schools[0].educators[0];
    let posing =
        Officer { certificate: teacher.certificate.clone(), key: teacher.key.clone(), ..han.clone() };
    let sent = signed(&town, &posing, Purpose::Restore, asked(&town, RAISE));
    assert_eq!(refused(&service, &sent).await, "officer.unknown");
    let signer = RequestSigner::new(town.schools[0].id.clone(), AUDIENCE, &han.certificate, han.key.clone());
    let learner = &town.schools[0].learners[0];
    let sent: Sent = signer.unwrap().sign([mark(learner, "수학")], now()).unwrap().into();
    assert_eq!(refused(&service, &sent).await, "educator.unknown");
}

#[tokio::test]
async fn a_revoked_officer_is_refused_at_once_and_has_no_access() {
    let town = Town::found(40, 2_000).await;
    let han = appoint(&town, "OfficeMSP", "han").await;
    let service = town.service(settings());
    let (shutdown, access) = (CancellationToken::new(), han.access().unwrap());
    let listening = tokio::spawn({
        let (service, stop) = (service.clone(), shutdown.clone());
        async move { service.listen(stop).await }
    });
    let uri = "https://town/v1/entries/1";
    let enters = async || {
        let call = Expected { audience: AUDIENCE, method: "GET", uri, now: now() };
        service.authenticate(&access.sign(&call, 60), "GET", uri).await
    };
    assert_eq!(enters().await.unwrap(), Caller::Officer { msp: han.office.clone() });
    signed(&town, &han, Purpose::Correction, asked(&town, RAISE)).to(&service).await.unwrap();
    town.office.revoke_officer(&han.id, now()).await.unwrap();
    until("the revocation is heard of", async || {
        let sent = signed(&town, &han, Purpose::Correction, asked(&town, RAISE));
        sent.to(&service).await.is_err_and(|problem| problem.code == "officer.revoked")
    })
    .await;
    assert_eq!(enters().await.unwrap_err().code, "officer.revoked");
    shutdown.cancel();
    listening.await.unwrap();
}
