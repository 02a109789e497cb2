//! The form of acts, who signed them and when.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use sillok_contract::{
    Code,
    act::{
        Act, CertificateRefuse, CertificateRequest, EVENT, MAX_ACT, MAX_AHEAD, MAX_BEHIND, Named, Payload,
        SignedAct,
    },
    digest::Digest,
    id::{CertificateId, LearnerId},
    request::compact,
};

use super::{
    deciding::{Beside, Deciding, Who},
    record::twin,
    world::{NOW, NOW_SECONDS, SECOND, SINCE},
};

fn request() -> CertificateRequest {
    CertificateRequest { certificate: CertificateId::new("C1").unwrap() }
}

fn refusal() -> CertificateRefuse {
    CertificateRefuse { certificate: CertificateId::new("C1").unwrap(), digest: Digest([7; 32]) }
}

#[test]
fn an_act_is_kept_as_it_was_signed_and_told() {
    let mut case = Deciding::new();
    let jws = case.sign(Who::Min, request());
    let acted = case.submit(&jws, Beside::new(), NOW).unwrap();
    assert_eq!((acted.name.as_str(), acted.repeated), ("certificate.request", false));
    assert_eq!(acted.act, SignedAct::parse(&jws).unwrap().digest);
    let kept = case.read("GetAct", &[&acted.act.to_string()]).unwrap();
    assert_eq!(kept, json!({"jws": jws, "at": NOW, "transaction": acted.transaction}));
    let (name, payload) = case.world.ledger.events.pop().unwrap();
    assert_eq!((name.as_str(), serde_json::from_slice(&payload).ok()), (EVENT, Some(acted)));
    assert_eq!(case.read("GetAct", &[&"0".repeat(64)]), Err(Code::NotFound));
    assert_eq!(case.read("GetAct", &[&"A".repeat(64)]), Err(Code::ArgumentMalformed));
}

#[test]
fn the_same_act_again_is_answered_with_the_first_transaction_also_under_its_twin_and_later() {
    let mut case = Deciding::new();
    let jws = case.sign(Who::Min, request());
    let first = case.submit(&jws, Beside::new(), NOW).unwrap();
    let state = case.world.ledger.state.clone();
    for (again, time) in [(jws.clone(), NOW), (twin(&jws), NOW), (jws, NOW + 2 * MAX_BEHIND)] {
        let acted = case.submit(&again, Beside::new(), time).unwrap();
        assert!(acted.repeated);
        assert_eq!((acted.transaction, acted.act), (first.transaction.clone(), first.act));
        assert_eq!(case.world.ledger.state, state);
    }
    assert_eq!(case.world.ledger.events.len(), 1, "nothing was recorded again");
    assert_eq!(case.does(Who::Min, request()), Err(Code::AlreadyExists), "signed anew it is another act");
}

#[test]
fn nobody_else_signs() {
    let mut case = Deciding::new();
    let payload = case.payload(request());
    for forger in [Who::Yun, Who::Han] {
        let (_, named) = case.person(Who::Min);
        let input = payload.signing_input(&named);
        let jws = compact(&input, &case.person(forger).0.sign_bytes(input.as_bytes()));
        let refusal = case.submit(&jws, Beside::new(), NOW).unwrap_err();
        assert_eq!(refusal.code, Code::WalletSignature);
    }
    case.does(Who::Min, request()).unwrap();
    let payload = case.payload(refusal());
    for forger in [Who::Min, Who::Seo] {
        let (_, named) = case.person(Who::Han);
        let input = payload.signing_input(&named);
        let jws = compact(&input, &case.person(forger).0.sign_bytes(input.as_bytes()));
        assert_eq!(case.submit(&jws, Beside::new(), NOW).unwrap_err().code, Code::ActSignature);
    }
}

#[test]
fn an_act_is_for_its_party() {
    let mut case = Deciding::new();
    assert_eq!(case.does(Who::Han, request()), Err(Code::ActSigner));
    case.does(Who::Min, request()).unwrap();
    assert_eq!(case.does(Who::Min, refusal()), Err(Code::ActSigner));
}

#[test]
fn who_is_not_registered_signs_nothing() {
    let mut case = Deciding::new();
    let learner = |id: &str| Named::Learner(LearnerId::new(id).unwrap());
    let kim = Named::Officer(case.world.kim.certificate().thumbprint());
    for (named, act, code) in [
        (learner("L9"), Act::from(request()), Code::LearnerUnknown),
        (learner("L3"), Act::from(request()), Code::WalletNone),
        (Named::Officer([7; 32]), Act::from(refusal()), Code::OfficerUnknown),
        (kim, Act::from(refusal()), Code::OfficerUnknown),
    ] {
        let payload = case.payload(act);
        let input = payload.signing_input(&named);
        let jws = compact(&input, &case.world.kim.sign_bytes(input.as_bytes()));
        assert_eq!(case.submit(&jws, Beside::new(), NOW).unwrap_err().code, code);
    }
}

