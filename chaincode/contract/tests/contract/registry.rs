//! Registering, changing and reading offices, schools, educators and learners.

use rcgen::{BasicConstraints, CertificateParams, CustomExtension, IsCa, KeyUsagePurpose};
use serde_json::{Value, json};
use sillok_contract::{
    Code,
    registry::{self, BatchSettings, Changed, Educator, Kind, Learner, Listing, School},
};

use super::{
    people::Authority,
    world::{DAY, NOW, SINCE, World, learner},
};

const OFFICE: &str = "OfficeMSP";
const SUPPORT: &str = "SupportMSP";

fn changed(kind: Kind, ids: &[&str]) -> Value {
    serde_json::to_value(Changed { kind, ids: ids.iter().map(|id| (*id).to_owned()).collect() }).unwrap()
}

/// The event of the last transaction, if it set one.
fn event(world: &mut World) -> Option<Value> {
    let (name, payload) = world.ledger.events.pop()?;
    assert_eq!(name, registry::EVENT);
    Some(serde_json::from_slice(&payload).unwrap())
}

#[test]
fn documents_are_stored_as_canonical_json_and_read_back() {
    let mut world = World::new();
    for (key, bytes) in &world.ledger.state {
        if key.starts_with("certificate/") {
            continue;
        }
        let value: Value = serde_json::from_slice(bytes).unwrap();
        assert_eq!(serde_json_canonicalizer::to_vec(&value).unwrap(), *bytes, "{key}");
    }
    let school: School = serde_json::from_value(world.read("GetSchool", &["school-1"]).unwrap()).unwrap();
    assert_eq!(
        (school.name.as_str(), school.batch),
        ("school-1 학교", BatchSettings { max_entries: 40, max_age_ms: 2000 })
    );
    assert_eq!(world.read("GetOffice", &["OfficeMSP"]).unwrap()["name"], "교육청");
    assert_eq!(world.read("GetLearner", &["L1"]).unwrap(), learner("L1", "school-1"));
    for (function, id) in [("GetSchool", "x"), ("GetOffice", "x"), ("GetEducator", "x"), ("GetLearner", "x")]
    {
        assert_eq!(world.read(function, &[id]).unwrap_err().code, Code::NotFound);
        assert_eq!(world.read(function, &["../x"]).unwrap_err().code, Code::IdentifierMalformed);
        assert_eq!(world.read(function, &[]).unwrap_err().code, Code::ArgumentMalformed);
    }
}

#[test]
fn an_educator_is_found_by_the_thumbprint_of_their_certificate() {
    let mut world = World::new();
    let thumbprint = hex::encode(world.kim.certificate().thumbprint());
    for text in [thumbprint.clone(), thumbprint.to_uppercase()] {
        let educator: Educator =
            serde_json::from_value(world.read("FindEducator", &[&text]).unwrap()).unwrap();
        assert_eq!((educator.id.as_str(), &educator.thumbprint), ("kim", &thumbprint));
    }
    assert_eq!(world.read("FindEducator", &[&"0".repeat(64)]).unwrap_err().code, Code::NotFound);
    assert_eq!(world.read("FindEducator", &["0"]).unwrap_err().code, Code::ArgumentMalformed);
}

#[test]
fn registering_again_changes_nothing_and_otherwise_is_refused() {
    let mut world = World::empty();
    let office = json!({"id": "OfficeMSP", "name": "교육청", "authority": world.authority.pem});
    let school = world.school("school-1");
    let educators = json!([world.educator("kim", "school-1", &world.kim.pem)]);
    let learners = json!([learner("L1", "school-1")]);
    let calls = [
        ("RegisterOffice", &office, changed(Kind::Office, &["OfficeMSP"]), changed(Kind::Office, &[])),
        ("RegisterSchool", &school, changed(Kind::School, &["school-1"]), changed(Kind::School, &[])),
        ("RegisterEducators", &educators, changed(Kind::Educator, &["kim"]), changed(Kind::Educator, &[])),
        ("RegisterLearners", &learners, changed(Kind::Learner, &["L1"]), changed(Kind::Learner, &[])),
    ];
    for (function, document, first, again) in calls {
        let msp = if function == "RegisterLearners" { SUPPORT } else { OFFICE };
        assert_eq!(world.admin(msp, function, &[document]).unwrap(), first);
        assert_eq!(event(&mut world), Some(first));
        let state = world.ledger.state.clone();
        assert_eq!(world.admin(msp, function, &[document]).unwrap(), again);
        assert_eq!((event(&mut world), &world.ledger.state), (None, &state));
    }
    let other = Authority::new("school-authority");
    let mut replaced = world.school("school-1");
    replaced["authority"] = json!(other.pem);
    let refusal = world.admin(OFFICE, "RegisterSchool", &[&replaced]).unwrap_err();
    assert_eq!(refusal.code, Code::AlreadyExists);
    let mut later = educators.clone();
    later[0]["from"] = json!(SINCE + 1);
    let refusal = world.admin(OFFICE, "RegisterEducators", &[&later]).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::AlreadyExists, Some(0)));
    let mut later = learners.clone();
    later[0]["enrolments"][0]["since"] = json!(SINCE + 1);
    let refusal = world.admin(SUPPORT, "RegisterLearners", &[&later]).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::AlreadyExists, Some(0)));
}

