//! Documents of several parties, and claims.

use serde_json::json;
use sillok_contract::{
    Code,
    act::{CertificateRequest, DocumentDecline, DocumentOpen, DocumentWithdraw, Named, WorkClaim},
    digest::Digest,
    document::{MAX_PARTIES, State},
    id::{CertificateId, DocumentId, SignerId},
    signature::{Commitment, Statement},
};

use super::{
    signing::{Signing, Who, alone, part, statement},
    world::{NOW, SECOND},
};

const TEXT: &str = "a contract";
const DEADLINE: i64 = NOW + 60 * SECOND;

fn id(text: &str) -> DocumentId {
    DocumentId::new(text).unwrap()
}

/// All three are to sign, in order.
fn contract() -> DocumentOpen {
    DocumentOpen {
        document: id("D1"),
        digest: Digest::of(TEXT.as_bytes()),
        purpose: Commitment::ProofOfApproval,
        ordered: true,
        deadline: DEADLINE,
        parties: [Who::Ahn, Who::Cha, Who::Bae].map(Who::id).into(),
    }
}

fn opened(act: DocumentOpen) -> Signing {
    let mut case = Signing::new();
    case.does(Who::Ahn, act).unwrap();
    case.world.ledger.events.clear();
    case
}

#[test]
fn a_document_is_complete_when_all_have_signed_in_their_order() {
    let mut case = opened(contract());
    let of = part(TEXT, "D1");
    assert_eq!(case.signs(Who::Cha, &of), Err(Code::DocumentTurn));
    for (who, next) in [(Who::Ahn, Some(Who::Cha)), (Who::Cha, Some(Who::Bae)), (Who::Bae, None)] {
        assert_eq!(case.document("D1").state, State::Open);
        let answer = case.signs(who, &of).unwrap();
        assert_eq!(answer.documents, [id("D1")]);
        let document = case.document("D1");
        let signed = document.parties.iter().find(|part| part.signer == who.id()).unwrap();
        assert_eq!(signed.signed.as_ref().unwrap().digest, answer.signatures[0].digest);
        assert_eq!(document.awaited().cloned().collect::<Vec<_>>(), Vec::from_iter(next.map(Who::id)));
    }
    let document = case.document("D1");
    assert_eq!((document.state, document.state_at(i64::MAX)), (State::Complete, State::Complete));
    assert_eq!(case.does(Who::Ahn, withdrawal()), Err(Code::DocumentState));
    assert_eq!(case.does(Who::Bae, refusal()), Err(Code::DocumentState));
}

fn withdrawal() -> DocumentWithdraw {
    DocumentWithdraw { document: id("D1") }
}

fn refusal() -> DocumentDecline {
    DocumentDecline { document: id("D1") }
}

#[test]
fn several_parties_sign_in_one_transaction_each_seeing_those_before() {
    let of = part(TEXT, "D1");
    let mut case = opened(contract());
    let given = [alone(&case.sign(Who::Ahn, &of)), case.approved(&of), alone(&case.sign(Who::Bae, &of))];
    let wrong_order = [given[0].clone(), given[2].clone(), given[1].clone()];
    let refusal = case.submit(&wrong_order, NOW).unwrap_err();
    assert_eq!((refusal.code, refusal.entry), (Code::DocumentTurn, Some(1)));
    case.world.ledger.round_trips = 0;
    assert_eq!(case.submit(&given, NOW).unwrap().documents, [id("D1")]);
    assert_eq!(case.world.ledger.round_trips, 2);
    assert_eq!(case.document("D1").state, State::Complete);
}

#[test]
fn without_an_order_everybody_signs_when_they_will() {
    let mut case = opened(DocumentOpen { ordered: false, ..contract() });
    assert_eq!(case.document("D1").awaited().count(), 3);
    for who in [Who::Bae, Who::Cha, Who::Ahn] {
        case.signs(who, &part(TEXT, "D1")).unwrap();
    }
    assert_eq!(case.document("D1").state, State::Complete);
}

