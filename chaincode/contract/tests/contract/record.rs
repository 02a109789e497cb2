//! What RecordBatch writes, and each thing it refuses: every test changes one thing in a batch that would be recorded.

use p256::ecdsa::Signature;
use prost::Message;
use serde_json::json;
use sillok_contract::{
    Code, Refusal,
    batch::{self, Head, MAX_AGE, MAX_AHEAD, MAX_WAIT, SKEW},
    id::SchoolId,
    merkle,
};
use sillok_proto::ledger::{BatchRecord, LearnerHead, Position};

use super::world::*;

/// What is answered to the usual batch after one change to it.
fn refused(change: impl FnOnce(&World, &mut Draft)) -> Refusal {
    let mut world = World::new();
    refused_in(&mut world, change)
}

fn refused_in(world: &mut World, change: impl FnOnce(&World, &mut Draft)) -> Refusal {
    let mut draft = world.draft();
    change(world, &mut draft);
    let before = (world.ledger.state.clone(), world.ledger.private.clone());
    let refusal = world.record(&draft).unwrap_err();
    assert_eq!(before, (world.ledger.state.clone(), world.ledger.private.clone()));
    assert!(world.ledger.events.is_empty());
    refusal
}

fn assert_refused(refusal: Refusal, code: Code, entry: Option<u32>) {
    assert_eq!((refusal.code, refusal.entry), (code, entry), "{refusal}");
}

#[test]
fn a_batch_is_recorded() {
    let mut world = World::new();
    let draft = world.draft();
    let (header, body) = draft.seal();
    let recorded = world.record(&draft).unwrap();

    assert_eq!((recorded.school.as_str(), recorded.sequence, recorded.repeated), ("school-1", 1, false));
    let record = BatchRecord::decode(world.ledger.state["batch/school-1/000000000001"].as_slice()).unwrap();
    assert_eq!((&record.header, &record.transaction), (&header, &recorded.transaction));
    let hashes: Vec<_> = draft.entry_bytes().iter().map(|entry| merkle::leaf_hash(entry).to_vec()).collect();
    assert_eq!(record.leaves.iter().map(|leaf| leaf.hash.clone()).collect::<Vec<_>>(), hashes);
    assert_eq!(world.ledger.private[&("bodies".to_owned(), "school-1/000000000001".to_owned())], body);

    let (name, payload) = world.ledger.events.pop().unwrap();
    let head: Head = serde_json::from_slice(&payload).unwrap();
    assert_eq!((name.as_str(), &payload), (batch::EVENT, &world.ledger.state["head/school-1"]));
    assert_eq!((head.sequence, head.header_hash), (1, recorded.header_hash));
}

#[test]
fn the_gateway_forms_the_batch_that_the_ledger_records() {
    let mut world = World::new();
    let draft = world.draft();
    let school = SchoolId::new("school-1").unwrap();
    let formed = batch::build(&school, 1, [0; 32], &draft.requests, &draft.entry_bytes()).unwrap();
    assert_eq!(formed.header, draft.seal().0);
    let recorded = world.record_bytes(formed.header, formed.body, NOW).unwrap();
    assert_eq!(recorded.header_hash, formed.header_hash);
}

#[test]
fn the_gateway_hears_early_of_an_entry_whose_form_the_ledger_would_refuse() {
    let world = World::new();
    let mut draft = world.draft();
    draft.entries[1].query_index = 2;
    let school = SchoolId::new("school-1").unwrap();
    let refusal = batch::build(&school, 1, [0; 32], &draft.requests, &draft.entry_bytes()).unwrap_err();
    assert_refused(refusal, Code::QueryNotRequested, Some(1));
}