#[test]
fn a_list_that_is_run_again_after_changes_still_stands() {
    let mut world = World::new();
    world.admin(OFFICE, "RevokeEducator", &[&json!("kim"), &json!(NOW)]).unwrap();
    world.admin(SUPPORT, "MoveLearner", &[&json!("L1"), &json!("school-2"), &json!(NOW)]).unwrap();
    let state = world.ledger.state.clone();
    let educators = json!([world.educator("kim", "school-1", &world.kim.pem)]);
    world.admin(OFFICE, "RegisterEducators", &[&educators]).unwrap();
    world.admin(SUPPORT, "RegisterLearners", &[&json!([learner("L1", "school-1")])]).unwrap();
    assert_eq!(world.ledger.state, state);
}

#[test]
fn all_of_a_list_is_registered_or_none() {
    let mut world = World::new();
    let state = world.ledger.state.clone();
    let learners = json!([learner("L7", "school-1"), learner("L8", "school-9")]);
    let refusal = world.admin(SUPPORT, "RegisterLearners", &[&learners]).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::SchoolUnknown, Some(1)));
    let park = world.authority.issue("park", &[]);
    let educators = json!([
        world.educator("park", "school-1", &park.pem),
        world.educator("choi", "school-9", &world.authority.issue("choi", &[]).pem),
    ]);
    let refusal = world.admin(OFFICE, "RegisterEducators", &[&educators]).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::SchoolUnknown, Some(1)));
    assert_eq!(world.ledger.state, state);
}

#[test]
fn nobody_is_in_a_list_twice_and_lists_are_bounded() {
    let mut world = World::new();
    let twice = json!([learner("L7", "school-1"), learner("L7", "school-1")]);
    let refusal = world.admin(SUPPORT, "RegisterLearners", &[&twice]).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::ArgumentMalformed, Some(1)));
    let park = world.authority.issue("park", &[]);
    let shared =
        json!(
            [world.educator("park", "school-1", &park.pem), world.educator("choi", "school-1", &park.pem),]
        );
    let refusal = world.admin(OFFICE, "RegisterEducators", &[&shared]).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::ArgumentMalformed, Some(1)));
    let many = |count: usize| (0..count).map(|id| learner(&format!("M{id}"), "school-1")).collect::<Value>();
    for count in [0, 501] {
        let refusal = world.admin(SUPPORT, "RegisterLearners", &[&many(count)]).unwrap_err();
        assert_eq!(refusal.code, Code::ArgumentMalformed);
    }
    world.ledger.round_trips = 0;
    world.admin(SUPPORT, "RegisterLearners", &[&many(500)]).unwrap();
    assert_eq!(world.ledger.round_trips, 1);
}

#[test]
fn one_certificate_is_one_educators() {
    let mut world = World::new();
    let educators = json!([world.educator("park", "school-1", &world.kim.pem)]);
    let refusal = world.admin(OFFICE, "RegisterEducators", &[&educators]).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::AlreadyExists, Some(0)));
}

