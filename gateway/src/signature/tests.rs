//! Proofs of signatures that an embedded ledger recorded, and what forgers make of them.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sillok_contract::{
    digest::Digest,
    id::{MspId, SignerId},
    signature::{Commitment, Presented, Statement, Subject},
};
use tempfile::TempDir;

use super::*;
use crate::{
    clock::now,
    keys::{PrivateKey, Unsigned},
    ledger::{
        Ledger as _, consortium::Consortium, contract::Contract, embedded::Embedded, receipt::Roots,
        school::register_offices, signer::Signer,
    },
};

const TEXT: &[u8] = b"a consent";

struct Case {
    ledger: Embedded,
    /// Holds their own key.
    ahn: Signer,
    /// An office holds their key.
    cha: Signer,
    roots: Roots,
    _directory: TempDir,
}

fn stated(document: &[u8]) -> Statement {
    let hash = Digest::of(document);
    let purpose = Some(Commitment::ProofOfApproval);
    Statement { hash, subject: Subject::Hash(hash), purpose, iat: now() / 1_000_000 }
}

impl Case {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ledger = Embedded::open(directory.path().join("ledger"), now).unwrap();
        let consortium = Consortium::Embedded(ledger.clone());
        register_offices(&consortium).await.unwrap();
        let signer = async |office: &str, id: &str, own| {
            let (office, id) = (MspId::new(office).unwrap(), SignerId::new(id).unwrap());
            Signer::register(&consortium, office, id, own).await.unwrap()
        };
        let ahn = signer("OfficeMSP", "ahn", None).await;
        let cha = signer("SupportMSP", "cha", Some(PrivateKey::generate().unwrap())).await;
        let roots = Roots::read_dir(&consortium.roots().unwrap()).unwrap();
        Self { ledger, ahn, cha, roots, _directory: directory }
    }

    /// The proofs of signatures that are recorded together.
    async fn record(&self, signatures: &[(Digest, Presented)]) -> Vec<SignatureProof> {
        let contract = Contract::new(std::sync::Arc::new(self.ledger.clone()));
        let (recorded, _) = contract.sign(signatures).await.unwrap();
        let receipt = self.ledger.receipt(&recorded.signatures[0].transaction).await.unwrap().unwrap();
        let proof = |(_, Presented { jws, approval }): &(Digest, Presented)| {
            SignatureProof::new(jws.clone(), approval.clone(), receipt.clone())
        };
        signatures.iter().map(proof).collect()
    }

    fn verdict(&self, proof: &str, document: Option<&[u8]>) -> Verdict {
        Verdict::of(proof.as_bytes(), document.map(Digest::of), &self.roots)
    }

    fn broken(&self, proof: &str) -> (Link, String) {
        let verdict = self.verdict(proof, Some(TEXT));
        assert!(verdict.outcome == Outcome::Refuted && verdict.signature.is_none(), "{verdict:?}");
        let broken = verdict.broken().unwrap().clone();
        (broken.link, broken.code.unwrap())
    }
}

fn changed(proof: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut proof: Value = serde_json::from_str(proof).unwrap();
    change(&mut proof);
    proof.to_string()
}

#[tokio::test]
async fn a_recorded_signature_is_valid_offline_and_every_check_is_named() {
    let case = Case::new().await;
    let both = [&case.ahn, &case.cha].map(|signer| signer.presents(&stated(TEXT), "gateway").unwrap());
    let proofs = case.record(&both).await;
    for (proof, (signer, links)) in proofs.iter().zip([(&case.ahn, 7), (&case.cha, 8)]) {
        let json = proof.to_json();
        assert_eq!(SignatureProof::parse(json.as_bytes()).unwrap(), *proof);
        let verdict = case.verdict(&json, Some(TEXT));
        assert_eq!((verdict.outcome, verdict.broken()), (Outcome::Valid, None));
        assert_eq!(verdict.checks.len(), links);
        let told = verdict.signature.unwrap();
        assert_eq!((&told.signer, &told.office), (&signer.id, &signer.office));
        assert_eq!((told.hash, told.approved), (Digest::of(TEXT), signer.own.is_some()));
        let alone = case.verdict(&json, None);
        assert_eq!((alone.outcome, alone.checks.len()), (Outcome::NotCompared, links - 1));
        let other = case.verdict(&json, Some(b"a consenu"));
        assert_eq!((other.outcome, other.broken().unwrap().link), (Outcome::Refuted, Link::Document));
    }
}

