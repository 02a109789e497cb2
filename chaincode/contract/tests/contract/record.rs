//! What RecordBatch writes, and each thing it refuses: every test changes one thing in a batch that would be recorded.

use p256::ecdsa::Signature;
use prost::Message;
use serde_json::json;
use sillok_contract::{
    Code, Refusal,
    batch::{self, Head},
    id::SchoolId,
    merkle,
};
use sillok_proto::ledger::{BatchRecord, LearnerHead, Position};

use super::world::*;

/// What is answered to the usual batch after one change to it.
pub fn refused(change: impl FnOnce(&World, &mut Draft)) -> Refusal {
    let mut world = World::new();
    refused_in(&mut world, change)
}

pub fn refused_in(world: &mut World, change: impl FnOnce(&World, &mut Draft)) -> Refusal {
    let mut draft = world.draft();
    change(world, &mut draft);
    let before = (world.ledger.state.clone(), world.ledger.private.clone());
    let refusal = world.record(&draft).unwrap_err();
    assert_eq!(before, (world.ledger.state.clone(), world.ledger.private.clone()));
    assert!(world.ledger.events.is_empty());
    refusal
}

pub fn assert_refused(refusal: Refusal, code: Code, entry: Option<u32>) {
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
fn the_gateway_hears_early_of_a_body_that_would_swell_too_far() {
    let draft = World::new().draft();
    let (school, long) = (SchoolId::new("school-1").unwrap(), vec!["x".repeat(batch::MAX_BODY)]);
    let refusal = batch::build(&school, 1, [0; 32], &long, &draft.entry_bytes()).unwrap_err();
    assert_refused(refusal, Code::BatchTooLarge, None);
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
