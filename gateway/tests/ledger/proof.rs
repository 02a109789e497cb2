//! Proofs hold offline, and nothing that was changed does.

use std::time::Instant;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use sillok_gateway::{
    ledger::receipt::Roots,
    proof::{Proof, ProofError, Proofs, Verified},
};

use super::{
    engines::{Network, OnFabric, OnFile},
    school::Registered,
};

/// What a verifier does with a file.
fn check(file: &[u8], roots: &Roots) -> Result<Verified, ProofError> {
    Proof::parse(file)?.verify(roots)
}

/// The file with a member changed and the digest made to fit, as a forger would.
fn forged(proof: &Proof, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut file: Value = serde_json::from_str(&proof.to_json()).unwrap();
    file.as_object_mut().unwrap().remove("digest");
    change(&mut file);
    let content = serde_json_canonicalizer::to_vec(&file).unwrap();
    file["digest"] = URL_SAFE_NO_PAD.encode(digest(&SHA256, &content)).into();
    serde_json_canonicalizer::to_vec(&file).unwrap()
}

/// The member that a path of names and places leads to.
fn member<'v>(file: &'v mut Value, path: &str) -> &'v mut Value {
    file.pointer_mut(path).unwrap()
}

fn code(result: Result<Verified, ProofError>) -> &'static str {
    result.map(drop).unwrap_err().code()
}

