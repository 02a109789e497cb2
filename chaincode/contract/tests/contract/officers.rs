//! Officers: registered and revoked by their own office, and what they sign.

use serde_json::json;
use sillok_contract::{
    Code, Refusal,
    purpose::Purpose,
    registry::{Changed, Kind, Officer},
    request::Payload,
};
use sillok_proto::ledger::{Adopted, Read, RowImage, Written, entry::Result as Outcome};

use super::{
    people::{Authority, Person},
    record::{assert_refused, refused},
    world::*,
};

const OFFICE: &str = "OfficeMSP";
const SUPPORT: &str = "SupportMSP";

fn image() -> RowImage {
    let (key, image) = (br#"{"id":7}"#.to_vec(), br#"{"grade":"A","id":7}"#.to_vec());
    RowImage { table: "grades".into(), key, image, deleted: false }
}

fn adopted() -> Outcome {
    Outcome::Adopted(Adopted { images: vec![image()] })
}

fn written() -> Outcome {
    Outcome::Written(Written { rows: 1, images: vec![image()] })
}

fn read() -> Outcome {
    Outcome::Read(Read { rows: 1, digest: vec![7; 32] })
}

/// A batch of one request of an officer about L1 and L2.
fn batch(purpose: Purpose, by: (&str, &Person), result: &Outcome) -> Draft {
    let mut draft = Draft::new("school-1");
    draft.add_for(purpose, by, "officers-1", &["L1", "L2"], result);
    draft
}

#[test]
fn officers_of_either_office_are_registered_found_and_listed() {
    let mut world = World::new();
    let thumbprint = hex::encode(world.han.certificate().thumbprint());
    let han: Officer = serde_json::from_value(world.read("GetOfficer", &["han"]).unwrap()).unwrap();
    assert_eq!((han.office.as_str(), &han.thumbprint), (OFFICE, &thumbprint));
    assert_eq!(world.read("FindOfficer", &[&thumbprint]).unwrap()["id"], "han");
    assert_eq!(world.read("FindEducator", &[&thumbprint]).unwrap_err().code, Code::NotFound);
    let kim = hex::encode(world.kim.certificate().thumbprint());
    assert_eq!(world.read("FindOfficer", &[&kim]).unwrap_err().code, Code::NotFound);
    assert_eq!(world.read("FindOfficer", &["0"]).unwrap_err().code, Code::ArgumentMalformed);
    let listed = world.read("ListOfficers", &["10", ""]).unwrap();
    let ids: Vec<_> = listed["items"].as_array().unwrap().iter().map(|officer| &officer["id"]).collect();
    assert_eq!(ids, ["han", "seo"]);
}

#[test]
fn nobody_but_the_office_itself_registers_and_revokes_its_officers() {
    let mut world = World::new();
    let park = world.offices.issue("park", &[]).pem;
    let state = world.ledger.state.clone();
    for (msp, office) in [(OFFICE, SUPPORT), (SUPPORT, OFFICE)] {
        let refusal =
            world.admin(msp, "RegisterOfficers", &[&json!([officer("park", office, &park)])]).unwrap_err();
        assert_eq!((refusal.code, refusal.entry), (Code::CreatorForbidden, Some(0)));
    }
    let refusal = world.admin(SUPPORT, "RevokeOfficer", &[&json!("han"), &json!(NOW)]).unwrap_err();
    assert_eq!(refusal.code, Code::CreatorForbidden);
    assert_eq!(world.ledger.state, state);
    let changed = Changed { kind: Kind::Officer, ids: vec!["han".into()] };
    let answer = world.admin(OFFICE, "RevokeOfficer", &[&json!("han"), &json!(NOW)]).unwrap();
    assert_eq!(answer, json!(changed));
    assert_eq!(world.read("GetOfficer", &["han"]).unwrap()["revoked_since"], NOW);
    let later = world.admin(OFFICE, "RevokeOfficer", &[&json!("han"), &json!(NOW + 1)]).unwrap_err();
    assert_eq!(later.code, Code::AlreadyExists);
    let refusal = world.admin(OFFICE, "RevokeOfficer", &[&json!("kim"), &json!(NOW)]).unwrap_err();
    assert_eq!(refusal.code, Code::NotFound);
}

#[test]
fn an_officers_document_is_checked_like_an_educators() {
    let mut world = World::new();
    let mut code = |document: serde_json::Value| {
        let refusal = world.admin(OFFICE, "RegisterOfficers", &[&json!([document])]).err();
        refusal.map(|refusal| (refusal.code, refusal.entry))
    };
    let of = |authority: &Authority| officer("park", OFFICE, &authority.issue("park", &[]).pem);
    let offices = World::empty().offices;
    assert_eq!(code(of(&offices)), Some((Code::CertificateIssuer, Some(0))), "another's of the same name");
    let mut world = World::new();
    let park = officer("park", OFFICE, &world.offices.issue("park", &[]).pem);
    let mut refused = |member: &str, value: serde_json::Value| {
        let mut changed = park.clone();
        changed[member] = value;
        world.admin(OFFICE, "RegisterOfficers", &[&json!([changed])]).unwrap_err().code
    };
    assert_eq!(refused("until", json!(SINCE)), Code::ArgumentMalformed);
    assert_eq!(refused("from", json!(-1)), Code::ArgumentMalformed);
    assert_eq!(refused("thumbprint", json!("00")), Code::ArgumentMalformed);
    assert_eq!(refused("school", json!("school-1")), Code::ArgumentMalformed);
    assert_eq!(refused("certificate", json!("x")), Code::CertificateMalformed);
    let mut empty = World::empty();
    let refusal = empty.admin(OFFICE, "RegisterOfficers", &[&json!([park])]).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::NotFound, Some(0)), "the office is not registered");
}