#[test]
fn a_signer_stands_when_they_signed_and_now() {
    // The act was signed a second before now.
    let signed = (NOW_SECONDS - 1) * SECOND;
    for (since, code) in [(signed, Code::WalletRevoked), (NOW, Code::WalletRevoked)] {
        let mut case = Deciding::new();
        let arguments = [&json!("L1"), &json!(since)];
        case.world.admin("SupportMSP", "RevokeWalletKey", &arguments).unwrap();
        assert_eq!(case.does(Who::Min, request()), Err(code), "{since}");
    }
    for (since, code) in [(signed, Code::OfficerRevoked), (NOW, Code::OfficerRevoked)] {
        let mut case = Deciding::new();
        case.does(Who::Min, request()).unwrap();
        case.world.admin("OfficeMSP", "RevokeOfficer", &[&json!("han"), &json!(since)]).unwrap();
        assert_eq!(case.does(Who::Han, refusal()), Err(code), "{since}");
        case.does(Who::Seo, refusal()).unwrap();
    }
    let mut case = Deciding::new();
    let arguments = [&json!("L1"), &json!(NOW + 1)];
    case.world.admin("SupportMSP", "RevokeWalletKey", &arguments).unwrap();
    case.does(Who::Min, request()).unwrap();
}

#[test]
fn after_a_rotation_the_old_key_signed_before_and_the_new_one_signs_now() {
    let mut case = Deciding::new();
    let next = case.world.lee.wallet((NOW_SECONDS - 1) * SECOND);
    let before = Payload { iat: NOW_SECONDS - 2, ..case.payload(request()) };
    let old = case.sign(Who::Min, CertificateRequest { certificate: CertificateId::new("C2").unwrap() });
    case.world.admin("SupportMSP", "RegisterWalletKey", &[&json!("L1"), &json!(next)]).unwrap();
    let before = case.sign_payload(Who::Min, &before);
    case.submit(&before, Beside::new(), NOW).unwrap();
    assert_eq!(case.submit(&old, Beside::new(), NOW).unwrap_err().code, Code::WalletSignature);
}

#[test]
fn an_officers_certificate_is_valid_and_their_offices() {
    let mut case = Deciding::new();
    case.does(Who::Min, request()).unwrap();
    let other = super::people::Authority::new("offices-authority");
    let office = json!({"id": "OfficeMSP", "name": "교육청", "authority": other.pem});
    case.world.ledger.state.insert("office/OfficeMSP".into(), office.to_string().into());
    assert_eq!(case.does(Who::Han, refusal()), Err(Code::CertificateIssuer));
    // 2027-01-02.
    let late = 1_798_848_000;
    let payload = Payload { iat: late, ..case.payload(refusal()) };
    let jws = case.sign_payload(Who::Seo, &payload);
    let refusal = case.submit(&jws, Beside::new(), late * SECOND).unwrap_err();
    assert_eq!(refusal.code, Code::CertificateExpired);
}

#[test]
fn an_act_is_signed_about_now() {
    let signed = (NOW_SECONDS - 1) * SECOND;
    for (now, fits) in [
        (signed - MAX_AHEAD, true),
        (signed - MAX_AHEAD - 1, false),
        (signed + MAX_BEHIND, true),
        (signed + MAX_BEHIND + 1, false),
        (i64::MIN, false),
        (i64::MAX, false),
    ] {
        let mut case = Deciding::new();
        let jws = case.sign(Who::Min, request());
        let reply = case.submit(&jws, Beside::new(), now);
        assert_eq!(reply.is_ok(), fits, "{now} {reply:?}");
        assert!(fits || reply.is_err_and(|refusal| refusal.code == Code::ActTime));
    }
    let mut case = Deciding::new();
    let early = Payload { iat: SINCE / SECOND - 1, ..case.payload(request()) };
    let jws = case.sign_payload(Who::Min, &early);
    assert_eq!(case.submit(&jws, Beside::new(), SINCE).unwrap_err().code, Code::WalletNone);
}

