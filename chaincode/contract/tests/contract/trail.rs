//! How long a learner's trail is, attested.

use serde_json::json;
use sillok_contract::{
    Code,
    batch::{self, Trail},
};

use super::world::*;

const NONCE: &str = "000102030405060708090a0b0c0d0e0f";

#[test]
fn the_offices_are_told_to_sign_count_place_nonce_and_transaction() {
    let mut world = World::new();
    let empty: Trail = serde_json::from_value(world.read("GetTrail", &["L1", NONCE]).unwrap()).unwrap();
    assert_eq!((empty.count, empty.last), (0, None));
    world.record(&world.draft()).unwrap();
    world.ledger.events.clear();
    let state = world.ledger.state.clone();
    let reply = world.read("GetTrail", &["L1", NONCE]).unwrap();
    let (name, payload) = world.ledger.events.pop().unwrap();
    assert_eq!(name, batch::TRAIL_EVENT);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&payload).unwrap(), reply);
    let transaction = reply["transaction"].as_str().unwrap();
    assert_eq!(transaction.len(), 64);
    let expected = json!({
        "learner": "L1", "count": 2, "last": {"school": "school-1", "sequence": 1, "index": 2},
        "nonce": NONCE, "time": NOW, "transaction": transaction,
    });
    assert_eq!(reply, expected);
    assert_eq!(world.ledger.state, state, "nothing is written");
}

#[test]
fn a_nonce_is_16_to_64_bytes_and_the_learner_is_known() {
    let mut world = World::new();
    assert_eq!(world.read("GetTrail", &["L9", NONCE]).unwrap_err().code, Code::NotFound);
    world.read("GetTrail", &["L1", &"ab".repeat(64)]).unwrap();
    for nonce in
        ["", &NONCE[2..], &NONCE[1..], &"0".repeat(33), &"AB".repeat(16), &"ab".repeat(65), &"xy".repeat(16)]
    {
        assert_eq!(
            world.read("GetTrail", &["L1", nonce]).unwrap_err().code,
            Code::ArgumentMalformed,
            "{nonce}"
        );
    }
}
