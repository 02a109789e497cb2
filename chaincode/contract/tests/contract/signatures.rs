//! Signatures of documents: recorded once, verified again, found by what was signed.

use serde_json::json;
use sillok_contract::{
    Code,
    act::Payload,
    certificate::Certificate,
    digest::Digest,
    signature::{
        Commitment, EVENT, MAX_AHEAD, MAX_BEHIND, MAX_SIGNATURES, Presented, RecordedSignatures, Signature,
        SignatureRecord, Statement, Subject,
    },
};

use super::{
    people::Authority,
    record::twin,
    signing::{SUPPORT, Signing, Who, alone, counter, part, statement},
    world::{DAY, NOW, NOW_SECONDS, SECOND, SINCE},
};

fn record(case: &mut Signing, hash: Digest, signer: &str) -> SignatureRecord {
    serde_json::from_value(case.read("GetSignature", &[&hash.to_string(), signer]).unwrap()).unwrap()
}

#[test]
fn a_signature_is_recorded_told_and_found_by_what_was_signed() {
    let mut case = Signing::new();
    let of = Statement { purpose: Some(Commitment::ProofOfReceipt), ..statement("a consent") };
    let jws = case.sign(Who::Ahn, &of);
    let answer = case.submit(&[alone(&jws)], NOW).unwrap();
    let signature = Signature::parse(&jws).unwrap();
    let [recorded] = answer.signatures.as_slice() else { panic!("{answer:?}") };
    assert_eq!((recorded.digest, recorded.hash, recorded.repeated), (signature.digest, of.hash, false));
    let (name, told) = case.world.ledger.events.pop().unwrap();
    assert_eq!((name.as_str(), serde_json::from_slice(&told).ok()), (EVENT, Some(answer.clone())));
    let found = record(&mut case, of.hash, "ahn");
    let expected = SignatureRecord {
        hash: of.hash,
        signer: Who::Ahn.id(),
        subject: of.subject.clone(),
        purpose: of.purpose,
        certificate: Digest(case.ahn.certificate().thumbprint()),
        digest: signature.digest,
        jws: Digest::of(jws.as_bytes()),
        approval: None,
        signed_at: of.iat * SECOND,
        at: NOW,
        transaction: recorded.transaction.clone(),
    };
    assert_eq!(found, expected);
    assert_eq!(case.read("FindSignature", &[&signature.digest.to_string()]), Ok(json!(expected)));
    let nothing_of_the_signature = case.world.ledger.state.values().all(|value| {
        let value = String::from_utf8_lossy(value);
        !value.contains(jws.rsplit_once('.').unwrap().1)
    });
    assert!(nothing_of_the_signature, "the signature itself stays off the channel");
}

#[test]
fn what_is_not_signed_is_said_not_to_exist() {
    let mut case = Signing::new();
    let of = statement("a consent");
    let hash = of.hash.to_string();
    assert_eq!(case.read("GetSignature", &[&hash, "ahn"]), Err(Code::SignatureNotFound));
    assert_eq!(case.read("FindSignature", &[&hash]), Err(Code::SignatureNotFound));
    assert_eq!(case.read("ListSignatures", &[&hash, "10", ""]), Err(Code::SignatureNotFound));
    let refusal = case.world.read("GetSignature", &[&hash, "ahn"]).unwrap_err();
    assert_eq!(refusal.message, "signature does not exist");
    case.signs(Who::Ahn, &of).unwrap();
    assert_eq!(case.read("GetSignature", &[&hash, "bae"]), Err(Code::SignatureNotFound));
    assert_eq!(case.read("GetSignature", &["x", "bae"]), Err(Code::ArgumentMalformed));
    case.signs(Who::Bae, &of).unwrap();
    case.signs(Who::Cha, &of).unwrap();
    let page = case.read("ListSignatures", &[&hash, "2", ""]).unwrap();
    let bookmark = page["bookmark"].as_str().unwrap();
    let last = case.read("ListSignatures", &[&hash, "2", bookmark]).unwrap();
    let signers = |page: &serde_json::Value| {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|record| record["signer"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!([signers(&page), signers(&last)], [vec!["ahn", "bae"], vec!["cha"]]);
}

#[test]
fn a_signer_signs_a_document_once() {
    let mut case = Signing::new();
    let of = statement("a consent");
    let jws = case.sign(Who::Ahn, &of);
    let first = case.submit(&[alone(&jws)], NOW).unwrap();
    let state = case.world.ledger.state.clone();
    for (again, time) in [(jws.clone(), NOW), (twin(&jws), NOW), (jws.clone(), NOW + 2 * MAX_BEHIND)] {
        let answer = case.submit(&[alone(&again)], time).unwrap();
        let [recorded] = answer.signatures.as_slice() else { panic!("{answer:?}") };
        assert!(recorded.repeated);
        assert_eq!(recorded.transaction, first.signatures[0].transaction);
        assert_eq!(case.world.ledger.state, state);
    }
    assert_eq!(case.world.ledger.events.len(), 1, "nothing was recorded again");
    let another = alone(&case.sign(Who::Ahn, &Statement { iat: of.iat - 1, ..of.clone() }));
    let refusal = case.submit(std::slice::from_ref(&another), NOW).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::SignatureExists, Some(0)));
    assert!(refusal.message.starts_with("signature already exists"));
    case.revoke(Who::Ahn, SINCE);
    assert!(case.submit(&[alone(&jws)], NOW).unwrap().signatures[0].repeated, "what stands is told");
}