#[test]
fn what_is_signed_is_the_documents() {
    let parties = [Who::Ahn.id(), Who::Cha.id()].into();
    let mut case = opened(DocumentOpen { parties, ..contract() });
    let of = part(TEXT, "D1");
    for (who, of, code) in [
        (Who::Ahn, part("a contract changed by one bit", "D1"), Code::DocumentDigest),
        (Who::Ahn, Statement { purpose: None, ..of.clone() }, Code::DocumentPurpose),
        (
            Who::Ahn,
            Statement { purpose: Some(Commitment::ProofOfReceipt), ..of.clone() },
            Code::DocumentPurpose,
        ),
        (Who::Ahn, part(TEXT, "D2"), Code::NotFound),
        (Who::Bae, of.clone(), Code::DocumentParty),
    ] {
        assert_eq!(case.signs(who, &of), Err(code), "{of:?}");
    }
    case.signs(Who::Ahn, &of).unwrap();
    let again = Statement { iat: of.iat - 1, ..of };
    assert_eq!(case.signs(Who::Ahn, &again), Err(Code::SignatureExists));
}

#[test]
fn a_deadline_is_by_the_transactions_time() {
    for (time, fits) in [(DEADLINE - 1, true), (DEADLINE, false)] {
        let mut case = opened(contract());
        let jws = case.sign(Who::Ahn, &part(TEXT, "D1"));
        let reply = case.submit(&[alone(&jws)], time);
        assert_eq!(reply.is_ok(), fits);
        assert!(fits || reply.is_err_and(|refusal| refusal.code == Code::DocumentExpired));
        let expected = if fits { Ok(()) } else { Err(Code::DocumentExpired) };
        assert_eq!(case.does_at(Who::Bae, refusal(), time).map(drop), expected);
    }
    let document = opened(contract()).document("D1");
    assert_eq!([DEADLINE - 1, DEADLINE].map(|time| document.state_at(time)), [State::Open, State::Expired]);
}

#[test]
fn one_who_declines_ends_it() {
    let mut case = opened(contract());
    case.signs(Who::Ahn, &part(TEXT, "D1")).unwrap();
    assert_eq!(case.does(Who::Ahn, refusal()), Err(Code::DocumentState), "who has signed");
    case.does(Who::Bae, refusal()).unwrap();
    let document = case.document("D1");
    assert_eq!((document.state, document.declined.unwrap().by), (State::Refused, Who::Bae.id()));
    assert_eq!(case.signs(Who::Cha, &part(TEXT, "D1")), Err(Code::DocumentState));
    let parties = vec![Who::Ahn.id()];
    let mut case = opened(DocumentOpen { parties, ..contract() });
    assert_eq!(case.does(Who::Bae, refusal()), Err(Code::DocumentParty));
    assert_eq!(case.does(Who::Bae, DocumentDecline { document: id("D2") }), Err(Code::NotFound));
}

#[test]
fn who_opened_it_takes_it_back() {
    let mut case = opened(contract());
    assert_eq!(case.does(Who::Bae, withdrawal()), Err(Code::DocumentParty));
    case.does(Who::Ahn, withdrawal()).unwrap();
    let document = case.document("D1");
    assert!(document.state == State::Withdrawn && document.withdrawn.is_some());
    assert_eq!(case.signs(Who::Ahn, &part(TEXT, "D1")), Err(Code::DocumentState));
}

#[test]
fn a_document_is_opened_as_it_can_be_completed() {
    let mut case = Signing::new();
    let party = |name: String| SignerId::new(name).unwrap();
    let many = (0..=MAX_PARTIES).map(|number| party(format!("p{number}"))).collect();
    for (act, code) in [
        (DocumentOpen { deadline: NOW, ..contract() }, Code::DocumentExpired),
        (DocumentOpen { deadline: i64::MAX, ..contract() }, Code::ArgumentMalformed),
        (DocumentOpen { parties: vec![], ..contract() }, Code::DocumentParties),
        (DocumentOpen { parties: many, ..contract() }, Code::DocumentParties),
        (DocumentOpen { parties: vec![Who::Ahn.id(); 2], ..contract() }, Code::DocumentParties),
        (DocumentOpen { parties: vec![party("han".into())], ..contract() }, Code::SignerUnknown),
    ] {
        assert_eq!(case.does(Who::Ahn, act), Err(code));
    }
    case.does(Who::Ahn, contract()).unwrap();
    assert_eq!(case.does(Who::Bae, contract()), Err(Code::AlreadyExists));
    case.signs(Who::Bae, &statement("a letter")).unwrap();
    let letter = DocumentOpen { document: id("D2"), digest: Digest::of(b"a letter"), ..contract() };
    assert_eq!(case.does(Who::Ahn, letter), Err(Code::SignatureExists), "a party signs bytes once");
}

