//! The checks of requests, their order, and repetition.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use sillok_contract::request::{Payload, SignedRequest, compact};
use tokio_util::sync::CancellationToken;

use super::town::{Sent, Town, mark, officer, settings, until};
use crate::{
    clock::now,
    keys::{Asked, PrivateKey},
    ledger::school::{Educator, School},
    service::{Digest, Service, system_clock},
};

/// The request again with another payload, signed with this key.
fn resigned(sent: &Sent, key: &PrivateKey, change: impl FnOnce(&mut Payload)) -> Sent {
    let signed = SignedRequest::parse(&sent.jws).unwrap();
    let mut payload = signed.payload.clone();
    change(&mut payload);
    let input = payload.signing_input(&signed.thumbprint);
    Sent { jws: compact(&input, &key.sign_fixed(input.as_bytes())), queries: sent.queries.clone() }
}

fn asking(person: &Educator, asked: Asked) -> Sent {
    person.signs([asked]).unwrap().into()
}

async fn code(sent: &Sent, service: &Service) -> &'static str {
    sent.to(service).await.unwrap_err().code
}

#[tokio::test]
async fn each_check_has_its_code_and_its_place() {
    let town = Town::found(40, 2_000).await;
    let mut limited = settings();
    limited.requests.max_queries = 2;
    let service = town.service(limited.clone());
    let School { educators, learners, .. } = &*town.schools[0];
    let (person, stranger) = (&educators[0], PrivateKey::generate().unwrap());
    let key = &person.key;
    let foreign = &town.schools[1].learners[0];
    let first = asking(person, mark(&learners[0], "first"));
    first.to(&service).await.unwrap();
    let jti = SignedRequest::parse(&first.jws).unwrap().payload.jti;
    // From here on every request breaks all checks from one on; each time one more is met.
    let drop = Asked { learner: foreign.clone(), sql: "DROP TABLE grades".to_owned(), params: vec![] };
    let wrong = |payload: &mut Payload| {
        payload.aud = "elsewhere".to_owned();
        payload.iat -= 3_600;
        payload.jti = jti.clone();
    };
    let one = asking(person, drop.clone());
    let three: Sent = person.signs([drop.clone(), drop.clone(), drop]).unwrap().into();
    let large = resigned(&three, &stranger, wrong);
    let garbled = Sent { jws: large.jws.replacen('.', "", 1), ..large.clone() };
    assert_eq!(code(&garbled, &service).await, "request.malformed");
    let swapped = Sent { queries: large.queries.iter().rev().cloned().collect(), ..large.clone() };
    assert_eq!(code(&swapped, &service).await, "request.queries_mismatch");
    let short = Sent { queries: large.queries[1..].to_vec(), ..large.clone() };
    assert_eq!(code(&short, &service).await, "request.queries_mismatch");
    assert_eq!(code(&large, &service).await, "request.queries_too_many");
    assert_eq!(code(&resigned(&one, &stranger, wrong), &service).await, "request.signature_invalid");
    assert_eq!(code(&resigned(&one, key, wrong), &service).await, "request.audience");
    let old = |payload: &mut Payload| {
        payload.iat -= 3_600;
        payload.jti = jti.clone();
    };
    assert_eq!(code(&resigned(&one, key, old), &service).await, "request.expired");
    assert_eq!(code(&resigned(&one, key, |payload| payload.iat += 3_600), &service).await, "request.not_yet");
    let reused = |payload: &mut Payload| payload.jti = jti.clone();
    assert_eq!(code(&resigned(&one, key, reused), &service).await, "request.replayed");
    assert_eq!(code(&one, &service).await, "learner.other_school");
    let elsewhere = resigned(&one, key, |payload| payload.school = town.schools[1].id.clone());
    assert_eq!(code(&elsewhere, &service).await, "educator.other_school");
    let drop = Asked { learner: learners[0].clone(), sql: "DROP TABLE grades".to_owned(), params: vec![] };
    limited.requests.max_unrecorded = 1;
    let full = town.service(limited);
    assert!(code(&asking(person, drop), &full).await.starts_with("policy."));
    let refused = asking(person, mark(&learners[0], "second")).to(&full).await.unwrap_err();
    assert_eq!((refused.code, refused.retry_after), ("ledger.backlog", Some(1)));
    assert_eq!(code(&asking(person, mark(&learners[0], "first")), &service).await, "statement.refused");
    assert_eq!(town.records.unrecorded().await.unwrap(), 1, "nothing refused left an entry");
}