#[test]
fn all_or_none_and_the_one_to_blame_is_named() {
    let mut case = Signing::new();
    let [good, other] = ["a", "b"].map(|text| alone(&case.sign(Who::Ahn, &statement(text))));
    let forged = alone(&case.sign_with(&case.bae, &case.ahn, &statement("c")));
    let refusal = case.submit(&[good.clone(), other.clone(), forged], NOW).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::SignatureInvalid, Some(2)));
    let again = alone(
        &case.sign(Who::Ahn, &Statement { purpose: Some(Commitment::ProofOfOrigin), ..statement("a") }),
    );
    let refusal = case.submit(&[good.clone(), again], NOW).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::SignatureExists, Some(1)));
    case.submit(std::slice::from_ref(&good), NOW).unwrap();
    let answer = case.submit(&[good, other], NOW).unwrap();
    let repeated: Vec<_> = answer.signatures.iter().map(|recorded| recorded.repeated).collect();
    assert_eq!(repeated, [true, false]);
    let (_, told) = case.world.ledger.events.pop().unwrap();
    let told: RecordedSignatures = serde_json::from_slice(&told).unwrap();
    assert_eq!(told.signatures, answer.signatures[1..]);
}

#[test]
fn a_hundred_take_two_round_trips_and_two_keys_each() {
    let mut case = Signing::new();
    let sign = |case: &mut Signing, text: String| match text.len() % 3 {
        0 => alone(&case.sign(Who::Ahn, &statement(&text))),
        1 => alone(&case.sign(Who::Bae, &statement(&text))),
        _ => case.approved(&statement(&text)),
    };
    let all: Vec<_> = (1..=MAX_SIGNATURES).map(|size| sign(&mut case, "x".repeat(size))).collect();
    let before = case.world.ledger.state.len();
    case.world.ledger.round_trips = 0;
    case.submit(&all, NOW).unwrap();
    assert_eq!(case.world.ledger.round_trips, 2);
    assert_eq!(case.world.ledger.state.len(), before + 2 * MAX_SIGNATURES);
    let one_more = vec![Digest([0; 32]); MAX_SIGNATURES + 1];
    let refusal = case.submit_bytes(json!(one_more).to_string(), "[]".into(), NOW).unwrap_err();
    assert_eq!(refusal.code, Code::ArgumentMalformed);
}

#[test]
fn the_digests_are_those_of_the_signatures() {
    let mut case = Signing::new();
    let [one, other] = ["a", "b"].map(|text| case.sign(Who::Ahn, &statement(text)));
    let digest = |jws: &str| Signature::parse(jws).unwrap().digest;
    let (one_digest, other_digest) = (digest(&one), digest(&other));
    for (digests, signatures, entry) in [
        (json!([one_digest]), json!([{"jws": other}]), Some(0)),
        (json!([one_digest]), json!([{"jws": one}, {"jws": other}]), None),
        (json!([one_digest, one_digest]), json!([{"jws": one}, {"jws": twin(&one)}]), Some(1)),
        (json!([]), json!([]), None),
        (json!([one_digest]), json!([{"jws": one, "signer": "ahn"}]), None),
        (json!([one_digest]), json!({"jws": one}), None),
        (json!(["00"]), json!([{"jws": one}]), None),
        (json!({"0": other_digest}), json!([{"jws": other}]), None),
    ] {
        let refusal = case.submit_bytes(digests.to_string(), signatures.to_string(), NOW).unwrap_err();
        assert_eq!((refusal.code, refusal.entry), (Code::ArgumentMalformed, entry), "{signatures}");
    }
    let creator = case.world.creator(SUPPORT, "client");
    let arguments = [json!([one_digest]).to_string().into_bytes()];
    let refusal = case.world.call(creator, "RecordSignatures", &arguments).unwrap_err();
    assert_eq!(refusal.code, Code::ArgumentMalformed, "without the transient value");
}

