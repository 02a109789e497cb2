//! What the ledger answers about batches and entries.

use serde_json::json;
use sillok_contract::{
    Code,
    batch::{Batch, Body, Entries, Head},
    entry::EntryId,
    merkle,
};

use super::world::*;

#[test]
fn a_schools_head_is_zero_before_the_first_batch_and_then_the_last() {
    let mut world = World::new();
    let zeros = "0".repeat(64);
    let head = world.read("GetHead", &["school-1"]).unwrap();
    assert_eq!(head, json!({"school": "school-1", "sequence": 0, "header_hash": zeros}));
    let recorded = world.record(&world.draft()).unwrap();
    let head: Head = serde_json::from_value(world.read("GetHead", &["school-1"]).unwrap()).unwrap();
    assert_eq!((head.sequence, head.header_hash), (1, recorded.header_hash));
    assert_eq!(world.read("GetHead", &["school-2"]).unwrap()["sequence"], 0);
    assert_eq!(world.read("GetHead", &["school-9"]).unwrap_err().code, Code::SchoolUnknown);
}

#[test]
fn a_batch_is_answered_with_all_that_a_proof_needs() {
    let mut world = World::new();
    let draft = world.draft();
    let recorded = world.record(&draft).unwrap();
    let batch: Batch = serde_json::from_value(world.read("GetBatch", &["school-1", "1"]).unwrap()).unwrap();
    assert_eq!(batch.header, draft.seal().0);
    assert_eq!((batch.header_hash, batch.previous), (recorded.header_hash, [0; 32]));
    assert_eq!((batch.count, batch.first_time, batch.last_time), (3, NOW, NOW + 2));
    assert_eq!(batch.transaction, recorded.transaction);
    let leaves: Vec<_> = batch.leaves.iter().map(|leaf| leaf.entry.0).collect();
    assert_eq!(merkle::root(&leaves), batch.root);
    assert_eq!(batch.leaves[1].entry, EntryId::of(&draft.entry_bytes()[1]));
    for (school, sequence) in [("school-1", "2"), ("school-2", "1")] {
        assert_eq!(world.read("GetBatch", &[school, sequence]).unwrap_err().code, Code::NotFound);
    }
    for sequence in ["", "0", "-1", "+1", "1.0", "1000000000000", "99999999999999999999999"] {
        let refusal = world.read("GetBatch", &["school-1", sequence]).unwrap_err();
        assert_eq!(refusal.code, Code::ArgumentMalformed, "{sequence:?}");
    }
}

#[test]
fn a_learners_entries_are_all_found_page_by_page() {
    let mut world = World::new();
    let mut last = None;
    let mut expected = Vec::new();
    for number in 0..7 {
        let mut draft = last.map_or_else(|| Draft::new("school-1"), |last| Draft::after("school-1", &last));
        draft.add("kim", &world.kim, &format!("request-{number}"), &["L1", "L2", "L1"]);
        let entries = draft.entry_bytes();
        expected.extend([EntryId::of(&entries[0]), EntryId::of(&entries[2])]);
        last = Some(world.record(&draft).unwrap());
    }
    expected.reverse();
    for size in 1..=16 {
        let (mut found, mut bookmark) = (Vec::new(), String::new());
        loop {
            let page = world.read("ListEntries", &["L1", &size.to_string(), &bookmark]).unwrap();
            let page: Entries = serde_json::from_value(page).unwrap();
            assert!(page.items.len() <= size && page.count == 14);
            found.extend(page.items);
            bookmark = page.bookmark;
            if bookmark.is_empty() {
                break;
            }
        }
        assert_eq!(found.iter().map(|place| place.entry).collect::<Vec<_>>(), expected, "pages of {size}");
        assert!(found.iter().map(|place| place.number).eq((1..=14).rev()));
    }
}

#[test]
fn a_learner_without_entries_has_an_empty_list_and_an_unknown_one_none() {
    let mut world = World::new();
    let page = world.read("ListEntries", &["L1", "10", ""]).unwrap();
    assert_eq!(page, json!({"learner": "L1", "count": 0, "items": [], "bookmark": ""}));
    assert_eq!(world.read("ListEntries", &["L9", "10", ""]).unwrap_err().code, Code::NotFound);
}

#[test]
fn a_bookmark_leads_to_nobody_elses_entries() {
    let mut world = World::new();
    world.record(&world.draft()).unwrap();
    for bookmark in ["school-1/1/1", "school-1/1/3", "school-1/9/0", "school-9/1/0"] {
        let refusal = world.read("ListEntries", &["L1", "10", bookmark]).unwrap_err();
        assert_eq!(refusal.code, Code::NotFound, "{bookmark}");
    }
    for bookmark in ["x", "school-1/1", "school-1/1/0/0", "school-1/-1/0", "a b/1/0", "school-1/1/9999999999"]
    {
        let refusal = world.read("ListEntries", &["L1", "10", bookmark]).unwrap_err();
        assert_eq!(refusal.code, Code::ArgumentMalformed, "{bookmark}");
    }
    for size in ["0", "501", "x", ""] {
        let refusal = world.read("ListEntries", &["L1", size, ""]).unwrap_err();
        assert_eq!(refusal.code, Code::ArgumentMalformed, "{size}");
    }
}

#[test]
fn a_body_is_for_the_offices() {
    let mut world = World::new();
    let draft = world.draft();
    world.record(&draft).unwrap();
    let arguments = [b"school-1".to_vec(), b"1".to_vec()];
    for msp in ["OfficeMSP", "SupportMSP"] {
        let creator = world.creator(msp, "client");
        let body: Body = serde_json::from_value(world.call(creator, "GetBody", &arguments).unwrap()).unwrap();
        assert_eq!(body.body, draft.seal().1);
    }
    assert_eq!(world.read("GetBody", &["school-1", "1"]).unwrap_err().code, Code::CreatorForbidden);
    let creator = world.creator("OfficeMSP", "client");
    let refusal = world.call(creator, "GetBody", &[b"school-1".to_vec(), b"2".to_vec()]).unwrap_err();
    assert_eq!(refusal.code, Code::NotFound);
}

#[test]
fn a_damaged_state_is_said_to_be_damaged() {
    let mut world = World::new();
    world.record(&world.draft()).unwrap();
    for (key, function, arguments) in [
        ("school/school-1", "GetSchool", vec!["school-1"]),
        ("head/school-1", "GetHead", vec!["school-1"]),
        ("batch/school-1/000000000001", "GetBatch", vec!["school-1", "1"]),
        ("trail/L1", "ListEntries", vec!["L1", "1", ""]),
    ] {
        let good = world.ledger.state.insert(key.into(), vec![0xff; 5]).unwrap();
        let refusal = world.read(function, &arguments).unwrap_err();
        assert_eq!(refusal.code, Code::LedgerCorrupt, "{key}");
        assert!(refusal.message.contains(key));
        world.ledger.state.insert(key.into(), good);
        world.read(function, &arguments).unwrap();
    }
}
