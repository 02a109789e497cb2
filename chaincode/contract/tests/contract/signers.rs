//! Signers: registered and revoked by their own office.

use serde_json::{Value, json};
use sillok_contract::{
    Code,
    registry::{Changed, Kind, Signer},
};

use super::{
    people::Authority,
    signing::{OFFICE, SUPPORT, Signing, Who, approval, signer},
    world::{NOW, SINCE, World, officer},
};

#[test]
fn signers_of_either_office_are_registered_found_and_listed() {
    let mut case = Signing::new();
    let thumbprint = hex::encode(case.ahn.certificate().thumbprint());
    let ahn: Signer = serde_json::from_value(case.read("GetSigner", &["ahn"]).unwrap()).unwrap();
    assert_eq!((ahn.office.as_str(), &ahn.thumbprint, &ahn.approval), (OFFICE, &thumbprint, &None));
    assert_eq!(case.read("FindSigner", &[&thumbprint]).unwrap()["id"], "ahn");
    let cha: Signer = serde_json::from_value(case.read("GetSigner", &["cha"]).unwrap()).unwrap();
    assert_eq!(cha.approval, Some(approval(&case.own)));
    let listed = case.read("ListSigners", &["10", ""]).unwrap();
    let ids: Vec<_> = listed["items"].as_array().unwrap().iter().map(|signer| &signer["id"]).collect();
    assert_eq!(ids, ["ahn", "bae", "cha"]);
}

#[test]
fn a_certificate_is_found_as_that_of_who_has_it_alone() {
    let mut case = Signing::new();
    let of = |person: &super::people::Person| hex::encode(person.certificate().thumbprint());
    let people = [
        ("FindEducator", of(&case.world.kim)),
        ("FindOfficer", of(&case.world.han)),
        ("FindSigner", of(&case.ahn)),
    ];
    for (function, _) in &people {
        for (owner, thumbprint) in &people {
            let found = case.read(function, &[thumbprint]);
            assert_eq!(found.is_ok(), function == owner, "{function} {owner}");
            assert!(found.is_ok() || found == Err(Code::NotFound));
        }
    }
}

#[test]
fn nobody_but_the_office_itself_registers_and_revokes_its_signers() {
    let mut case = Signing::new();
    let park = case.world.offices.issue("park", &[]).pem;
    let state = case.world.ledger.state.clone();
    for (msp, office) in [(OFFICE, SUPPORT), (SUPPORT, OFFICE)] {
        let document = json!([signer("park", office, &park)]);
        let refusal = case.world.admin(msp, "RegisterSigners", &[&document]).unwrap_err();
        assert_eq!((refusal.code, refusal.entry), (Code::CreatorForbidden, Some(0)));
    }
    let refusal = case.world.admin(SUPPORT, "RevokeSigner", &[&json!("ahn"), &json!(NOW)]).unwrap_err();
    assert_eq!(refusal.code, Code::CreatorForbidden);
    assert_eq!(case.world.ledger.state, state);
    let changed = Changed { kind: Kind::Signer, ids: vec!["ahn".into()] };
    let answer = case.world.admin(OFFICE, "RevokeSigner", &[&json!("ahn"), &json!(NOW)]).unwrap();
    assert_eq!(answer, json!(changed));
    let (name, told) = case.world.ledger.events.pop().unwrap();
    assert_eq!((name.as_str(), serde_json::from_slice(&told).ok()), ("RegistryChanged", Some(changed)));
    assert_eq!(case.read("GetSigner", &["ahn"]).unwrap()["revoked_since"], NOW);
    let later = case.world.admin(OFFICE, "RevokeSigner", &[&json!("ahn"), &json!(NOW + 1)]).unwrap_err();
    assert_eq!(later.code, Code::AlreadyExists);
    let refusal = case.world.admin(OFFICE, "RevokeSigner", &[&json!("han"), &json!(NOW)]).unwrap_err();
    assert_eq!(refusal.code, Code::NotFound);
}