#[test]
fn nobody_else_signs() {
    let mut case = Signing::new();
    let of = statement("a contract");
    let forged = case.sign_with(&case.bae, &case.ahn, &of);
    assert_eq!(case.submit(&[alone(&forged)], NOW).unwrap_err().code, Code::SignatureInvalid);
    let strangers = [&case.world.han, &case.world.kim];
    for jws in strangers.map(|stranger| case.sign_with(stranger, stranger, &of)) {
        let refusal = case.submit(&[alone(&jws)], NOW).unwrap_err();
        assert_eq!((refusal.code, refusal.entry), (Code::SignerUnknown, Some(0)));
    }
}

#[test]
fn a_signature_brings_the_authority_of_the_signers_office_along() {
    let mut case = Signing::new();
    let of = statement("a contract");
    let other = Certificate::from_pem(&Authority::new("offices-authority").pem).unwrap();
    let input = of.signing_input(&case.ahn.certificate(), &other);
    let jws = case.ahn.sign_input(&input);
    assert_eq!(case.submit(&[alone(&jws)], NOW).unwrap_err().code, Code::SignatureCertificate);
    let office = json!({"id": "OfficeMSP", "name": "교육청", "authority": other.to_pem()});
    case.world.ledger.state.insert("office/OfficeMSP".into(), office.to_string().into());
    assert_eq!(case.submit(&[alone(&jws)], NOW).unwrap_err().code, Code::CertificateIssuer);
}

#[test]
fn a_signer_stands_when_they_signed_and_now() {
    let signed = (NOW_SECONDS - 1) * SECOND;
    for since in [SINCE, signed, signed + SECOND / 2, NOW] {
        let mut case = Signing::new();
        case.revoke(Who::Ahn, since);
        assert_eq!(case.signs(Who::Ahn, &statement("a")), Err(Code::SignerRevoked), "{since}");
        case.signs(Who::Bae, &statement("a")).unwrap();
    }
    let mut case = Signing::new();
    case.revoke(Who::Ahn, NOW + 1);
    case.signs(Who::Ahn, &statement("a")).unwrap();
    let mut case = Signing::new();
    // 2027-01-02.
    let late = 1_798_848_000;
    let jws = case.sign(Who::Ahn, &Statement { iat: late, ..statement("a") });
    assert_eq!(case.submit(&[alone(&jws)], late * SECOND).unwrap_err().code, Code::CertificateExpired);
    let early = Statement { iat: SINCE / SECOND - 1, ..statement("a") };
    let jws = case.sign(Who::Ahn, &early);
    assert_eq!(case.submit(&[alone(&jws)], SINCE).unwrap_err().code, Code::SignerNotYet);
}

#[test]
fn a_signature_is_recorded_about_when_it_is_made() {
    let signed = (NOW_SECONDS - 1) * SECOND;
    for (now, fits) in [
        (signed - MAX_AHEAD, true),
        (signed - MAX_AHEAD - 1, false),
        (signed + MAX_BEHIND, true),
        (signed + MAX_BEHIND + 1, false),
        (i64::MIN, false),
        (i64::MAX, false),
    ] {
        let mut case = Signing::new();
        let jws = case.sign(Who::Ahn, &statement("a"));
        let reply = case.submit(&[alone(&jws)], now);
        assert_eq!(reply.is_ok(), fits, "{now} {reply:?}");
        assert!(fits || reply.is_err_and(|refusal| refusal.code == Code::SignatureTime));
    }
}

