//! Who sees what: states, proofs, batches, streams, access tokens.

use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

use super::town::{AUDIENCE, Sent, Town, mark, officer, settings, until};
use crate::{
    clock::now,
    keys::{AccessToken, Expected, Validity},
    ledger::{consortium::Consortium, receipt::Roots},
    proof::Proof,
    service::{Caller, Cursor, LearnerEntry, Place},
};

async fn recorded(town: &Town) {
    until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0).await;
}

#[tokio::test]
async fn educators_see_theirs_and_officers_all() {
    let town = Town::found(3, 20).await;
    let service = town.service(settings());
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (service, stop) = (service.clone(), stop.clone());
        async move { service.run(stop).await }
    });
    let school = &town.schools[0];
    let state = school.marks(0, "music", 3).to(&service).await.unwrap();
    let id = state.results[0].entry.entry;
    recorded(&town).await;
    let (own, colleague) = (school.caller(0), school.caller(1));
    for caller in [&own, &officer()] {
        let seen = service.request(caller, state.request.0).await.unwrap();
        assert!(seen.results.iter().all(|result| result.data.is_none() && result.rows == 1));
        let place = service.entry(caller, id).await.unwrap().place;
        assert!(matches!(place, Place::Recorded { sequence: 1, index: 0, .. }), "{place:?}");
        let proof = service.proof(caller, id).await.unwrap();
        let roots = Roots::read_dir(&town.ledger.roots_directory()).unwrap();
        Proof::parse(proof.as_bytes()).unwrap().verify(&roots).unwrap();
    }
    assert_eq!(service.request(&colleague, state.request.0).await.unwrap_err().code, "not_found");
    assert_eq!(service.entry(&colleague, id).await.unwrap_err().code, "not_found");
    assert_eq!(service.proof(&colleague, id).await.unwrap_err().code, "not_found");
    assert_eq!(service.batches(&colleague, &school.id, 0, 10).await.unwrap().len(), 1);
    let other = &town.schools[1].id;
    assert_eq!(service.batches(&colleague, other, 0, 10).await.unwrap_err().code, "access.other_school");
    assert!(service.entries(&colleague, other, None).await.is_err());
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_and_follows() {
    let town = Town::found(4, 20).await;
    let service = town.service(settings());
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (service, stop) = (service.clone(), stop.clone());
        async move { service.run(stop).await }
    });
    let school = &town.schools[0];
    let mut sent = Vec::new();
    for number in 0..4 {
        let state = school.marks(number % 2, &format!("{number}"), 6).to(&service).await.unwrap();
        sent.push(state);
    }
    let all: Vec<_> = service
        .entries(&officer(), &school.id, None)
        .await
        .unwrap()
        .take(24)
        .map(Result::unwrap)
        .collect()
        .await;
    let expected: Vec<_> =
        sent.iter().flat_map(|state| &state.results).map(|result| result.entry.entry).collect();
    assert_eq!(all.iter().map(|recorded| recorded.entry.entry).collect::<Vec<_>>(), expected);
    assert!(all.is_sorted_by(|one, next| one.cursor < next.cursor));
    for (place, recorded) in all.iter().enumerate().take(23) {
        let cursor: Cursor = recorded.cursor.to_string().parse().unwrap();
        let mut rest = service.entries(&officer(), &school.id, Some(cursor)).await.unwrap();
        assert_eq!(rest.next().await.unwrap().unwrap(), all[place + 1]);
    }
    let mut following = service.entries(&officer(), &school.id, Some(all[23].cursor)).await.unwrap();
    let next = school.marks(0, "next", 1).to(&service).await.unwrap();
    assert_eq!(following.next().await.unwrap().unwrap().entry.entry, next.results[0].entry.entry);
    let own = service.entries(&school.caller(1), &school.id, None).await.unwrap().take(12);
    let own: Vec<_> = own.map(|recorded| recorded.unwrap().entry.entry).collect().await;
    assert_eq!(own, [&expected[6..12], &expected[18..]].concat());
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn access_tokens_tell_educators_and_officers() {
    let town = Town::found(4, 20).await;
    let service = town.service(settings());
    let uri = "https://town/v1/entries/1";
    let call = Expected { audience: AUDIENCE, method: "GET", uri, now: now() };
    let school = &town.schools[0];
    let token = school.educators[0].access().sign(&call, 60);
    assert_eq!(service.authenticate(&token, "GET", uri).await.unwrap(), school.caller(0));
    let refused = service.authenticate(&token, "POST", uri).await.unwrap_err();
    assert_eq!(refused.code, "access.call");
    let issue = |msp: &str, unit: &str| {
        let issued =
            town.ledger.authority(msp).unwrap().issue("clerk", unit, Validity::days(now(), 1)).unwrap();
        AccessToken::of_officer(&issued.certificate, issued.key).unwrap().sign(&call, 60)
    };
    assert_eq!(service.authenticate(&issue("OfficeMSP", "client"), "GET", uri).await.unwrap(), officer());
    for (msp, unit) in [("SchoolMSP", "client"), ("OfficeMSP", "peer")] {
        let refused = service.authenticate(&issue(msp, unit), "GET", uri).await.unwrap_err();
        assert_eq!(refused.code, "access.unknown", "{msp} {unit}");
    }
    let stranger = Town::found(4, 20).await.schools[0].educators[0].access().sign(&call, 60);
    assert_eq!(service.authenticate(&stranger, "GET", uri).await.unwrap_err().code, "access.unknown");
    town.office.revoke_educator(&school.educators[1].id, 1).await.unwrap();
    let revoked = school.educators[1].access().sign(&call, 60);
    assert_eq!(service.authenticate(&revoked, "GET", uri).await.unwrap_err().code, "educator.revoked");
}