#[test]
fn a_batch_costs_one_round_trip_and_few_keys() {
    let mut world = World::new();
    let (header, body) = world.draft().seal();
    world.ledger.round_trips = 0;
    let creator = Some(world.creator("SupportMSP", "client"));
    let transient = [("body".to_owned(), body)].into();
    world.ledger.transaction =
        super::ledger::Transaction { creator, transient, time: NOW, ..world.transaction() };
    sillok_contract::invoke(&mut world.ledger, "RecordBatch", &[header]).unwrap();
    assert_eq!(world.ledger.round_trips, 1);
    // Batch, head, body; two learners' trails; one request.
    assert_eq!(world.ledger.commit(), 6);
}

#[test]
fn a_learners_entries_are_numbered_and_linked_over_batches_and_schools() {
    let mut world = World::new();
    let first = world.record(&world.draft()).unwrap();
    let mut second = Draft::after("school-1", &first);
    second.add("kim", &world.kim, "request-2", &["L1"]);
    world.record(&second).unwrap();

    let leaves =
        |world: &World, key: &str| BatchRecord::decode(world.ledger.state[key].as_slice()).unwrap().leaves;
    let position = |sequence, index| Some(Position { school: "school-1".into(), sequence, index });
    let numbers: Vec<_> = leaves(&world, "batch/school-1/000000000001")
        .into_iter()
        .map(|leaf| (leaf.learner, leaf.number, leaf.previous))
        .collect();
    assert_eq!(numbers, [("L1".into(), 1, None), ("L2".into(), 1, None), ("L1".into(), 2, position(1, 0))]);
    let leaf = &leaves(&world, "batch/school-1/000000000002")[0];
    assert_eq!((leaf.number, leaf.previous.clone()), (3, position(1, 2)));
    let head = LearnerHead::decode(world.ledger.state["trail/L1"].as_slice()).unwrap();
    assert_eq!(head, LearnerHead { count: 3, last: position(2, 0) });

    world
        .admin("SupportMSP", "MoveLearner", &[&json!("L1"), &json!("school-2"), &json!(NOW + SECOND)])
        .unwrap();
    let mut third = Draft::new("school-2");
    third.add("lee", &world.lee, "request-1", &["L1"]);
    third.entries[0].executed_at = NOW + SECOND;
    world.record(&third).unwrap();
    let leaf = &leaves(&world, "batch/school-2/000000000001")[0];
    assert_eq!((leaf.number, leaf.previous.clone()), (4, position(2, 0)));
}

#[test]
fn a_repeated_batch_answers_with_the_first_ones_transaction_and_changes_nothing() {
    let mut world = World::new();
    let draft = world.draft();
    let first = world.record(&draft).unwrap();
    let mut second = Draft::after("school-1", &first);
    second.add("kim", &world.kim, "request-2", &["L1"]);
    world.record(&second).unwrap();
    let state = world.ledger.state.clone();
    world.ledger.events.clear();

    let again = world.record_at(&draft, NOW + 365 * DAY).unwrap();
    assert!(again.repeated);
    assert_eq!((again.transaction, again.header_hash), (first.transaction, first.header_hash));
    assert_eq!(world.ledger.state, state);
    assert!(world.ledger.events.is_empty());
}

#[test]
fn no_other_batch_takes_a_number_that_is_taken() {
    let mut world = World::new();
    let first = world.record(&world.draft()).unwrap();
    let mut other = Draft::new("school-1");
    other.add("kim", &world.kim, "request-2", &["L1"]);
    let refusal = world.record(&other).unwrap_err();
    assert!(refusal.message.contains(&first.transaction));
    assert_refused(refusal, Code::BatchTaken, None);
}

#[test]
fn batches_follow_without_gaps_and_each_names_the_one_before() {
    assert_refused(refused(|_, draft| draft.sequence = 2), Code::BatchGap, None);
    assert_refused(refused(|_, draft| draft.sequence = 0), Code::BatchMalformed, None);
    assert_refused(refused(|_, draft| draft.sequence = u64::MAX), Code::BatchMalformed, None);
    assert_refused(refused(|_, draft| draft.previous[31] = 1), Code::BatchPrevious, None);
    let mut world = World::new();
    let first = world.record(&world.draft()).unwrap();
    let mut second = Draft { previous: [0; 32], ..Draft::after("school-1", &first) };
    second.add("kim", &world.kim, "request-2", &["L1"]);
    assert_refused(world.record(&second).unwrap_err(), Code::BatchPrevious, None);
}