#[tokio::test]
async fn a_request_of_nobody_registered_is_refused() {
    let town = Town::found(40, 2_000).await;
    let other = Town::found(40, 2_000).await;
    let sent = other.schools[0].marks(0, "music", 1);
    assert_eq!(code(&sent, &town.service(settings())).await, "educator.unknown");
}

#[tokio::test]
async fn the_same_request_answers_as_the_first_time_also_when_its_time_is_over() {
    let town = Town::found(40, 2_000).await;
    let later = Arc::new(AtomicI64::new(0));
    let clock = {
        let (later, clock) = (later.clone(), system_clock());
        Arc::new(move || clock() + later.load(Ordering::Relaxed))
    };
    let service = town.service_on(town.records.clone(), Arc::new(town.ledger.clone()), settings(), clock);
    let sent = town.schools[0].marks(0, "music", 3);
    let first = sent.to(&service).await.unwrap();
    assert_eq!(first.request, Digest::of(sent.jws.as_bytes()));
    assert_eq!(sent.to(&service).await.unwrap(), first);
    // The twin signature (r, n - s) verifies too: another text, the same request.
    let twin = Sent { jws: twin(&sent.jws), ..sent.clone() };
    assert_ne!(twin.jws, sent.jws);
    assert_eq!(twin.to(&service).await.unwrap(), first);
    later.store(3_600_000_000, Ordering::Relaxed);
    assert_eq!(sent.to(&service).await.unwrap(), first);
    assert_eq!(town.records.unrecorded().await.unwrap(), 3);
}

/// The order of P-256's group (SEC 2, section 2.4.2).
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

fn twin(jws: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let (input, signature) = jws.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let order = hex::decode(ORDER).unwrap();
    let mut borrow = 0;
    for place in (0..32).rev() {
        let difference = i16::from(order[place]) - i16::from(signature[32 + place]) - borrow;
        borrow = i16::from(difference < 0);
        signature[32 + place] = difference.rem_euclid(256) as u8;
    }
    compact(input, &signature.try_into().unwrap())
}

#[tokio::test]
async fn the_same_request_twice_at_once_is_executed_once() {
    let town = Town::found(40, 2_000).await;
    let service = town.service(settings());
    let sent = town.schools[0].marks(0, "music", 6);
    let (one, other) = tokio::join!(sent.to(&service), sent.to(&service));
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(town.records.unrecorded().await.unwrap(), 6);
}

#[tokio::test]
async fn a_revocation_acts_at_once() {
    let town = Town::found(40, 2_000).await;
    let service = town.service(settings());
    let stop = CancellationToken::new();
    let listening = tokio::spawn({
        let (service, stop) = (service.clone(), stop.clone());
        async move { service.listen(stop).await }
    });
    let school = &town.schools[0];
    school.marks(0, "before", 1).to(&service).await.unwrap();
    town.office.revoke_educator(&school.educators[0].id, now()).await.unwrap();
    let count = AtomicI64::new(0);
    until("the revocation acts", async || {
        let subject = format!("after-{}", count.fetch_add(1, Ordering::Relaxed));
        match school.marks(0, &subject, 1).to(&service).await {
            Ok(_) => false,
            Err(problem) => problem.code == "educator.revoked",
        }
    })
    .await;
    school.marks(1, "colleague", 1).to(&service).await.unwrap();
    stop.cancel();
    listening.await.unwrap();
    assert!(service.batches(&officer(), &school.id, 0, 0).await.unwrap().is_empty());
}