#[test]
fn a_certificate_and_an_id_are_one_persons() {
    let mut world = World::new();
    let code = |refusal: Refusal| (refusal.code, refusal.entry);
    let park = world.offices.issue("park", &[]).pem;
    for document in [officer("park", OFFICE, &world.seo.pem), officer("kim", OFFICE, &park)] {
        let refusal = world.admin(OFFICE, "RegisterOfficers", &[&json!([document])]).unwrap_err();
        assert_eq!(code(refusal), (Code::AlreadyExists, Some(0)));
    }
    let park = world.authority.issue("park", &[]).pem;
    let document = world.educator("han", "school-1", &park);
    let refusal = world.admin(OFFICE, "RegisterEducators", &[&json!([document])]).unwrap_err();
    assert_eq!(code(refusal), (Code::AlreadyExists, Some(0)));
    let twice = json!([officer("park", OFFICE, &world.han.pem), officer("choi", OFFICE, &world.han.pem)]);
    let refusal = world.admin(OFFICE, "RegisterOfficers", &[&twice]).unwrap_err();
    assert_eq!(code(refusal), (Code::ArgumentMalformed, Some(1)));
}

#[test]
fn registering_again_changes_nothing_also_after_a_revocation() {
    let mut world = World::new();
    world.admin(OFFICE, "RevokeOfficer", &[&json!("han"), &json!(NOW)]).unwrap();
    let state = world.ledger.state.clone();
    let again = json!([officer("han", OFFICE, &world.han.pem)]);
    assert_eq!(world.admin(OFFICE, "RegisterOfficers", &[&again]).unwrap()["ids"], json!([]));
    assert_eq!(world.ledger.state, state);
    let mut otherwise = again;
    otherwise[0]["from"] = json!(SINCE + 1);
    let refusal = world.admin(OFFICE, "RegisterOfficers", &[&otherwise]).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::AlreadyExists, Some(0)));
}

#[test]
fn what_an_officer_signs_is_recorded_beside_what_educators_sign_in_one_round_trip() {
    let mut world = World::new();
    let mut draft = world.draft();
    draft.add_for(Purpose::Baseline, ("han", &world.han), "officers-1", &["L1", "L2"], &adopted());
    draft.add_for(Purpose::Restore, ("seo", &world.seo), "officers-2", &["L1"], &written());
    draft.add_for(Purpose::Correction, ("seo", &world.seo), "officers-3", &["L2"], &written());
    world.ledger.round_trips = 0;
    world.record(&draft).unwrap();
    assert_eq!(world.ledger.round_trips, 1);
}

#[test]
fn a_result_is_one_that_the_purpose_allows() {
    let purposes = [Purpose::Baseline, Purpose::Restore, Purpose::Correction];
    for purpose in purposes {
        for (result, kind) in [(read(), "read"), (written(), "written"), (adopted(), "adopted")] {
            let mut world = World::new();
            let reply = world.record(&batch(purpose, ("han", &world.han), &result));
            let allowed = (kind == "adopted") == (purpose == Purpose::Baseline) && kind != "read";
            match reply {
                Ok(_) => assert!(allowed, "{purpose:?} {kind}"),
                Err(refusal) => {
                    assert!(!allowed, "{purpose:?} {kind}: {refusal}");
                    assert_refused(refusal, Code::EntryPurpose, Some(0));
                }
            }
        }
    }
    let refusal = refused(|_, draft| draft.entries[1].result = Some(adopted()));
    assert_refused(refusal, Code::EntryPurpose, Some(1));
}

#[test]
fn an_adopted_row_is_there_and_may_be_none() {
    let code = |result: Outcome| {
        let mut world = World::new();
        let reply = world.record(&batch(Purpose::Baseline, ("han", &world.han), &result));
        reply.err().map(|refusal| refusal.code)
    };
    assert_eq!(code(Outcome::Adopted(Adopted { images: vec![] })), None);
    let deleted = RowImage { deleted: true, ..image() };
    assert_eq!(
        code(Outcome::Adopted(Adopted { images: vec![image(), deleted] })),
        Some(Code::EntryMalformed)
    );
    let keyless = RowImage { key: b"{}".to_vec(), ..image() };
    assert_eq!(code(Outcome::Adopted(Adopted { images: vec![keyless] })), Some(Code::EntryMalformed));
}