#[test]
fn an_educators_certificate_is_the_schools_authoritys_with_a_p256_key() {
    let mut world = World::new();
    let mut refused = |pem: &str| {
        let educators = json!([world.educator("park", "school-1", pem)]);
        world.admin(OFFICE, "RegisterEducators", &[&educators]).unwrap_err().code
    };
    assert_eq!(refused(&Authority::new("school-authority").issue("park", &[]).pem), Code::CertificateIssuer);
    assert_eq!(refused("x"), Code::CertificateMalformed);
    let authority = Authority::new("school-authority");
    let big = authority.issue_with(super::people::params("park", &[]), &rcgen::PKCS_ECDSA_P384_SHA384);
    assert_eq!(refused(&big.pem), Code::CertificateUnsupported);
}

#[test]
fn an_educators_certificate_is_for_signatures_and_issues_none() {
    let mut world = World::new();
    let mut registered = |change: fn(&mut CertificateParams)| {
        let mut params = super::people::params("park", &[]);
        change(&mut params);
        let park = world.authority.issue_with(params, &rcgen::PKCS_ECDSA_P256_SHA256);
        let educators = json!([world.educator("park", "school-1", &park.pem)]);
        let answer = world.admin(OFFICE, "RegisterEducators", &[&educators]);
        answer.map(drop).map_err(|refusal| (refusal.code, refusal.entry))
    };
    let unsupported = Err((Code::CertificateUnsupported, Some(0)));
    assert_eq!(registered(|it| it.key_usages = vec![KeyUsagePurpose::KeyAgreement]), unsupported);
    assert_eq!(registered(|it| it.is_ca = IsCa::Ca(BasicConstraints::Constrained(0))), unsupported);
    let unknown = |it: &mut CertificateParams| {
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0]);
        extension.set_criticality(true);
        it.custom_extensions = vec![extension];
    };
    assert_eq!(registered(unknown), unsupported);
    let usual = |it: &mut CertificateParams| {
        it.is_ca = IsCa::ExplicitNoCa;
        it.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        it.custom_extensions =
            vec![CustomExtension::from_oid_content(&[1, 2, 3, 4, 5, 6, 7, 8, 1], b"{}".to_vec())];
    };
    assert_eq!(registered(usual), Ok(()));
}

#[test]
fn a_document_in_a_list_is_an_object_and_the_one_to_blame_is_named() {
    let mut world = World::new();
    let good = learner("L7", "school-1");
    // Serde would take the members' values in order as well.
    for bad in [json!(["L8", [{"school": "school-1", "since": 0}], null]), json!({"id": "L8"}), json!(1)] {
        let refusal = world.admin(SUPPORT, "RegisterLearners", &[&json!([good, bad])]).unwrap_err();
        assert_eq!((refusal.code, refusal.entry), (Code::ArgumentMalformed, Some(1)), "{bad}");
    }
    let long = json!([" ".repeat(4 << 20)]);
    let refusal = world.admin(SUPPORT, "RegisterLearners", &[&long]).unwrap_err();
    assert!(refusal.message.contains("several calls"), "{refusal}");
}

#[test]
fn documents_are_checked_member_by_member() {
    let mut world = World::new();
    let leaf = world.kim.pem.clone();
    let person = world.authority.issue("park", &[]).pem;
    let school = |changes: Value| ("RegisterSchool", false, changes);
    let educator = |changes: Value| ("RegisterEducators", true, changes);
    let enrolled = |changes: Value| ("RegisterLearners", true, changes);
    let malformed = Code::ArgumentMalformed;
    let cases = [
        (school(json!({"name": ""})), malformed),
        (school(json!({"name": "x".repeat(201)})), malformed),
        (school(json!({"district": "a\nb"})), malformed),
        (school(json!({"more": 1})), malformed),
        (school(json!({"id": "a b"})), malformed),
        (school(json!({"office": "OtherMSP"})), Code::NotFound),
        (school(json!({"authority": leaf})), Code::CertificateUnsupported),
        (school(json!({"authority": ""})), Code::CertificateMalformed),
        (school(json!({"batch": {"max_entries": 0}})), malformed),
        (school(json!({"batch": {"max_entries": 1001}})), malformed),
        (school(json!({"batch": {"max_age_ms": 0}})), malformed),
        (school(json!({"closed_since": -1})), malformed),
        (educator(json!({"role": "a b"})), malformed),
        (educator(json!({"from": -1})), malformed),
        (educator(json!({"from": 1i64 << 53})), malformed),
        (educator(json!({"until": SINCE})), malformed),
        (educator(json!({"thumbprint": "00"})), malformed),
        (enrolled(json!({"enrolments": []})), malformed),
        (enrolled(json!({"enrolments": [{"school": "school-9", "since": 0}]})), Code::SchoolUnknown),
        (
            enrolled(json!({"enrolments": [
                {"school": "school-1", "since": 5}, {"school": "school-2", "since": 5},
            ]})),
            malformed,
        ),
        (enrolled(json!({"wallet_key": "x"})), malformed),
        (enrolled(json!({"wallets": [world.kim.wallet(SINCE)]})), malformed),
    ];
    for ((function, list, changes), code) in cases {
        let mut document = match function {
            "RegisterSchool" => world.school("school-7"),
            "RegisterEducators" => world.educator("park", "school-1", &person),
            _ => learner("L7", "school-1"),
        };
        document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let document = if list { json!([document]) } else { document };
        let msp = if function == "RegisterLearners" { SUPPORT } else { OFFICE };
        let refusal = world.admin(msp, function, &[&document]).unwrap_err();
        assert_eq!(refusal.code, code, "{function} {changes}: {refusal}");
    }
}

