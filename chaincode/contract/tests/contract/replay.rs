//! Exactly once: a query of a request comes to rest in one batch, whatever the gateway tries.

use sillok_contract::Code;

use super::{
    record::twin,
    world::{Draft, World, payload, query},
};

/// Kim's first batch is recorded; then a second one holds this.
fn second_batch(fill: impl FnOnce(&World, &mut Draft, &Draft)) -> Result<(), (Code, Option<u32>)> {
    let mut world = World::new();
    let first = world.draft();
    let recorded = world.record(&first).unwrap();
    let mut second = Draft::after("school-1", &recorded);
    fill(&world, &mut second, &first);
    world.record(&second).map(drop).map_err(|refusal| (refusal.code, refusal.entry))
}

#[test]
fn a_query_is_recorded_once_over_all_batches() {
    let reply = second_batch(|_, second, first| {
        second.requests = first.requests.clone();
        second.entries = vec![first.entries[1].clone()];
        second.entries[0].executed_at += 1;
    });
    assert_eq!(reply, Err((Code::EntryRecorded, Some(0))));
}

#[test]
fn a_query_is_recorded_once_under_the_twin_of_its_signature() {
    let reply = second_batch(|_, second, first| {
        let twin = twin(&first.requests[0]);
        second.add_entries("kim", &twin, &["L1"], vec![query("L1", 0)]);
        second.requests.push(twin);
    });
    assert_eq!(reply, Err((Code::EntryRecorded, Some(0))));
}

#[test]
fn a_query_is_recorded_once_under_a_second_signature_of_its_educator() {
    let reply =
        second_batch(|world, second, _| second.add("kim", &world.kim, "request-1", &["L1", "L2", "L1"]));
    assert_eq!(reply, Err((Code::EntryRecorded, Some(0))));
}

#[test]
fn a_jti_is_not_used_again_for_other_content() {
    let reply = second_batch(|world, second, _| second.add("kim", &world.kim, "request-1", &["L2"]));
    assert_eq!(reply, Err((Code::RequestReused, Some(0))));
}

#[test]
fn the_rest_of_a_request_may_follow_in_a_later_batch() {
    let mut world = World::new();
    let whole = world.draft();
    let mut previous = None;
    for index in [2, 0, 1] {
        let mut part =
            previous.map_or_else(|| Draft::new("school-1"), |last| Draft::after("school-1", &last));
        part.requests = whole.requests.clone();
        part.entries = vec![whole.entries[index].clone()];
        previous = Some(world.record(&part).unwrap());
    }
    let mut again = Draft::after("school-1", &previous.unwrap());
    again.requests = whole.requests;
    again.entries = vec![whole.entries[2].clone()];
    assert_eq!(world.record(&again).unwrap_err().code, Code::EntryRecorded);
}

#[test]
fn every_query_of_a_long_request_has_its_own_mark() {
    let mut world = World::new();
    let queries: Vec<_> = (0..20).map(|number| query("L1", number)).collect();
    let request = world.kim.sign(&payload("long", "school-1", &queries));
    let mut previous = None;
    for parity in [0, 1] {
        let mut part =
            previous.map_or_else(|| Draft::new("school-1"), |last| Draft::after("school-1", &last));
        part.add_entries("kim", &request, &["L1"; 20], queries.clone());
        part.entries.retain(|entry| entry.query_index % 2 == parity);
        part.requests.push(request.clone());
        previous = Some(world.record(&part).unwrap());
    }
    for index in 0..20 {
        let mut again = Draft::after("school-1", previous.as_ref().unwrap());
        again.add_entries("kim", &request, &["L1"; 20], queries.clone());
        again.entries = vec![again.entries.swap_remove(index)];
        again.requests.push(request.clone());
        assert_eq!(world.record(&again).unwrap_err().code, Code::EntryRecorded, "{index}");
    }
}

#[test]
fn the_same_jti_of_another_educator_is_another_request() {
    let mut world = World::new();
    world.record(&world.draft()).unwrap();
    let mut other = Draft::new("school-2");
    other.add("lee", &world.lee, "request-1", &["L3"]);
    world.record(&other).unwrap();
}

#[test]
fn a_query_is_in_a_batch_once() {
    let mut world = World::new();
    let mut draft = world.draft();
    draft.entries.push(draft.entries[0].clone());
    draft.entries[3].executed_at += 1;
    let refusal = world.record(&draft).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::EntryRepeated, Some(3)));
}