/// An act is dated to the second. A key that begins within that second signs it; one that ends within it does not.
#[test]
fn a_key_signs_from_the_second_on_in_which_it_begins() {
    let within = NOW_SECONDS * SECOND - SECOND / 2;
    let mut case = Deciding::new();
    let key = serde_json::to_value(case.yun.wallet(within)).unwrap();
    case.world.admin("SupportMSP", "RegisterWalletKey", &[&json!("L1"), &key]).unwrap();
    let (payload, (_, min)) = (case.payload(request()), case.person(Who::Min));
    let input = payload.signing_input(&min);
    let jws = compact(&input, &case.yun.sign_bytes(input.as_bytes()));
    assert!(case.submit(&jws, Beside::new(), NOW).is_ok());

    let mut case = Deciding::new();
    case.world.admin("SupportMSP", "RevokeWalletKey", &[&json!("L1"), &json!(within)]).unwrap();
    assert_eq!(case.does(Who::Min, request()), Err(Code::WalletRevoked));
}

/// The RFC 7515 form by hand, apart from the code that makes it.
#[test]
fn headers_and_payloads_of_another_form_are_refused() {
    let mut case = Deciding::new();
    let digest = "07".repeat(32);
    let header = json!({"typ": "sillok-act+jws", "alg": "ES256", "kid": "L1"}).to_string();
    let payload = json!({
        "jti": "a", "iat": NOW_SECONDS, "aud": "g", "act": "certificate.countersign", "certificate": "C1",
        "digest": digest,
    });
    let payload = payload.to_string();
    let sign = |case: &Deciding, header: &str, payload: &str| {
        let encode = |part: &str| BASE64_URL_SAFE_NO_PAD.encode(part);
        let input = format!("{}.{}", encode(header), encode(payload));
        compact(&input, &case.min.sign_bytes(input.as_bytes()))
    };
    let whole = sign(&case, &header, &payload);
    let parsed = SignedAct::parse(&whole).unwrap();
    assert_eq!(parsed.named, Named::Learner(LearnerId::new("L1").unwrap()));
    assert_eq!(parsed.as_str(), whole);
    let again = case.sign_payload(Who::Min, &parsed.payload);
    assert_eq!(SignedAct::parse(&again).unwrap().payload, parsed.payload);
    let thumbprint = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
    let both = format!(r#"{{"x5t#S256":"{thumbprint}","#);
    for (from, to) in [
        ("sillok-act+jws", "sillok-request+jws"),
        ("ES256", "none"),
        ("ES256", "HS256"),
        ("{", &both),
        (r#","kid":"L1""#, ""),
        (r#""kid":"L1""#, r#""x5t#S256":"AA""#),
        ("\"L1\"", "\"../L1\""),
        ("{", r#"{"crit":["b64"],"#),
        ("{", r#"{"jwk":{},"#),
        ("{", r#"{"kid":"L2","#),
    ] {
        let changed = header.replacen(from, to, 1);
        let changed = if changed == header { header.replace(r#""kid":"L1","#, "") } else { changed };
        assert_ne!(changed, header, "{from}");
        let code = case.submit(&sign(&case, &changed, &payload), Beside::new(), NOW).unwrap_err().code;
        assert_eq!(code, Code::ActMalformed, "{changed}");
    }
    for (from, to) in [
        (r#""jti":"a""#, r#""jti":"""#),
        (r#""jti":"a""#, r#""jti":"a b""#),
        (r#""aud":"g","#, ""),
        (r#""iat":"#, r#""iat":-"#),
        (r#""iat":"#, r#""iat":1."#),
        ("{", r#"{"exp":1,"#),
        ("{", r#"{"jti":"b","#),
        ("{", r#"{"certificate":"C2","#),
        ("{", r#"{"act":"certificate.request","#),
        ("{", r#"{"expires_at":1,"#),
        ("certificate.countersign", "certificate.unheard"),
        ("certificate.countersign", "CertificateCountersign"),
        ("0707", "07"),
        ("0707", "0AAA"),
        ("\"C1\"", "\"C/1\""),
        ("}", "} {}"),
    ] {
        let changed = payload.replacen(from, to, 1);
        assert_ne!(changed, payload, "{from}");
        let code = case.submit(&sign(&case, &header, &changed), Beside::new(), NOW).unwrap_err().code;
        assert_eq!(code, Code::ActMalformed, "{changed}");
    }
    for bad in ["", ".", "..", &whole[1..], &format!("{whole}="), &format!("{whole}.")] {
        assert_eq!(SignedAct::parse(bad).unwrap_err().code, Code::ActMalformed, "{bad}");
    }
    let long = SignedAct::parse(&"x".repeat(MAX_ACT + 1)).unwrap_err();
    assert_eq!(long.code, Code::ActTooLarge);
}
