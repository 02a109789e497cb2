//! The keys of learners' wallets: one in force at a time, ended by the next one or by revocation.

use serde_json::{Value, json};
use sillok_contract::{
    Code,
    registry::{Learner, WalletKey},
};

use super::world::{DAY, NOW, SINCE, World, learner};

const SUPPORT: &str = "SupportMSP";

fn register(world: &mut World, key: &WalletKey) -> Result<Value, Code> {
    let key = serde_json::to_value(key).unwrap();
    world.admin(SUPPORT, "RegisterWalletKey", &[&json!("L1"), &key]).map_err(|refusal| refusal.code)
}

fn revoke(world: &mut World, since: i64) -> Result<Value, Code> {
    world.admin(SUPPORT, "RevokeWalletKey", &[&json!("L1"), &json!(since)]).map_err(|refusal| refusal.code)
}

fn known(world: &mut World) -> Learner {
    serde_json::from_value(world.read("GetLearner", &["L1"]).unwrap()).unwrap()
}

#[test]
fn the_key_in_force_is_the_last_that_began_and_no_revoked_one() {
    let mut world = World::new();
    let (first, second) = (world.kim.wallet(NOW - 9 * DAY), world.lee.wallet(NOW - 5 * DAY));
    let code = |learner: &Learner, time| learner.wallet_at(time).cloned().map_err(|refusal| refusal.code);
    assert_eq!(code(&known(&mut world), NOW), Err(Code::WalletNone));
    register(&mut world, &first).unwrap();
    register(&mut world, &second).unwrap();
    let learner = known(&mut world);
    assert_eq!(code(&learner, NOW - 9 * DAY - 1), Err(Code::WalletNone));
    assert_eq!(code(&learner, NOW - 9 * DAY).as_ref(), Ok(&first));
    assert_eq!(code(&learner, NOW - 5 * DAY - 1).as_ref(), Ok(&first));
    assert_eq!(code(&learner, NOW - 5 * DAY).as_ref(), Ok(&second));

    revoke(&mut world, NOW - DAY).unwrap();
    let learner = known(&mut world);
    assert!(code(&learner, NOW - DAY - 1).is_ok());
    assert_eq!(code(&learner, NOW - DAY), Err(Code::WalletRevoked));
    let third = world.han.wallet(NOW);
    register(&mut world, &third).unwrap();
    assert_eq!(code(&known(&mut world), NOW).as_ref(), Ok(&third));
}

#[test]
fn revoking_ends_the_key_that_was_in_force_and_an_end_comes_only_earlier() {
    let mut world = World::new();
    assert_eq!(revoke(&mut world, NOW), Err(Code::WalletNone));
    let (first, second) = (world.kim.wallet(NOW - 9 * DAY), world.lee.wallet(NOW - 5 * DAY));
    register(&mut world, &first).unwrap();
    register(&mut world, &second).unwrap();
    revoke(&mut world, NOW - 7 * DAY).unwrap();
    let learner = known(&mut world);
    assert_eq!(learner.wallets[0].revoked_since, Some(NOW - 7 * DAY));
    assert_eq!(learner.wallets[1].revoked_since, None);
    assert_eq!(revoke(&mut world, NOW - 6 * DAY), Err(Code::AlreadyExists));
    assert_eq!(revoke(&mut world, NOW - 9 * DAY - 1), Err(Code::WalletNone));
    assert_eq!(revoke(&mut world, NOW - 7 * DAY).unwrap()["ids"], json!([]));
    revoke(&mut world, NOW - 8 * DAY).unwrap();
    assert_eq!(known(&mut world).wallets[0].revoked_since, Some(NOW - 8 * DAY));
}

#[test]
fn a_key_is_registered_once_and_after_the_last() {
    let mut world = World::new();
    let (first, second) = (world.kim.wallet(SINCE), world.lee.wallet(NOW));
    assert_eq!(register(&mut world, &first).unwrap()["ids"], json!(["L1"]));
    let (name, _) = world.ledger.events.pop().unwrap();
    assert_eq!(name, "RegistryChanged");
    assert_eq!(register(&mut world, &first).unwrap()["ids"], json!([]));
    register(&mut world, &second).unwrap();
    assert_eq!(register(&mut world, &first).unwrap()["ids"], json!([]));
    let again = WalletKey { since: NOW + 1, ..first.clone() };
    assert_eq!(register(&mut world, &again), Err(Code::AlreadyExists), "a key that ended does not come back");
    let third = world.han.wallet(NOW);
    assert_eq!(register(&mut world, &third), Err(Code::AlreadyExists));
    revoke(&mut world, NOW).unwrap();
    assert_eq!(register(&mut world, &second).unwrap()["ids"], json!([]));
    let refusal = world.admin(SUPPORT, "RegisterWalletKey", &[&json!("L9"), &json!(first)]).unwrap_err();
    assert_eq!(refusal.code, Code::NotFound);
}

#[test]
fn a_learner_with_a_wallet_moves_and_one_without_is_stored_as_ever() {
    let mut world = World::new();
    assert_eq!(world.read("GetLearner", &["L1"]).unwrap(), learner("L1", "school-1"));
    let key = world.kim.wallet(SINCE);
    register(&mut world, &key).unwrap();
    world.admin(SUPPORT, "MoveLearner", &[&json!("L1"), &json!("school-2"), &json!(NOW)]).unwrap();
    let moved = known(&mut world);
    assert_eq!((moved.wallets.len(), moved.enrolments.len()), (1, 2));
    world.admin(SUPPORT, "RegisterLearners", &[&json!([learner("L1", "school-1")])]).unwrap();
    assert_eq!(known(&mut world), moved);
}

#[test]
fn a_key_is_a_point_of_p256() {
    let mut world = World::new();
    let good = serde_json::to_value(world.kim.wallet(SINCE)).unwrap();
    let cases = [
        ("kty", json!("RSA"), Code::WalletKeyMalformed),
        ("crv", json!("P-384"), Code::WalletKeyMalformed),
        ("x", json!("AAAA"), Code::WalletKeyMalformed),
        ("x", good["y"].clone(), Code::WalletKeyMalformed),
        ("y", json!(format!("{}=", good["y"].as_str().unwrap())), Code::WalletKeyMalformed),
        ("since", json!(-1), Code::ArgumentMalformed),
        ("revoked_since", json!(NOW), Code::WalletKeyMalformed),
        ("d", json!("AAAA"), Code::ArgumentMalformed),
    ];
    for (member, value, code) in cases {
        let mut key = good.clone();
        key[member] = value;
        let refusal = world.admin(SUPPORT, "RegisterWalletKey", &[&json!("L1"), &key]).unwrap_err();
        assert_eq!(refusal.code, code, "{member}: {refusal}");
    }
}

#[test]
fn a_signature_is_the_keys_over_these_bytes() {
    let world = World::new();
    let (key, signature) = (world.kim.wallet(SINCE), world.kim.sign_bytes(b"act"));
    key.verify(b"act", &signature).unwrap();
    assert_eq!(key.verify(b"ac", &signature).unwrap_err().code, Code::WalletSignature);
    assert_eq!(world.lee.wallet(SINCE).verify(b"act", &signature).unwrap_err().code, Code::WalletSignature);
}