#[test]
fn the_body_is_needed() {
    let mut world = World::new();
    let creator = world.creator("SupportMSP", "client");
    let header = world.draft().seal().0;
    assert_eq!(world.call(creator, "RecordBatch", &[header]).unwrap_err().code, Code::ArgumentMalformed);
}

#[test]
fn the_header_is_what_follows_from_the_entries() {
    type Change = fn(&mut sillok_proto::ledger::BatchHeader);
    let changes: [(Change, Code); 8] = [
        (|header| header.root[0] ^= 1, Code::BatchHeader),
        (|header| header.root.clear(), Code::BatchHeader),
        (|header| header.count += 1, Code::BatchHeader),
        (|header| header.first_time -= 1, Code::BatchHeader),
        (|header| header.last_time += 1, Code::BatchHeader),
        (|header| header.previous.truncate(31), Code::BatchMalformed),
        (|header| header.school = "../x".into(), Code::IdentifierMalformed),
        (|header| header.school = "x".repeat(2000), Code::BatchMalformed),
    ];
    let mut world = World::new();
    for (number, (change, code)) in changes.into_iter().enumerate() {
        let draft = world.draft();
        let mut header = draft.header();
        change(&mut header);
        let refusal = world.record_bytes(header.encode_to_vec(), draft.seal().1, NOW).unwrap_err();
        assert_eq!(refusal.code, code, "change {number}: {refusal}");
    }
}

#[test]
fn the_query_is_one_of_the_requests_at_its_index() {
    let refusal = refused(|_, draft| draft.entries[2].query = query("L1", 9));
    assert_refused(refusal, Code::QueryNotRequested, Some(2));
    let refusal = refused(|_, draft| draft.entries[2].query_index = 0);
    assert_refused(refusal, Code::QueryNotRequested, Some(2));
    let refusal = refused(|_, draft| draft.entries[2].query_index = 3);
    assert_refused(refusal, Code::QueryNotRequested, Some(2));
    let refusal = refused(|_, draft| draft.entries[2].query_index = u32::MAX);
    assert_refused(refusal, Code::QueryNotRequested, Some(2));
}

#[test]
fn the_request_is_in_the_batch_and_every_request_has_an_entry() {
    let refusal = refused(|_, draft| draft.entries[1].request_digest[0] ^= 1);
    assert_refused(refusal, Code::BatchMalformed, Some(1));
    let refusal = refused(|_, draft| draft.requests.clear());
    assert_refused(refusal, Code::BatchMalformed, Some(0));
    let refusal = refused(|world, draft| {
        draft.requests.push(world.kim.sign(&payload("request-2", "school-1", &[query("L1", 0)])));
    });
    assert_refused(refusal, Code::BatchMalformed, None);
    let refusal = refused(|_, draft| draft.requests.push(draft.requests[0].clone()));
    assert_refused(refusal, Code::BatchMalformed, None);
}

#[test]
fn the_request_is_signed_by_the_educators_key() {
    // Somebody else's key under kim's thumbprint.
    let refusal = refused(|world, draft| {
        let queries = ["L1", "L2", "L1"].iter().zip(0..).map(|(learner, number)| query(learner, number));
        let payload = payload("request-1", "school-1", &queries.collect::<Vec<_>>());
        let input = payload.signing_input(&world.kim.certificate().thumbprint());
        draft.replace_request(world.lee.sign_input(&input));
    });
    assert_refused(refusal, Code::RequestSignature, Some(0));
    // A changed payload under kim's signature.
    let refusal = refused(|world, draft| {
        let (_, signature) = draft.requests[0].rsplit_once('.').unwrap();
        let queries = ["L1", "L2", "L1"].iter().zip(0..).map(|(learner, number)| query(learner, number));
        let payload = payload("request-7", "school-1", &queries.collect::<Vec<_>>());
        let input = payload.signing_input(&world.kim.certificate().thumbprint());
        draft.replace_request(format!("{input}.{signature}"));
    });
    assert_refused(refusal, Code::RequestSignature, Some(0));
}