#[test]
fn a_school_changes_in_name_district_and_settings() {
    let mut world = World::new();
    let change = json!({"id": "school-1", "name": "New", "batch": {"max_entries": 5}});
    assert_eq!(
        world.admin(OFFICE, "UpdateSchool", &[&change]).unwrap(),
        changed(Kind::School, &["school-1"])
    );
    assert_eq!(event(&mut world), Some(changed(Kind::School, &["school-1"])));
    let school: School = serde_json::from_value(world.read("GetSchool", &["school-1"]).unwrap()).unwrap();
    assert_eq!(
        (school.name.as_str(), school.district.as_str(), school.batch.max_entries),
        ("New", "Seoul", 5)
    );
    assert_eq!(world.admin(OFFICE, "UpdateSchool", &[&change]).unwrap(), changed(Kind::School, &[]));
    assert_eq!(event(&mut world), None);
    let refusal = world.admin(OFFICE, "UpdateSchool", &[&json!({"id": "school-9"})]).unwrap_err();
    assert_eq!(refusal.code, Code::NotFound);
    let refusal = world.admin(OFFICE, "UpdateSchool", &[&json!({"id": "school-1", "name": ""})]).unwrap_err();
    assert_eq!(refusal.code, Code::ArgumentMalformed);
    let refusal =
        world.admin(OFFICE, "UpdateSchool", &[&json!({"id": "school-1", "authority": "x"})]).unwrap_err();
    assert_eq!(refusal.code, Code::ArgumentMalformed);
}

#[test]
fn an_end_may_come_earlier_never_later() {
    let mut world = World::new();
    for (time, allowed) in [(NOW, true), (NOW, true), (NOW - DAY, true), (NOW, false), (-1, false)] {
        let revoked = world.admin(OFFICE, "RevokeEducator", &[&json!("kim"), &json!(time)]);
        assert_eq!(revoked.is_ok(), allowed, "{time}");
        let closed = world.admin(OFFICE, "UpdateSchool", &[&json!({"id": "school-1", "closed_since": time})]);
        assert_eq!(closed.is_ok(), allowed, "{time}");
    }
    assert_eq!(world.read("GetEducator", &["kim"]).unwrap()["revoked_since"], NOW - DAY);
    assert_eq!(world.read("GetSchool", &["school-1"]).unwrap()["closed_since"], NOW - DAY);
    let refusal = world.admin(OFFICE, "RevokeEducator", &[&json!("ghost"), &json!(NOW)]).unwrap_err();
    assert_eq!(refusal.code, Code::NotFound);
}

