//! Certificates: their states, and who moves them from which to which.

use serde_json::json;
use sillok_contract::{
    Code,
    act::{
        Act, CertificateCountersign, CertificateIssue, CertificateRefuse, CertificateRequest,
        CertificateRevoke, RevocationReason,
    },
    credential::{Credential, CredentialStatus, EVENT, State},
    digest::Digest,
    id::CertificateId,
    registry::Listing,
};

use super::{
    deciding::{Beside, Deciding, Who},
    world::{DAY, NOW},
};

const DIGEST: Digest = Digest([5; 32]);
const EXPIRES: i64 = NOW + DAY / 2;
const NONCE: &str = "000102030405060708090a0b0c0d0e0f";

fn id() -> CertificateId {
    CertificateId::new("C1").unwrap()
}

fn request() -> Act {
    CertificateRequest { certificate: id() }.into()
}

fn refuse() -> Act {
    CertificateRefuse { certificate: id(), digest: Digest([9; 32]) }.into()
}

fn issue() -> Act {
    CertificateIssue { certificate: id(), digest: DIGEST, expires_at: EXPIRES }.into()
}

fn countersign() -> Act {
    CertificateCountersign { certificate: id(), digest: DIGEST }.into()
}

fn revoke() -> Act {
    CertificateRevoke { certificate: id(), reason: RevocationReason::Superseded }.into()
}

/// Who does each, where it is allowed.
fn usual(act: &Act) -> Who {
    match act {
        Act::CertificateRequest(_) | Act::CertificateCountersign(_) => Who::Min,
        _ => Who::Han,
    }
}

/// A certificate after these acts.
fn after(acts: &[fn() -> Act]) -> Deciding {
    let mut case = Deciding::new();
    for act in acts {
        let act = act();
        case.does(usual(&act), act.clone()).unwrap_or_else(|code| panic!("{}: {code}", act.name()));
    }
    case
}

fn known(case: &mut Deciding) -> Credential {
    serde_json::from_value(case.read("GetCertificate", &["C1"]).unwrap()).unwrap()
}

fn status(case: &mut Deciding) -> CredentialStatus {
    serde_json::from_value(case.read("GetCertificateStatus", &["C1", NONCE]).unwrap()).unwrap()
}

#[test]
fn from_each_state_the_acts_that_may_follow_follow_and_no_others() {
    type Path = &'static [fn() -> Act];
    let paths: [(Path, &[&str]); 7] = [
        (&[], &["certificate.request"]),
        (&[request], &["certificate.refuse", "certificate.issue"]),
        (&[request, refuse], &[]),
        (&[request, issue], &["certificate.countersign", "certificate.revoke"]),
        (&[request, issue, countersign], &["certificate.revoke"]),
        (&[request, issue, revoke], &[]),
        (&[request, issue, countersign, revoke], &[]),
    ];
    for (path, allowed) in paths {
        for act in [request, refuse, issue, countersign, revoke] {
            let (mut case, act) = (after(path), act());
            let code = case.does(usual(&act), act.clone()).err();
            let expected = match (allowed.contains(&act.name()), path.len(), &act) {
                (true, ..) => None,
                (false, 0, _) => Some(Code::NotFound),
                (false, _, Act::CertificateRequest(_)) => Some(Code::AlreadyExists),
                _ => Some(Code::CredentialState),
            };
            assert_eq!(code, expected, "{} after {} acts", act.name(), path.len());
        }
    }
}

#[test]
fn every_act_is_in_the_document_with_its_transaction() {
    let mut case = Deciding::new();
    let requested = case.does(Who::Min, request()).unwrap();
    assert_eq!(known(&mut case).state, State::Requested);
    let issued = case.does(Who::Han, issue()).unwrap();
    let countersigned = case.does(Who::Min, countersign()).unwrap();
    let revoked = case.does(Who::Seo, revoke()).unwrap();
    let step = |acted: &sillok_contract::act::Acted| json!({"act": acted.act, "at": NOW, "transaction": acted.transaction});
    let with = |mut step: serde_json::Value, more: serde_json::Value| {
        step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        step
    };
    let expected = json!({
        "id": "C1", "learner": "L1", "state": "revoked", "requested": step(&requested),
        "issued": with(step(&issued), json!({"by": "han", "digest": DIGEST, "expires_at": EXPIRES})),
        "countersigned": step(&countersigned),
        "revoked": with(step(&revoked), json!({"by": "seo", "reason": "superseded"})),
    });
    assert_eq!(case.read("GetCertificate", &["C1"]).unwrap(), expected);
    let stored = &case.world.ledger.state["credential/C1"];
    assert_eq!(serde_json_canonicalizer::to_vec(&expected).unwrap(), *stored);
    let refused = known(&mut after(&[request, refuse])).refused.unwrap();
    assert_eq!((refused.by.as_str(), refused.digest), ("han", Digest([9; 32])));
}

#[test]
fn what_is_another_learners_is_not_countersigned() {
    let mut case = after(&[request, issue]);
    assert_eq!(case.does(Who::Yun, countersign()), Err(Code::CredentialLearner));
    assert_eq!(case.does(Who::Yun, request()), Err(Code::AlreadyExists), "nor is its id taken over");
    let other = CertificateCountersign { certificate: id(), digest: Digest([6; 32]) };
    assert_eq!(case.does(Who::Min, other), Err(Code::CredentialDigest));
}

