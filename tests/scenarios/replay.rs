//! Replays and forgeries.

use sillok_contract::request::{Payload, SignedRequest, compact, query_hash};
use sillok_gateway::keys::{PrivateKey, SignedQueries};
use sillok_tests::{
    lesson::{grade, report},
    school::{Plan, Teacher, now},
    world::World,
};

/// The same request has one effect and one answer; its id is good for no other content.
pub(crate) async fn of_a_request(world: &mut World) {
    let school = world.school(Plan::new("Haneul")).await;
    let (teacher, learner) = (&school.educators[0], &school.learners[0]);

    let signed = teacher.signs([grade(learner, 1, "biology", 79), report(learner, 1)]).unwrap();
    let first = world.send(teacher, &signed).await;
    let at_once = tokio::join!(world.send(teacher, &signed), world.send(teacher, &signed));
    world.check_everything().await;
    let later = world.send(teacher, &signed).await;
    for again in [at_once.0, at_once.1, later] {
        assert_eq!(again.request, first.request);
        for (again, first) in again.results.iter().zip(&first.results) {
            assert_eq!(again.entry.entry, first.entry.entry, "the same entry");
            assert_eq!((again.rows, &again.data), (first.rows, &first.data), "the same answer");
        }
    }

    let other = teacher.signs([grade(learner, 2, "biology", 100)]).unwrap();
    let reused = with_id_of(teacher, &signed, &other.queries);
    world.clients.refuses(teacher, &reused, "request.replayed").await;
}

/// What was not signed by an educator, for this gateway, lately, is not done.
pub(crate) async fn of_forgers(world: &mut World) {
    let school = world.school(Plan::new("Sori")).await;
    let (teacher, learner) = (&school.educators[0], &school.learners[0]);
    let honest = teacher.signs([grade(learner, 1, "physics", 55)]).unwrap();

    let payload = SignedRequest::parse(&honest.request).unwrap().payload;
    let forged = signed_by(&PrivateKey::generate().unwrap(), teacher, &payload, &honest.queries);
    world.clients.refuses(teacher, &forged, "request.signature_invalid").await;

    let queries = honest.queries.iter().map(|query| query.replace("55", "95")).collect();
    let tampered = SignedQueries { request: honest.request.clone(), queries };
    let refusal = world.as_seen_by(teacher).refusal(&tampered).await;
    assert_eq!(refusal.code, "request.queries_mismatch");

    let second = now() / 1_000_000;
    let elsewhere = Payload { aud: "another-gateway".to_owned(), jti: "a".repeat(22), ..payload.clone() };
    let old = Payload { iat: second - 3_600, jti: "b".repeat(22), ..payload.clone() };
    let early = Payload { iat: second + 3_600, jti: "c".repeat(22), ..payload };
    let cases = [(elsewhere, "request.audience"), (old, "request.expired"), (early, "request.not_yet")];
    for (payload, code) in cases {
        let signed = signed_by(&teacher.key, teacher, &payload, &honest.queries);
        world.clients.refuses(teacher, &signed, code).await;
    }
    world.check_everything().await;

    // After all these attempts, the honest request is done as if they had not been.
    world.send(teacher, &honest).await;
}

/// Other queries under the id of a request.
fn with_id_of(teacher: &Teacher, used: &SignedQueries, queries: &[String]) -> SignedQueries {
    let used = SignedRequest::parse(&used.request).unwrap().payload;
    let hashes = queries.iter().map(|query| query_hash(query.as_bytes())).collect();
    signed_by(&teacher.key, teacher, &Payload { queries: hashes, ..used }, queries)
}

/// A payload under the educator's name, signed with this key.
fn signed_by(key: &PrivateKey, teacher: &Teacher, payload: &Payload, queries: &[String]) -> SignedQueries {
    let signing_input = payload.signing_input(&teacher.certificate.thumbprint());
    let signature = key.sign_fixed(signing_input.as_bytes());
    SignedQueries { request: compact(&signing_input, &signature), queries: queries.to_vec() }
}