/// What is answered to han's restoration after one change.
fn restoring(change: impl FnOnce(&mut World, &mut Draft)) -> Refusal {
    let mut world = World::new();
    let mut draft = batch(Purpose::Restore, ("han", &world.han), &written());
    change(&mut world, &mut draft);
    world.record(&draft).unwrap_err()
}

#[test]
fn an_officer_stands_when_the_query_is_executed() {
    let revoked = |since: i64| {
        move |world: &mut World, _: &mut Draft| {
            world.admin(OFFICE, "RevokeOfficer", &[&json!("han"), &json!(since)]).unwrap();
        }
    };
    // The second entry is executed a microsecond after the first.
    assert_refused(restoring(revoked(NOW)), Code::OfficerRevoked, Some(0));
    assert_refused(restoring(revoked(NOW + 1)), Code::OfficerRevoked, Some(1));
    for (member, time, code) in
        [("from", NOW + 1, Code::OfficerNotYet), ("until", NOW, Code::OfficerNoLonger)]
    {
        let refusal = restoring(|world, draft| {
            let park = world.offices.issue("park", &["client"]);
            let mut document = officer("park", OFFICE, &park.pem);
            document[member] = json!(time);
            world.admin(OFFICE, "RegisterOfficers", &[&json!([document])]).unwrap();
            *draft = batch(Purpose::Restore, ("park", &park), &written());
        });
        assert_refused(refusal, code, Some(0));
    }
}

#[test]
fn an_officer_signs_with_their_own_certificate() {
    let refusal = restoring(|world, draft| *draft = batch(Purpose::Restore, ("han", &world.seo), &written()));
    assert_refused(refusal, Code::RequestCertificate, Some(0));
    let refusal = restoring(|world, draft| {
        let queries = ["L1", "L2"].iter().zip(0..).map(|(learner, number)| query(learner, number));
        let payload = payload("officers-1", "school-1", &queries.collect::<Vec<_>>());
        let payload = Payload { purpose: Some(Purpose::Restore), ..payload };
        let input = payload.signing_input(&world.han.certificate().thumbprint());
        draft.replace_request(world.seo.sign_input(&input));
    });
    assert_refused(refusal, Code::RequestSignature, Some(0));
}

#[test]
fn no_educator_signs_for_a_purpose_and_no_officer_without() {
    let refusal = restoring(|world, draft| *draft = batch(Purpose::Restore, ("kim", &world.kim), &written()));
    assert_refused(refusal, Code::OfficerUnknown, Some(0));
    let refusal = refused(|world, draft| {
        *draft = Draft::new("school-1");
        draft.add("han", &world.han, "request-1", &["L1"]);
    });
    assert_refused(refusal, Code::EducatorUnknown, Some(0));
}

#[test]
fn the_purpose_is_signed_for() {
    // The officer signed to correct; the gateway says it was to restore.
    let refusal = restoring(|_, draft| {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        let mut parts: Vec<_> = draft.requests[0].split('.').map(str::to_owned).collect();
        let payload = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(&parts[1]).unwrap()).unwrap();
        parts[1] = BASE64_URL_SAFE_NO_PAD.encode(payload.replace("restore", "correction"));
        draft.replace_request(parts.join("."));
    });
    assert_refused(refusal, Code::RequestSignature, Some(0));
}

#[test]
fn an_officers_school_is_open_and_the_learner_attends_it() {
    let refusal = restoring(|world, _| {
        let closed = json!({"id": "school-1", "closed_since": NOW});
        world.admin(OFFICE, "UpdateSchool", &[&closed]).unwrap();
    });
    assert_refused(refusal, Code::SchoolClosed, Some(0));
    let refusal = restoring(|world, draft| {
        *draft = Draft::new("school-1");
        draft.add_for(Purpose::Restore, ("han", &world.han), "officers-1", &["L3"], &written());
    });
    assert_refused(refusal, Code::LearnerElsewhere, Some(0));
}

#[test]
fn the_offices_authority_issued_the_certificate() {
    // Registering checks it; here somebody changed the office's authority behind the contract's back.
    let refusal = restoring(|world, _| {
        let other = Authority::new("offices-authority");
        let office = json!({"id": OFFICE, "name": "교육청", "authority": other.pem});
        world.ledger.state.insert("office/OfficeMSP".into(), office.to_string().into());
    });
    assert_refused(refusal, Code::CertificateIssuer, Some(0));
}

#[test]
fn an_unheard_of_purpose_is_no_request() {
    let world = World::new();
    let mut payload = serde_json::to_value(payload("a", "school-1", &[query("L1", 0)])).unwrap();
    payload["purpose"] = json!("whim");
    assert!(serde_json::from_value::<Payload>(payload.clone()).is_err());
    payload["purpose"] = json!("restore");
    let payload: Payload = serde_json::from_value(payload).unwrap();
    assert_eq!(payload.purpose, Some(Purpose::Restore));
    assert!(payload.signing_input(&world.han.certificate().thumbprint()).contains('.'));
}