#[test]
fn the_signature_of_each_request_is_checked_not_only_the_firsts() {
    let refusal = refused(|world, draft| {
        draft.add("kim", &world.kim, "request-2", &["L2"]);
        let forged = {
            let input = payload("request-2", "school-1", &[query("L2", 0)]);
            world.lee.sign_input(&input.signing_input(&world.kim.certificate().thumbprint()))
        };
        draft.requests[1] = forged.clone();
        draft.entries[3].request_digest = sillok_contract::request::query_hash(forged.as_bytes()).to_vec();
    });
    assert_refused(refusal, Code::RequestSignature, Some(3));
}

#[test]
fn the_request_names_the_certificate_of_the_entrys_educator() {
    let mut world = World::new();
    let park = world.authority.issue("park", &["client"]);
    let educators = json!([world.educator("park", "school-1", &park.pem)]);
    world.admin("OfficeMSP", "RegisterEducators", &[&educators]).unwrap();
    world.ledger.events.clear();
    // Kim signed; the gateway says park did, for one of the entries.
    let refusal = refused_in(&mut world, |_, draft| draft.entries[1].educator = "park".into());
    assert_refused(refusal, Code::RequestCertificate, Some(1));
}

#[test]
fn one_school_throughout() {
    assert_refused(
        refused(|_, draft| draft.entries[1].school = "school-2".into()),
        Code::EntrySchool,
        Some(1),
    );
    let refusal = refused(|world, draft| {
        let queries = ["L1", "L2", "L1"].iter().zip(0..).map(|(learner, number)| query(learner, number));
        let payload = payload("request-1", "school-2", &queries.collect::<Vec<_>>());
        draft.replace_request(world.kim.sign(&payload));
    });
    assert_refused(refusal, Code::EntrySchool, Some(0));
}

#[test]
fn the_entry_is_about_the_learner_of_its_query() {
    assert_refused(refused(|_, draft| draft.entries[1].learner = "L1".into()), Code::EntryLearner, Some(1));
}

#[test]
fn who_is_not_registered_does_not_stand() {
    let mut world = World::new();
    world.ledger.state.remove("school/school-1");
    assert_refused(refused_in(&mut world, |_, _| {}), Code::SchoolUnknown, None);
    assert_refused(
        refused(|_, draft| draft.entries[1].educator = "ghost".into()),
        Code::EducatorUnknown,
        Some(1),
    );
    let mut world = World::new();
    world.ledger.state.remove("learner/L2");
    assert_refused(refused_in(&mut world, |_, _| {}), Code::LearnerUnknown, Some(1));
}

#[test]
fn an_educator_of_another_school_has_no_say() {
    let refusal = refused(|world, draft| draft.add("lee", &world.lee, "request-2", &["L1"]));
    assert_refused(refusal, Code::EducatorElsewhere, Some(3));
}

#[test]
fn a_learner_of_another_school_is_not_theirs() {
    let refusal = refused(|world, draft| draft.add("kim", &world.kim, "request-2", &["L1", "L3"]));
    assert_refused(refusal, Code::LearnerElsewhere, Some(4));
}