#[test]
fn a_certificate_expires_and_is_then_not_countersigned_but_may_be_revoked() {
    let mut case = after(&[request]);
    for expires_at in [NOW, NOW - 1, i64::MIN] {
        let issue = CertificateIssue { certificate: id(), digest: DIGEST, expires_at };
        let code = case.does(Who::Han, issue).unwrap_err();
        assert!(matches!(code, Code::CredentialExpired | Code::ArgumentMalformed), "{code}");
    }
    let mut case = after(&[request, issue]);
    let jws = case.sign(Who::Min, countersign());
    let refusal = case.submit(&jws, Beside::new(), EXPIRES).unwrap_err();
    assert_eq!(refusal.code, Code::CredentialExpired);
    case.submit(&jws, Beside::new(), EXPIRES - 1).unwrap();
    let credential = known(&mut case);
    assert_eq!(credential.state_at(EXPIRES - 1), State::Countersigned);
    assert_eq!(credential.state_at(EXPIRES), State::Expired);
    let jws = case.sign(Who::Han, revoke());
    case.submit(&jws, Beside::new(), EXPIRES + 1).unwrap();
    assert_eq!(known(&mut case).state_at(EXPIRES + 1), State::Revoked);
}

#[test]
fn the_status_is_told_for_the_offices_to_sign() {
    let mut case = after(&[request, issue, countersign]);
    case.world.ledger.events.clear();
    let told = status(&mut case);
    let (name, payload) = case.world.ledger.events.pop().unwrap();
    assert_eq!((name.as_str(), serde_json::from_slice(&payload).ok()), (EVENT, Some(told.clone())));
    let expected = CredentialStatus {
        certificate: id(),
        learner: told.learner.clone(),
        state: State::Countersigned,
        digest: Some(DIGEST),
        issued_by: told.issued_by.clone(),
        issued_at: Some(NOW),
        expires_at: Some(EXPIRES),
        countersigned_at: Some(NOW),
        revoked_at: None,
        reason: None,
        nonce: NONCE.to_owned(),
        time: NOW,
        transaction: told.transaction.clone(),
    };
    assert_eq!(told, expected);
    case.does(Who::Han, revoke()).unwrap();
    let told = status(&mut case);
    assert_eq!(told.state, State::Revoked);
    assert_eq!((told.revoked_at, told.reason), (Some(NOW), Some(RevocationReason::Superseded)));
    assert_eq!(case.read("GetCertificateStatus", &["C9", NONCE]), Err(Code::NotFound));
    assert_eq!(case.read("GetCertificateStatus", &["C1", "00"]), Err(Code::ArgumentMalformed));
}

#[test]
fn a_learners_certificates_are_listed_and_nobody_elses() {
    let mut case = Deciding::new();
    for (who, ids) in [(Who::Min, ["A1", "A2", "A3"]), (Who::Yun, ["B1", "B2", "B3"])] {
        for id in ids {
            case.does(who, CertificateRequest { certificate: CertificateId::new(id).unwrap() }).unwrap();
        }
    }
    let mut list = |learner: &str, size: &str, bookmark: &str| {
        let page = case.read("ListCertificates", &[learner, size, bookmark])?;
        let page: Listing<Credential> = serde_json::from_value(page).unwrap();
        let ids: Vec<_> = page.items.iter().map(|item| item.id.to_string()).collect();
        Ok((ids.join(" "), page.bookmark))
    };
    let (first, bookmark) = list("L1", "2", "").unwrap();
    assert_eq!(first, "A1 A2");
    assert_eq!(list("L1", "2", &bookmark), Ok(("A3".to_owned(), String::new())));
    assert_eq!(list("L2", "9", "").unwrap().0, "B1 B2 B3");
    assert_eq!(list("L3", "9", "").unwrap().0, "");
    assert_eq!(list("L2", "9", &bookmark), Err(Code::ArgumentMalformed));
}

#[test]
fn those_that_wait_for_an_office_are_listed_in_the_order_of_the_asking() {
    let mut case = Deciding::new();
    let request = |id: &str| CertificateRequest { certificate: CertificateId::new(id).unwrap() };
    for (who, id, later) in [(Who::Min, "C2", 0), (Who::Yun, "C1", 1_000_000), (Who::Min, "C3", 2_000_000)] {
        let jws = case.sign(who, request(id));
        case.submit(&jws, Beside::new(), NOW + later).unwrap();
    }
    let (first, bookmark) = waiting(&mut case, "2", "");
    assert_eq!(first, ["C2", "C1"]);
    assert_eq!(waiting(&mut case, "2", &bookmark), (vec!["C3".to_owned()], String::new()));
    let of = |id: &str| CertificateId::new(id).unwrap();
    case.does(Who::Han, CertificateRefuse { certificate: of("C2"), digest: DIGEST }).unwrap();
    assert_eq!(waiting(&mut case, "9", "").0, ["C1", "C3"], "refused");
    let issue = CertificateIssue { certificate: of("C1"), digest: DIGEST, expires_at: EXPIRES };
    case.does(Who::Han, issue).unwrap();
    assert_eq!(waiting(&mut case, "9", "").0, ["C3"], "issued");
}

fn waiting(case: &mut Deciding, size: &str, bookmark: &str) -> (Vec<String>, String) {
    let page = case.read("ListWaitingCertificates", &[size, bookmark]).unwrap();
    let page: Listing<Credential> = serde_json::from_value(page).unwrap();
    (page.items.iter().map(|item| item.id.to_string()).collect(), page.bookmark)
}