#[test]
fn a_key_that_an_office_holds_signs_with_its_persons_approval_alone() {
    let mut case = Signing::new();
    let of = Statement { purpose: Some(Commitment::ProofOfApproval), ..statement("a consent") };
    let good = case.approved(&of);
    let mut code = |presented: Presented| case.submit(&[presented], NOW).map_err(|refusal| refusal.code);
    let with = |approval: Option<String>| Presented { approval, ..good.clone() };
    assert_eq!(code(with(None)), Err(Code::ApprovalMissing));
    let approval = good.approval.clone().unwrap();
    assert_eq!(code(with(Some(approval[1..].to_owned()))), Err(Code::ActMalformed));
    let mut case = Signing::new();
    let bae = Presented { jws: case.sign(Who::Bae, &of), approval: Some(case.act(Who::Cha, of.approval())) };
    assert_eq!(case.submit(&[bae], NOW).unwrap_err().code, Code::ApprovalUnexpected);
    for other in [
        Statement { purpose: None, ..of.clone() },
        Statement { purpose: Some(Commitment::ProofOfReceipt), ..of.clone() },
        statement("a contract"),
        part("a consent", "D1"),
    ] {
        let approval = Some(case.act(Who::Cha, other.approval()));
        let presented = Presented { jws: case.sign(Who::Cha, &of), approval };
        assert_eq!(case.submit(&[presented], NOW).unwrap_err().code, Code::ApprovalMismatch, "{other:?}");
    }
    let good = case.approved(&of);
    case.submit(std::slice::from_ref(&good), NOW).unwrap();
    let kept = record(&mut case, of.hash, "cha").approval.unwrap();
    assert_eq!(kept.key, super::signing::approval(&case.own));
}

#[test]
fn the_office_cannot_approve_and_an_approval_is_of_about_then() {
    let of = statement("a consent");
    let mut case = Signing::new();
    let payload = case.payload(of.approval());
    let (_, named) = case.named(Who::Cha);
    let input = payload.signing_input(&named);
    let jws = case.sign(Who::Cha, &of);
    let forgers = [&case.cha, &case.bae, &case.world.seo];
    for approval in forgers.map(|forger| Some(forger.sign_input(&input))) {
        let forged = Presented { jws: jws.clone(), approval };
        assert_eq!(case.submit(&[forged], NOW).unwrap_err().code, Code::ApprovalSignature);
    }
    for (iat, fits) in [
        (of.iat - DAY / SECOND, true),
        (of.iat - DAY / SECOND - 1, false),
        (of.iat + 300, true),
        (of.iat + 301, false),
    ] {
        let mut case = Signing::new();
        let payload = Payload { iat, ..case.payload(of.approval()) };
        let (own, named) = case.named(Who::Cha);
        let approval = Some(own.sign_input(&payload.signing_input(&named)));
        let presented = Presented { jws: case.sign(Who::Cha, &of), approval };
        let reply = case.submit(&[presented], NOW);
        assert_eq!(reply.is_ok(), fits, "{iat}");
        assert!(fits || reply.is_err_and(|refusal| refusal.code == Code::ApprovalTime));
    }
}

#[test]
fn an_approval_is_no_act_of_its_own() {
    let mut case = Signing::new();
    assert_eq!(case.does(Who::Cha, statement("a").approval()), Err(Code::ActBeside));
    assert_eq!(case.does(Who::Ahn, statement("a").approval()), Err(Code::ActSigner), "by kid alone");
}

#[test]
fn a_counter_signature_is_of_a_signature_that_stands() {
    let mut case = Signing::new();
    let first = case.sign(Who::Ahn, &statement("a contract"));
    let over = counter(&first);
    assert_eq!(case.signs(Who::Bae, &over), Err(Code::SignatureNotFound));
    let both = [alone(&first), alone(&case.sign(Who::Bae, &over))];
    let refusal = case.submit(&[both[1].clone(), both[0].clone()], NOW).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::SignatureNotFound, Some(0)), "in their order");
    case.submit(&both, NOW).unwrap();
    let kept = record(&mut case, over.hash, "bae");
    assert_eq!((kept.subject, kept.hash), (over.subject.clone(), Digest::of(first.as_bytes())));
    let twin = Statement { hash: Digest::of(twin(&first).as_bytes()), ..over.clone() };
    assert_eq!(case.signs(Who::Cha, &twin), Err(Code::SignatureSubject), "another text of the signature");
    case.signs(Who::Cha, &over).unwrap();
    let own = counter(&case.sign(Who::Ahn, &statement("b")));
    assert_eq!(case.signs(Who::Ahn, &own), Err(Code::SignatureNotFound));
}

#[test]
fn a_statement_survives_its_jws() {
    let case = Signing::new();
    for subject in [Subject::Signature(Digest([7; 32])), part("a", "D1").subject, statement("a").subject] {
        for purpose in Commitment::ALL.iter().copied().map(Some).chain([None]) {
            let of = Statement { subject: subject.clone(), purpose, ..statement("a") };
            let jws = case.sign(Who::Ahn, &of);
            let signature = Signature::parse(&jws).unwrap();
            assert_eq!((&signature.statement, signature.as_str()), (&of, jws.as_str()));
            signature.verify().unwrap();
        }
    }
}