#[test]
fn a_learner_is_their_schools_from_enrolment_until_they_move() {
    for (moved, expected) in [(NOW + 2, Some(Code::LearnerElsewhere)), (NOW + 3, None)] {
        let mut world = World::new();
        world.admin("SupportMSP", "MoveLearner", &[&json!("L1"), &json!("school-2"), &json!(moved)]).unwrap();
        let reply = world.record(&world.draft());
        assert_eq!(reply.as_ref().err().map(|refusal| refusal.code), expected);
        assert_eq!(reply.err().and_then(|refusal| refusal.entry), expected.map(|_| 2));
    }
    let mut world = World::new();
    let late = json!([{"id": "L9", "enrolments": [{"school": "school-1", "since": NOW + 1}]}]);
    world.admin("SupportMSP", "RegisterLearners", &[&late]).unwrap();
    world.ledger.events.clear();
    let refusal = refused_in(&mut world, |world, draft| draft.add("kim", &world.kim, "request-2", &["L9"]));
    assert_refused(refusal, Code::LearnerNotEnrolled, Some(3));
}

#[test]
fn what_was_executed_before_the_revocation_stands_and_nothing_after() {
    for (revoked, expected) in [(NOW + 2, Some(Code::EducatorRevoked)), (NOW + 3, None)] {
        let mut world = World::new();
        world.admin("OfficeMSP", "RevokeEducator", &[&json!("kim"), &json!(revoked)]).unwrap();
        let reply = world.record(&world.draft());
        assert_eq!(reply.as_ref().err().map(|refusal| refusal.code), expected);
        assert_eq!(reply.err().and_then(|refusal| refusal.entry), expected.map(|_| 2));
    }
}

#[test]
fn an_educator_stands_from_and_until() {
    let cases = [
        (json!({"from": NOW + 1}), Some((Code::EducatorNotYet, 0))),
        (json!({"from": NOW}), None),
        (json!({"from": SINCE, "until": NOW + 2}), Some((Code::EducatorNoLonger, 2))),
        (json!({"from": SINCE, "until": NOW + 3}), None),
    ];
    for (times, expected) in cases {
        let mut world = World::new();
        let park = world.authority.issue("park", &["client"]);
        let mut educator = world.educator("park", "school-1", &park.pem);
        educator.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
        world.admin("OfficeMSP", "RegisterEducators", &[&json!([educator])]).unwrap();
        let mut draft = Draft::new("school-1");
        draft.add("park", &park, "request-1", &["L1", "L2", "L1"]);
        let refusal = world.record(&draft).err().map(|refusal| (refusal.code, refusal.entry.unwrap()));
        assert_eq!(refusal, expected, "{times}");
    }
}

#[test]
fn a_closed_school_records_what_was_executed_before() {
    for (closed, expected) in [(NOW + 2, Some(Code::SchoolClosed)), (NOW + 3, None)] {
        let mut world = World::new();
        let change = json!({"id": "school-1", "closed_since": closed});
        world.admin("OfficeMSP", "UpdateSchool", &[&change]).unwrap();
        let reply = world.record(&world.draft());
        assert_eq!(reply.as_ref().err().map(|refusal| refusal.code), expected);
        assert_eq!(reply.err().and_then(|refusal| refusal.entry), expected.map(|_| 2));
    }
}

#[test]
fn a_certificate_is_valid_at_the_time_of_execution() {
    let years =
        [(2025, 2026, Some(Code::CertificateExpired)), (2027, 2028, Some(Code::CertificateNotYetValid))];
    for (from, until, expected) in years {
        let mut world = World::new();
        let mut params = super::people::params("park", &["client"]);
        (params.not_before, params.not_after) =
            (rcgen::date_time_ymd(from, 1, 1), rcgen::date_time_ymd(until, 1, 1));
        let park = world.authority.issue_with(params, &rcgen::PKCS_ECDSA_P256_SHA256);
        let educators = json!([world.educator("park", "school-1", &park.pem)]);
        world.admin("OfficeMSP", "RegisterEducators", &[&educators]).unwrap();
        let mut draft = Draft::new("school-1");
        draft.add("park", &park, "request-1", &["L1"]);
        assert_eq!(world.record(&draft).err().map(|refusal| refusal.code), expected);
    }
}