#[test]
fn documents_are_listed_for_who_opened_and_who_signs_them() {
    let mut case = opened(DocumentOpen { parties: vec![Who::Bae.id()], ..contract() });
    let second = DocumentOpen {
        document: id("D2"),
        digest: Digest::of(b"b"),
        parties: vec![Who::Ahn.id(), Who::Bae.id()],
        ..contract()
    };
    case.does(Who::Cha, second).unwrap();
    for (signer, expected) in [("ahn", vec!["D1", "D2"]), ("bae", vec!["D1", "D2"]), ("cha", vec!["D2"])] {
        let listed = case.read("ListDocuments", &[signer, "10", ""]).unwrap();
        let ids: Vec<_> =
            listed["items"].as_array().unwrap().iter().map(|document| &document["id"]).collect();
        assert_eq!(ids, expected, "{signer}");
    }
    assert_eq!(case.read("GetDocument", &["D3"]), Err(Code::NotFound));
}

#[test]
fn the_first_claim_stands() {
    let mut case = Signing::new();
    let claim = || WorkClaim { digest: Digest::of(b"a poem") };
    let hash = claim().digest.to_string();
    assert_eq!(case.read("GetClaim", &[&hash]), Err(Code::NotFound));
    let acted = case.does(Who::Cha, claim()).unwrap();
    let kept = case.read("GetClaim", &[&hash]).unwrap();
    let expected =
        json!({"digest": hash, "by": "cha", "act": acted.act, "at": NOW, "transaction": acted.transaction});
    assert_eq!(kept, expected);
    for who in [Who::Ahn, Who::Cha] {
        assert_eq!(case.does(who, claim()), Err(Code::ClaimExists));
    }
    let jws = case.act(Who::Ahn, claim());
    let creator = case.world.creator("SupportMSP", "client");
    let refusal = case.world.call(creator, "RecordAct", &[jws.into_bytes()]).unwrap_err();
    assert!(refusal.message.contains("cha") && refusal.message.contains(&NOW.to_string()));
}

#[test]
fn a_signers_act_is_signed_by_the_key_that_is_theirs_alone() {
    let mut case = Signing::new();
    let claim = || WorkClaim { digest: Digest::of(b"a poem") };
    let signed = |case: &mut Signing, key: fn(&Signing) -> &super::people::Person, named: Named| {
        let payload = case.payload(claim());
        let jws = key(case).sign_input(&payload.signing_input(&named));
        case.submit_act(&jws, NOW)
    };
    let held = Named::Signer(case.cha.certificate().thumbprint());
    assert_eq!(signed(&mut case, |case| &case.cha, held), Err(Code::ActSigner), "the office's key");
    let own = |id: &str| Named::Approver(SignerId::new(id).unwrap());
    assert_eq!(signed(&mut case, |case| &case.cha, own("cha")), Err(Code::ActSignature));
    assert_eq!(signed(&mut case, |case| &case.ahn, own("ahn")), Err(Code::ActSigner));
    assert_eq!(signed(&mut case, |case| &case.own, own("nobody")), Err(Code::SignerUnknown));
    let officer = Named::Signer(case.world.han.certificate().thumbprint());
    assert_eq!(signed(&mut case, |case| &case.world.han, officer), Err(Code::SignerUnknown));
    let ahn = Named::Signer(case.ahn.certificate().thumbprint());
    assert_eq!(signed(&mut case, |case| &case.bae, ahn), Err(Code::ActSignature));
    let request = CertificateRequest { certificate: CertificateId::new("C1").unwrap() };
    for who in [Who::Ahn, Who::Cha] {
        assert_eq!(case.does(who, request.clone()), Err(Code::ActSigner), "a learner's act");
    }
    for who in [Who::Ahn, Who::Cha] {
        case.revoke(who, NOW);
        assert_eq!(case.does(who, claim()), Err(Code::SignerRevoked));
    }
}