#[test]
fn a_learner_moves_forward_in_time_only() {
    let mut world = World::new();
    let mut to = |id: &str, school: &str, since: i64| {
        world
            .admin(SUPPORT, "MoveLearner", &[&json!(id), &json!(school), &json!(since)])
            .map_err(|refusal| refusal.code)
    };
    assert_eq!(to("L1", "school-2", NOW), Ok(changed(Kind::Learner, &["L1"])));
    assert_eq!(to("L1", "school-2", NOW), Ok(changed(Kind::Learner, &[])));
    assert_eq!(to("L1", "school-1", NOW), Err(Code::ArgumentMalformed));
    assert_eq!(to("L1", "school-1", NOW - DAY), Err(Code::ArgumentMalformed));
    assert_eq!(to("L1", "school-9", NOW + DAY), Err(Code::SchoolUnknown));
    assert_eq!(to("L9", "school-1", NOW + DAY), Err(Code::NotFound));
    assert_eq!(to("L1", "school-1", NOW + DAY), Ok(changed(Kind::Learner, &["L1"])));
    let stands: Learner = serde_json::from_value(world.read("GetLearner", &["L1"]).unwrap()).unwrap();
    let at = |time| stands.school_at(time).map(|school| school.as_str()).map_err(|refusal| refusal.code);
    assert_eq!(at(SINCE - 1), Err(Code::LearnerNotEnrolled));
    assert_eq!((at(SINCE), at(NOW - 1)), (Ok("school-1"), Ok("school-1")));
    assert_eq!((at(NOW), at(NOW + DAY), at(i64::MAX)), (Ok("school-2"), Ok("school-1"), Ok("school-1")));
}

#[test]
fn lists_are_complete_page_by_page() {
    let mut world = World::new();
    let learners = (0..25).map(|id| learner(&format!("M{id:02}"), "school-1")).collect::<Value>();
    world.admin(SUPPORT, "RegisterLearners", &[&learners]).unwrap();
    let (mut ids, mut bookmark) = (Vec::new(), String::new());
    loop {
        let page = world.read("ListLearners", &["10", &bookmark]).unwrap();
        let page: Listing<Learner> = serde_json::from_value(page).unwrap();
        ids.extend(page.items.into_iter().map(|learner| learner.id.to_string()));
        bookmark = page.bookmark;
        if bookmark.is_empty() {
            break;
        }
    }
    assert_eq!((ids.len(), ids.is_sorted()), (28, true));
    for (function, count) in [("ListSchools", 2), ("ListEducators", 2)] {
        assert_eq!(world.read(function, &["500", ""]).unwrap()["items"].as_array().unwrap().len(), count);
    }
}

#[test]
fn a_bookmark_does_not_lead_into_other_keys() {
    let mut world = World::new();
    world.record(&world.draft()).unwrap();
    for bookmark in ["head/school-1", "batch/school-1/000000000001", "a"] {
        let reply = world.read("ListLearners", &["10", bookmark]);
        assert_eq!(reply.unwrap_err().code, Code::ArgumentMalformed, "{bookmark}");
    }
    for bookmark in ["school/", "zzz"] {
        assert_eq!(world.read("ListLearners", &["10", bookmark]).unwrap()["items"], json!([]), "{bookmark}");
    }
}

#[test]
fn the_gateways_early_check_is_the_ledgers() {
    let world = World::new();
    let school: School = serde_json::from_value(world.school("school-1")).unwrap();
    let educator: Educator =
        serde_json::from_value(world.educator("kim", "school-1", &world.kim.pem)).unwrap();
    let code = |educator: &Educator, school: &School, time| {
        educator.may_act(school, time).map_err(|refusal| refusal.code).err()
    };
    assert_eq!(code(&educator, &school, NOW), None);
    assert_eq!(code(&educator, &school, SINCE - 1), Some(Code::EducatorNotYet));
    assert_eq!(code(&educator, &school, NOW + 365 * DAY), Some(Code::CertificateExpired));
    let closed = School { closed_since: Some(NOW), ..school.clone() };
    assert_eq!(code(&educator, &closed, NOW), Some(Code::SchoolClosed));
    let other: School = serde_json::from_value(world.school("school-2")).unwrap();
    assert_eq!(code(&educator, &other, NOW), Some(Code::EducatorElsewhere));
    let revoked = Educator { revoked_since: Some(NOW), ..educator.clone() };
    assert_eq!(code(&revoked, &school, NOW), Some(Code::EducatorRevoked));
    let gone = Educator { until: Some(NOW), ..educator.clone() };
    assert_eq!(code(&gone, &school, NOW), Some(Code::EducatorNoLonger));
    let elsewhere = School { authority: Authority::new("other").pem, ..school };
    assert_eq!(code(&educator, &elsewhere, NOW), Some(Code::CertificateIssuer));
}