#[tokio::test]
async fn what_is_forged_or_damaged_is_refuted_and_says_where() {
    let case = Case::new().await;
    let own = case.ahn.presents(&stated(TEXT), "gateway").unwrap();
    let held = case.cha.presents(&stated(TEXT), "gateway").unwrap();
    let [own, held] = case.record(&[own, held]).await.try_into().unwrap();
    let (own, held) = (own.to_json(), held.to_json());
    let later = Statement { iat: stated(TEXT).iat - 1, ..stated(TEXT) };
    let unrecorded = case.ahn.presents(&later, "gateway").unwrap().1.jws;
    let unsigned = Unsigned::new(&stated(TEXT), &case.ahn.certificate, &case.cha.authority);
    let signature = case.ahn.key.as_ref().unwrap().sign_fixed(unsigned.as_bytes());
    let foreign = unsigned.signed(&signature);
    let approval = case.cha.presents(&later, "gateway").unwrap().1.approval;
    let with = |proof: &str, member: &str, value: Value| changed(proof, |proof| proof[member] = value);
    let swapped = |proof: &str| {
        changed(proof, |proof| {
            let jws = proof["jws"].as_str().unwrap();
            let end = if jws.ends_with('A') { "Q" } else { "A" };
            proof["jws"] = json!(format!("{}{end}", &jws[..jws.len() - 1]));
        })
    };
    let cases = [
        (own[1..].to_owned(), Link::Form, "signature_proof.malformed"),
        (with(&own, "version", json!(2)), Link::Form, "signature_proof.version"),
        (with(&own, "more", json!(2)), Link::Form, "signature_proof.malformed"),
        (with(&own, "jws", json!("..")), Link::Form, "signature.malformed"),
        (with(&held, "approval", json!("..")), Link::Form, "act.malformed"),
        (swapped(&own), Link::Signature, "signature.invalid"),
        (with(&own, "jws", json!(unrecorded)), Link::Record, "signature_proof.not_recorded"),
        (with(&own, "jws", json!(foreign)), Link::Issuer, "signature_proof.issuer"),
        (with(&held, "approval", Value::Null), Link::Approval, "signature_proof.other_approval"),
        (with(&held, "approval", json!(approval)), Link::Approval, "signature_proof.other_approval"),
        (with(&own, "approval", json!(approval)), Link::Approval, "signature_proof.other_approval"),
        (
            changed(&own, |proof| proof["receipt"]["transaction"] = json!("00")),
            Link::Receipt,
            "receipt.transaction",
        ),
        (
            changed(&own, |proof| {
                proof["receipt"]["endorsements"].as_array_mut().unwrap().pop();
            }),
            Link::Receipt,
            "receipt.endorsement_missing",
        ),
    ];
    for (proof, link, code) in cases {
        let (broken, told) = case.broken(&proof);
        assert_eq!((broken, told.as_str()), (link, code), "{}", &proof[..80]);
    }
    let elsewhere = Case::new().await;
    assert_eq!(elsewhere.broken(&own), (Link::Issuer, "signature_proof.issuer".to_owned()));
}

/// The ledger names the very text that it saw: a twin of the signature, which verifies, too, is another.
#[tokio::test]
async fn a_twin_of_the_signature_is_not_the_one_that_was_recorded() {
    let case = Case::new().await;
    let proof =
        case.record(&[case.ahn.presents(&stated(TEXT), "gateway").unwrap()]).await.remove(0).to_json();
    let twin = changed(&proof, |proof| {
        let jws = proof["jws"].as_str().unwrap();
        let (input, signature) = jws.rsplit_once('.').unwrap();
        let bytes: Vec<u8> = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let signature = p256::ecdsa::Signature::from_slice(&bytes).unwrap();
        let twin = p256::ecdsa::Signature::from_scalars(*signature.r(), -*signature.s()).unwrap();
        proof["jws"] = json!(format!("{input}.{}", URL_SAFE_NO_PAD.encode(twin.to_bytes())));
    });
    assert_eq!(case.broken(&twin), (Link::Record, "signature_proof.other_record".to_owned()));
}

#[tokio::test]
async fn no_changed_byte_makes_another_valid_signature() {
    let case = Case::new().await;
    let proof = case.record(&[case.cha.presents(&stated(TEXT), "gateway").unwrap()]).await.remove(0);
    let genuine = case.verdict(&proof.to_json(), Some(TEXT));
    let bytes = proof.to_json().into_bytes();
    for place in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1;
        let verdict = Verdict::of(&damaged, Some(Digest::of(TEXT)), &case.roots);
        let same = |mut verdict: Verdict| {
            // No office signs the block's number.
            verdict.signature.iter_mut().for_each(|told| told.block = 0);
            verdict
        };
        let held = verdict.outcome == Outcome::Valid;
        assert!(!held || same(verdict) == same(genuine.clone()), "{place}");
    }
}