#[test]
fn the_authority_is_valid_at_the_time_of_execution_too() {
    let mut params = super::people::params("short-lived", &[]);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.not_after = rcgen::date_time_ymd(2026, 2, 1);
    let authority = super::people::Authority::of(params, &rcgen::PKCS_ECDSA_P256_SHA256);
    let mut world = World::empty();
    (world.kim, world.authority) = (authority.issue("kim", &["client"]), authority);
    let school = world.school("school-1");
    world.admin("OfficeMSP", "RegisterSchool", &[&school]).unwrap();
    let educators = json!([world.educator("kim", "school-1", &world.kim.pem)]);
    world.admin("OfficeMSP", "RegisterEducators", &[&educators]).unwrap();
    world.admin("SupportMSP", "RegisterLearners", &[&json!([learner("L1", "school-1")])]).unwrap();
    let mut draft = Draft::new("school-1");
    draft.add("kim", &world.kim, "request-1", &["L1"]);
    assert_refused(world.record(&draft).unwrap_err(), Code::CertificateExpired, Some(0));
}

#[test]
fn the_schools_authority_issued_the_certificate() {
    // Registering checks it; here somebody changed the school's authority behind the contract's back.
    let mut world = World::new();
    let other = super::people::Authority::new("school-authority");
    let mut school = world.school("school-1");
    school["authority"] = json!(other.pem);
    world.ledger.state.insert("school/school-1".into(), school.to_string().into());
    assert_refused(refused_in(&mut world, |_, _| {}), Code::CertificateIssuer, Some(0));
}

#[test]
fn times_fit_the_requests_and_the_transactions() {
    let signed = (NOW_SECONDS - 1) * SECOND;
    // Executed at, recorded at, recorded?
    let cases = [
        (NOW, NOW - MAX_AHEAD, true),
        (NOW, NOW - MAX_AHEAD - 1, false),
        (NOW, NOW + MAX_AGE, true),
        (NOW, NOW + MAX_AGE + 1, false),
        (signed - SKEW, NOW, true),
        (signed - SKEW - 1, NOW, false),
        (signed + MAX_WAIT, signed + MAX_WAIT, true),
        (signed + MAX_WAIT + 1, signed + MAX_WAIT, false),
        (i64::MIN, NOW, false),
        (i64::MAX, NOW, false),
        (i64::MIN, i64::MIN, false),
        (i64::MAX, i64::MAX, false),
    ];
    for (executed, recorded, fits) in cases {
        let mut world = World::new();
        let mut draft = world.draft();
        draft.entries.truncate(1);
        draft.entries[0].executed_at = executed;
        let reply = world.record_at(&draft, recorded);
        assert_eq!(reply.is_ok(), fits, "{executed} {recorded} {reply:?}");
        assert!(fits || reply.is_err_and(|refusal| refusal.code == Code::EntryTime));
    }
}

#[test]
fn a_p256_twin_of_a_signature_is_refused_in_the_same_batch() {
    let refusal = refused(|world, draft| {
        let twin = twin(&draft.requests[0]);
        draft.add_entries("kim", &twin, &["L1"], vec![query("L1", 0)]);
        draft.requests.push(twin);
        assert!(
            sillok_contract::request::SignedRequest::parse(&draft.requests[1])
                .unwrap()
                .verify(world.kim.certificate().der())
                .is_ok()
        );
    });
    assert_refused(refusal, Code::RequestReused, Some(3));
}

/// The same request with the other of its two valid signatures, (r, -s): anybody can make it.
pub fn twin(jws: &str) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let (input, signature) = jws.rsplit_once('.').unwrap();
    let signature = Signature::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let (r, s) = signature.split_scalars();
    let twin = Signature::from_scalars(*r, -*s).unwrap();
    sillok_contract::request::compact(input, &twin.to_bytes().into())
}
