//! RecordBatch takes an entry only if its request is signed by an educator who stood, for a learner of theirs, at that
//! time: every test changes one thing in a batch that would be recorded.

use serde_json::json;
use sillok_contract::{
    Code,
    batch::{MAX_AGE, MAX_AHEAD, MAX_WAIT, SKEW},
};

use super::{
    record::{assert_refused, refused, refused_in},
    world::*,
};

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