#[test]
fn a_signers_document_is_checked_like_an_officers() {
    let mut case = Signing::new();
    let stranger = Authority::new("offices-authority").issue("park", &[]).pem;
    let refusal = case.world.admin(OFFICE, "RegisterSigners", &[&json!([signer("park", OFFICE, &stranger)])]);
    assert_eq!(refusal.unwrap_err().code, Code::CertificateIssuer, "another's of the same name");
    let park = case.world.offices.issue("park", &[]);
    let document = signer("park", OFFICE, &park.pem);
    let clerks =
        ["client", "admin", "peer", "orderer"].map(|role| case.world.offices.issue("park", &["x", role]));
    let key = json!(approval(&case.own));
    let with = |member: &str, value: Value| {
        let mut changed = key.clone();
        changed[member] = value;
        changed
    };
    for (member, value, code) in [
        ("until", json!(SINCE), Code::ArgumentMalformed),
        ("from", json!(-1), Code::ArgumentMalformed),
        ("thumbprint", json!("00"), Code::ArgumentMalformed),
        ("school", json!("school-1"), Code::ArgumentMalformed),
        ("certificate", json!("x"), Code::CertificateMalformed),
        ("certificate", json!(case.world.offices.pem), Code::CertificateUnsupported),
        ("approval", json!("x"), Code::ArgumentMalformed),
        ("approval", with("kty", json!("RSA")), Code::ApprovalKeyMalformed),
        ("approval", with("x", key["y"].clone()), Code::ApprovalKeyMalformed),
        ("approval", with("y", json!("AAAA")), Code::ApprovalKeyMalformed),
        ("approval", with("since", json!(1)), Code::ArgumentMalformed),
        ("approval", json!(approval(&park)), Code::ApprovalKeyMalformed),
    ] {
        let mut changed = document.clone();
        changed[member] = value;
        let refusal = case.world.admin(OFFICE, "RegisterSigners", &[&json!([changed])]).unwrap_err();
        assert_eq!((refusal.code, refusal.entry), (code, Some(0)), "{member}: {refusal}");
    }
    for clerk in clerks {
        let document = json!([signer("park", OFFICE, &clerk.pem)]);
        let refusal = case.world.admin(OFFICE, "RegisterSigners", &[&document]).unwrap_err();
        assert_eq!(refusal.code, Code::CertificateUnsupported, "one of the office's own people");
    }
    let mut empty = World::empty();
    let refusal = empty.admin(OFFICE, "RegisterSigners", &[&json!([document])]).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::NotFound, Some(0)), "the office is not registered");
}

#[test]
fn a_certificate_and_an_id_are_one_persons() {
    let mut case = Signing::new();
    let park = case.world.offices.issue("park", &[]).pem;
    let teacher = case.world.authority.issue("park", &[]).pem;
    let refused = [
        ("RegisterSigners", signer("kim", OFFICE, &park)),
        ("RegisterSigners", signer("han", OFFICE, &park)),
        ("RegisterSigners", signer("park", OFFICE, &case.ahn.pem)),
        ("RegisterOfficers", officer("ahn", OFFICE, &park)),
        ("RegisterOfficers", officer("park", OFFICE, &case.ahn.pem)),
        ("RegisterEducators", case.world.educator("ahn", "school-1", &teacher)),
    ];
    for (function, document) in refused {
        let refusal = case.world.admin(OFFICE, function, &[&json!([document])]).unwrap_err();
        assert_eq!((refusal.code, refusal.entry), (Code::AlreadyExists, Some(0)), "{function}: {refusal}");
    }
    let twice = json!([signer("park", OFFICE, &park), signer("choi", OFFICE, &park)]);
    let refusal = case.world.admin(OFFICE, "RegisterSigners", &[&twice]).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::ArgumentMalformed, Some(1)));
}

#[test]
fn registering_again_changes_nothing_also_after_a_revocation() {
    let mut case = Signing::new();
    case.revoke(Who::Ahn, NOW);
    let state = case.world.ledger.state.clone();
    let again = json!([signer("ahn", OFFICE, &case.ahn.pem)]);
    assert_eq!(case.world.admin(OFFICE, "RegisterSigners", &[&again]).unwrap()["ids"], json!([]));
    assert_eq!(case.world.ledger.state, state);
    let mut otherwise = again;
    otherwise[0]["approval"] = json!(approval(&case.own));
    let refusal = case.world.admin(OFFICE, "RegisterSigners", &[&otherwise]).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::AlreadyExists, Some(0)));
}
