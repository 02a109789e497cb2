//! Signatures of documents, on every engine: a contract of three parties in order, and what proves one of them.

use sillok_contract::{
    Code,
    act::{DocumentOpen, WorkClaim},
    digest::Digest,
    document::State,
    id::{DocumentId, MspId, SignerId},
    signature::{Commitment, Statement, Subject},
};
use sillok_gateway::{
    clock::now,
    keys::PrivateKey,
    ledger::{LedgerError, contract::Contract, signer::Signer},
    signature::{Outcome, SignatureProof, Verdict},
};

use super::{
    acts::{DAY, offices_stand, settled, tag},
    conformance::on_every_engine,
    engines::Network,
};

const GATEWAY: &str = "gateway";

on_every_engine!(
    a_contract_of_three_parties_is_signed_in_order_and_each_signature_proven,
    a_revoked_signer_signs_nothing_more,
    the_first_claim_of_a_work_stands,
);

async fn signer(network: &dyn Network, office: &str, own: Option<PrivateKey>) -> Signer {
    let consortium = network.consortium();
    offices_stand(&consortium).await;
    let (office, id) = (MspId::new(office).unwrap(), SignerId::new(format!("S-{}", tag())).unwrap());
    Signer::register(&consortium, office, id, own).await.unwrap()
}

/// Bytes that no other case signs.
fn text() -> Vec<u8> {
    format!("a contract, {}", tag()).into_bytes()
}

fn stated(text: &[u8], subject: Option<Subject>) -> Statement {
    let hash = Digest::of(text);
    let (subject, purpose) = (subject.unwrap_or(Subject::Hash(hash)), Some(Commitment::ProofOfApproval));
    Statement { hash, subject, purpose, iat: now() / 1_000_000 }
}

fn refused<T: std::fmt::Debug>(reply: Result<T, LedgerError>) -> (Code, Option<u32>) {
    match reply {
        Err(LedgerError::Refused(refusal)) => (refusal.code, refusal.entry),
        other => panic!("it is refused: {other:?}"),
    }
}

async fn a_contract_of_three_parties_is_signed_in_order_and_each_signature_proven(network: &dyn Network) {
    let ahn = signer(network, "OfficeMSP", None).await;
    let bae = signer(network, "SupportMSP", None).await;
    let cha = signer(network, "SupportMSP", Some(PrivateKey::generate().unwrap())).await;
    let (contract, text) = (Contract::new(network.gateway()), text());
    let id = DocumentId::new(tag()).unwrap();
    let open = DocumentOpen {
        document: id.clone(),
        digest: Digest::of(&text),
        purpose: Commitment::ProofOfApproval,
        ordered: true,
        deadline: now() + DAY,
        parties: [&ahn, &cha, &bae].map(|party| party.id.clone()).into(),
    };
    let act = bae.acts(GATEWAY).unwrap().sign(open, now()).unwrap();
    contract.act(&act, []).await.unwrap();
    settled(async || contract.document(&id).await, Option::is_some).await;

    let of = stated(&text, Some(Subject::Document(id.clone())));
    let [first, second, third] = [&ahn, &cha, &bae].map(|party| party.presents(&of, GATEWAY).unwrap());
    let both = [third.clone(), first.clone()];
    assert_eq!(refused(contract.sign(&both).await), (Code::DocumentTurn, Some(0)));
    contract.sign(std::slice::from_ref(&first)).await.unwrap();
    let is_signed = |signer: &Signer| (Digest::of(&text), signer.id.clone());
    let (hash, by) = is_signed(&ahn);
    settled(async || contract.signature(&hash, &by).await, Option::is_some).await;
    let (recorded, commit) = contract.sign(&[first.clone(), second.clone(), third]).await.unwrap();
    assert!(commit.valid);
    let repeated: Vec<_> = recorded.signatures.iter().map(|signature| signature.repeated).collect();
    assert_eq!((repeated, recorded.documents), (vec![true, false, false], vec![id.clone()]));
    let is_complete = |document: &Option<_>| {
        document.as_ref().is_some_and(|it: &sillok_contract::document::Document| it.state == State::Complete)
    };
    settled(async || contract.document(&id).await, is_complete).await;
    let listed = contract.signatures(&hash, 10, "").await.unwrap().unwrap();
    assert_eq!(listed.items.len(), 3);
    assert_eq!(contract.documents(&cha.id, 10, "").await.unwrap().items.len(), 1);
    let record = contract.signature_by_digest(&second.0).await.unwrap().unwrap();
    assert_eq!((&record.signer, record.approval.is_some()), (&cha.id, true));

    let asked = async || network.gateway().receipt(&record.transaction).await;
    let receipt = settled(asked, Option::is_some).await.unwrap();
    let proof = SignatureProof::new(second.1.jws, second.1.approval, receipt).to_json();
    let verdict = Verdict::of(proof.as_bytes(), Some(hash), &network.roots());
    assert_eq!((verdict.outcome, verdict.broken()), (Outcome::Valid, None));
    let changed = Verdict::of(proof.as_bytes(), Some(Digest::of(b"a contract")), &network.roots());
    assert_eq!(changed.outcome, Outcome::Refuted);
}

async fn a_revoked_signer_signs_nothing_more(network: &dyn Network) {
    let ahn = signer(network, "OfficeMSP", None).await;
    let contract = Contract::new(network.gateway());
    let (before, after) = (text(), text());
    contract.sign(&[ahn.presents(&stated(&before, None), GATEWAY).unwrap()]).await.unwrap();
    let administrator = Contract::new(network.as_identity("OfficeMSP", "admin"));
    administrator.revoke_signer(&ahn.id, 0).await.unwrap();
    let is_revoked = |signer: &Option<sillok_contract::registry::Signer>| {
        signer.as_ref().is_some_and(|signer| signer.revoked_since == Some(0))
    };
    settled(async || contract.signer(&ahn.id).await, is_revoked).await;
    let late = ahn.presents(&stated(&after, None), GATEWAY).unwrap();
    assert_eq!(refused(contract.sign(&[late]).await), (Code::SignerRevoked, Some(0)));
    assert!(contract.signature(&Digest::of(&before), &ahn.id).await.unwrap().is_some(), "it stands");
    assert_eq!(contract.signature(&Digest::of(&after), &ahn.id).await.unwrap(), None);
    assert_eq!(contract.signatures(&Digest::of(&after), 10, "").await.unwrap(), None);
}

async fn the_first_claim_of_a_work_stands(network: &dyn Network) {
    let [ahn, bae] = [signer(network, "OfficeMSP", None).await, signer(network, "SupportMSP", None).await];
    let (contract, digest) = (Contract::new(network.gateway()), Digest::of(&text()));
    assert_eq!(contract.claim(&digest).await.unwrap(), None);
    let claims = |signer: &Signer| signer.acts(GATEWAY).unwrap().sign(WorkClaim { digest }, now()).unwrap();
    contract.act(&claims(&ahn), []).await.unwrap();
    let claim = settled(async || contract.claim(&digest).await, Option::is_some).await.unwrap();
    assert_eq!(claim.by, ahn.id);
    assert_eq!(refused(contract.act(&claims(&bae), []).await), (Code::ClaimExists, None));
}