#[tokio::test]
async fn a_learner_sees_their_own_by_number_over_all_schools_and_nothing_else() {
    let town = Town::found(3, 20).await;
    let service = town.service(settings());
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (service, stop) = (service.clone(), stop.clone());
        async move { service.run(stop).await }
    });
    let [north, south] = &town.schools[..] else { panic!("two schools") };
    let (learner, classmate) = (&north.learners[0], &north.learners[1]);
    let (own, other) = (Caller::Learner { id: learner.clone() }, Caller::Learner { id: classmate.clone() });
    let mut following = service.follow_learner(&own, learner, 0).await.unwrap();
    let mut told = Vec::new();
    for number in 0..12 {
        let state = north.marks(number % 2, &format!("{number}"), 2).to(&service).await.unwrap();
        told.push(state);
        recorded(&town).await;
    }
    let support = Consortium::Embedded(town.ledger.clone()).administrator("SupportMSP").unwrap();
    support.move_learner(learner, &south.id, now()).await.unwrap();
    let there = Sent::from(south.educators[0].signs([mark(learner, "there")]).unwrap());
    until("the move is known", async || there.to(&service).await.is_ok()).await;
    told.push(there.to(&service).await.unwrap());
    recorded(&town).await;

    let expected: Vec<_> = (1..).zip(told.iter().map(|state| state.results[0].entry.entry)).collect();
    let numbered = |entries: &[LearnerEntry]| {
        entries.iter().map(|entry| (entry.number, entry.entry.entry)).collect::<Vec<_>>()
    };
    for (after, limit, first, last) in
        [(12, 9, 12, 13), (3, 2, 3, 5), (0, 0, 0, 13), (5, 100, 5, 13), (13, 1, 13, 13)]
    {
        let page = service.learner_entries(&own, learner, after, limit).await.unwrap();
        assert_eq!((page.count, &page.learner), (13, learner));
        assert_eq!(numbered(&page.entries), expected[first..last], "{limit} after {after}");
    }
    let followed: Vec<_> = (&mut following).take(13).map(Result::unwrap).collect().await;
    assert_eq!(numbered(&followed), expected);

    // Another gateway on the same engines knows nothing beforehand, and is asked for what is newest only.
    let second = town.service(settings());
    let page = second.learner_entries(&officer(), learner, 11, 1).await.unwrap();
    assert_eq!(numbered(&page.entries), expected[11..12]);

    let foreign = told[0].results[1].entry.entry;
    assert_eq!(service.entry(&own, expected[0].1).await.unwrap().learner, *learner);
    assert_eq!(service.entry(&own, foreign).await.unwrap_err().code, "not_found");
    assert_eq!(service.proof(&own, foreign).await.unwrap_err().code, "not_found");
    assert_eq!(service.request(&own, told[0].request.0).await.unwrap_err().code, "not_found");
    assert_eq!(service.batches(&own, &north.id, 0, 1).await.unwrap_err().code, "access.other_school");
    for stranger in [&other, &north.caller(0)] {
        let refused = service.learner_entries(stranger, learner, 0, 1).await.unwrap_err();
        assert_eq!(refused.code, "access.other_learner");
        assert!(service.trail(stranger, learner, &"0".repeat(32)).await.is_err());
        assert!(service.follow_learner(stranger, learner, 0).await.is_err());
    }
    let nobody = sillok_contract::id::LearnerId::new("nobody").unwrap();
    assert_eq!(service.learner_entries(&officer(), &nobody, 0, 1).await.unwrap_err().code, "not_found");
    assert_eq!(service.trail(&officer(), &nobody, &"0".repeat(32)).await.unwrap_err().code, "not_found");
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn readiness_says_which_part_is_not_ready() {
    let town = Town::found(4, 20).await;
    let service = town.service(settings());
    let parts = service.ready().await;
    let ready: Vec<_> = parts.iter().map(|part| (part.part, part.ready)).collect();
    assert_eq!(ready, [("database", true), ("ledger", true), ("batcher", false)]);
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (service, stop) = (service.clone(), stop.clone());
        async move { service.run(stop).await }
    });
    until("the batcher is ready", async || service.ready().await.iter().all(|part| part.ready)).await;
    stop.cancel();
    running.await.unwrap();
}