async fn every_entry_of_every_batch_is_proven(network: &dyn Network) {
    let school = Registered::new(network, "proofs").await;
    let roots = network.roots();
    for (sequence, size) in [1, 2, 3, 7, 8].into_iter().enumerate() {
        let batch = school.record(size).await;
        for index in 0..size {
            let verified = check(batch.proof(index).to_json().as_bytes(), &roots).unwrap();
            assert_eq!((verified.sequence, verified.count as usize), (sequence as u64 + 1, size));
            assert_eq!((verified.index as usize, verified.entry.query_index as usize), (index, index));
            assert_eq!(verified.entry.school, *school.id());
            assert_eq!(verified.endorsed_by, ["OfficeMSP", "SupportMSP"]);
            assert_eq!(verified.transaction, batch.receipt.transaction);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_of_every_batch_is_proven_on_the_embedded_ledger() {
    every_entry_of_every_batch_is_proven(&OnFile::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_of_every_batch_is_proven_on_fabric() {
    if let Some(network) = OnFabric::new() {
        every_entry_of_every_batch_is_proven(&network).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_flipped_bit_and_no_cut_is_verified() {
    let network = OnFile::new();
    let school = Registered::new(&network, "bits").await;
    let (file, roots) = (school.record(2).await.proof(1).to_json().into_bytes(), network.roots());
    check(&file, &roots).unwrap();
    // Two threads, for there are fifty thousand bits.
    std::thread::scope(|scope| {
        for half in 0..2 {
            let (file, roots) = (&file, &roots);
            scope.spawn(move || {
                (half..file.len() * 8).step_by(2).for_each(|bit| check_flipped(file, bit, roots))
            });
        }
    });
    for length in 0..file.len() {
        assert_eq!(code(check(&file[..length], &roots)), "proof.malformed", "{length} bytes");
    }
    for tail in [&b" "[..], b"\n", b"\0", b"{}"] {
        assert!(check(&[&file, tail].concat(), &roots).is_err(), "{tail:?}");
    }
}

fn check_flipped(file: &[u8], bit: usize, roots: &Roots) {
    let mut changed = file.to_vec();
    changed[bit / 8] ^= 1 << (bit % 8);
    assert!(check(&changed, roots).is_err(), "bit {bit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_signatures_cover_is_not_forged_even_with_a_fitting_digest() {
    let network = OnFile::new();
    let school = Registered::new(&network, "forged").await;
    let (proof, roots) = (school.record(3).await.proof(1), network.roots());
    check(&forged(&proof, |_| ()), &roots).unwrap();
    let members = [
        "/entry",
        "/certificate",
        "/header",
        "/path/0",
        "/path/1",
        "/receipt/payload",
        "/receipt/endorsements/0/endorser",
        "/receipt/endorsements/0/signature",
        "/receipt/endorsements/1/endorser",
        "/receipt/endorsements/1/signature",
    ];
    for path in members {
        let text = proof_text(&proof, path);
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1 << (place % 8);
            let file = forged(&proof, |file| *member(file, path) = URL_SAFE_NO_PAD.encode(&changed).into());
            assert!(check(&file, &roots).is_err(), "byte {place} of {path}");
        }
    }
    let request = proof_text(&proof, "/request");
    for place in 0..request.len() {
        let mut changed = request.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        let file = forged(&proof, |file| *member(file, "/request") = changed.into());
        assert!(check(&file, &roots).is_err(), "letter {place} of the request");
    }
}

fn proof_text(proof: &Proof, path: &str) -> String {
    let mut file: Value = serde_json::from_str(&proof.to_json()).unwrap();
    member(&mut file, path).as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_fail_says_why() {
    let network = OnFile::new();
    let (one, other) = (Registered::new(&network, "one").await, Registered::new(&network, "other").await);
    let (batch, later, foreign) = (one.record(3).await, one.record(3).await, other.record(3).await);
    let (proof, roots) = (batch.proof(1), network.roots());
    let with = |path: &'static str, source: &Proof| {
        let mut source: Value = serde_json::from_str(&source.to_json()).unwrap();
        let value = member(&mut source, path).clone();
        code(check(&forged(&proof, |file| *member(file, path) = value), &roots))
    };
    // Another school's root, and another batch's of the same school.
    assert_eq!(with("/header", &foreign.proof(1)), "proof.other_school");
    assert_eq!(with("/header", &later.proof(1)), "proof.path");
    assert_eq!(with("/receipt", &foreign.proof(1)), "proof.not_recorded");
    assert_eq!(with("/receipt", &later.proof(1)), "proof.not_recorded");
    assert_eq!(with("/receipt/transaction", &later.proof(1)), "receipt.transaction");
    assert_eq!(with("/receipt/payload", &later.proof(1)), "receipt.signature");
    assert_eq!(with("/entry", &batch.proof(2)), "proof.path");
    assert_eq!(with("/index", &batch.proof(2)), "proof.path");
    assert_eq!(with("/path", &batch.proof(2)), "proof.path");
    assert_eq!(with("/request", &later.proof(1)), "proof.other_request");
    assert_eq!(with("/certificate", &foreign.proof(1)), "proof.other_certificate");

    // One endorsement missing, or one office twice.
    let endorsements = |change: fn(&mut Vec<Value>)| {
        let file =
            forged(&proof, |file| change(member(file, "/receipt/endorsements").as_array_mut().unwrap()));
        check(&file, &roots).unwrap_err()
    };
    for remove in [(|all: &mut Vec<Value>| drop(all.remove(0))) as fn(&mut Vec<Value>), |all| drop(all.pop())]
    {
        assert_eq!(endorsements(remove).code(), "receipt.endorsement_missing");
    }
    let missing = endorsements(|all| all[1] = all[0].clone());
    assert_eq!(missing.code(), "receipt.endorsement_missing");
    assert!(missing.to_string().contains("SupportMSP"), "{missing}");
    assert_eq!(endorsements(Vec::clear).code(), "receipt.endorsement_missing");

    // Other offices' roots.
    assert_eq!(code(check(proof.to_json().as_bytes(), &OnFile::new().roots())), "receipt.issuer");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_is_strict() {
    let network = OnFile::new();
    let school = Registered::new(&network, "form").await;
    let (proof, roots) = (school.record(2).await.proof(0), network.roots());
    let file = proof.to_json();
    let result = |file: &str| code(check(file.as_bytes(), &roots));
    assert_eq!(result(&file.replacen('{', "{ ", 1)), "proof.not_canonical");
    assert_eq!(result(&file.replacen("\"block\"", "\"bl\\u006fck\"", 1)), "proof.not_canonical");
    assert_eq!(result(&file.replacen('{', "{\"a\":1,", 1)), "proof.malformed");
    assert_eq!(result(&file.replacen('{', "{\"index\":0,", 1)), "proof.malformed");
    assert_eq!(result(""), "proof.malformed");
    let block = proof_block(&file);
    let other = file.replacen(&format!("\"block\":{block}"), &format!("\"block\":{}", block + 1), 1);
    assert_eq!(result(&other), "proof.damaged");
    let newer = forged(&proof, |file| file["version"] = 2.into());
    assert_eq!(code(check(&newer, &roots)), "proof.version");
    assert_eq!(Proof::parse(file.as_bytes()).unwrap(), proof);

    let begun = Instant::now();
    const TIMES: u32 = 50;
    (0..TIMES).for_each(|_| drop(check(file.as_bytes(), &roots).unwrap()));
    eprintln!("a proof of {} bytes is read and verified in {:?}", file.len(), begun.elapsed() / TIMES);
}

/// The receipt of a batch is written once, whoever of its entries is proven; what is proven is the same.
async fn proofs_of_one_batch_share_their_receipt(network: &dyn Network) {
    let school = Registered::new(network, "sharing").await;
    let roots = network.roots();
    for size in [40, 400] {
        let (batch, other) = (school.record(size).await, school.record(1).await);
        let each: Vec<_> = (0..10).map(|index| batch.proof(index)).chain([other.proof(0)]).collect();
        let together: Proofs = each.iter().cloned().collect();
        let verified: Result<Vec<_>, _> = together.verify(&roots).collect();
        let alone: Vec<_> = each.iter().map(|proof| proof.verify(&roots).unwrap()).collect();
        assert_eq!(verified.unwrap(), alone);

        let json = serde_json_canonicalizer::to_vec(&together).unwrap();
        let read: Proofs = serde_json::from_slice(&json).unwrap();
        assert_eq!(serde_json_canonicalizer::to_vec(&read).unwrap(), json);
        let files: Vec<_> = each.iter().map(Proof::to_json).collect();
        assert_eq!(read.iter().map(Proof::to_json).collect::<Vec<_>>(), files, "each is as it was");
        let value: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(value["receipts"].as_array().unwrap().len(), 2);
        for (proof, member) in each.iter().zip(value["proofs"].as_array().unwrap()) {
            let member = serde_json_canonicalizer::to_vec(member).unwrap();
            assert_eq!(digest(&SHA256, &member).as_ref(), proof.digest());
        }
        let apart: usize = files.iter().map(String::len).sum();
        eprintln!(
            "10 proofs of a batch of {size} and one of another: {apart} bytes apart, {} together",
            json.len()
        );
        assert!(json.len() < apart / 2, "{} of {apart}", json.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_of_one_batch_share_their_receipt_on_the_embedded_ledger() {
    proofs_of_one_batch_share_their_receipt(&OnFile::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_of_one_batch_share_their_receipt_on_fabric() {
    if let Some(network) = OnFabric::new() {
        proofs_of_one_batch_share_their_receipt(&network).await;
    }
}

fn proof_block(file: &str) -> u64 {
    serde_json::from_str::<Value>(file).unwrap()["receipt"]["block"].as_u64().unwrap()
}
