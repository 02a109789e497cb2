//! Wallets: what both offices attest is all there is, and nothing that was taken out, put in or changed passes.

use serde_json::{Value, json};
use sillok_gateway::{
    ledger::contract::Contract,
    proof::{Proof, Proofs},
    wallet::{Attestation, Nonce, Wallet, WalletError},
};

use super::{
    engines::{Network, OnFabric, OnFile},
    school::{Batch, Registered},
};

/// What a forger does to a wallet's content.
type Change<'a> = &'a dyn Fn(&mut Value);

/// A school with batches on the ledger, the first learner's complete wallet, and the second's.
struct Town {
    school: Registered,
    batches: Vec<Batch>,
    own: Wallet,
    other: Wallet,
}

/// Asks both offices with a nonce.
async fn attestation(network: &dyn Network, wallet: &Wallet, nonce: Nonce) -> Attestation {
    let contract = Contract::new(network.gateway());
    let receipt = contract.trail(wallet.learner(), &nonce.to_string()).await.unwrap();
    assert_eq!(receipt.block, 0, "it is in no block");
    Attestation { nonce, receipt }
}

async fn attest(network: &dyn Network, wallet: &mut Wallet) -> u64 {
    let attestation = attestation(network, wallet, Nonce::draw().unwrap()).await;
    wallet.attest(attestation).unwrap()
}

impl Town {
    /// The first learner has entries 1 and 2 in the first batch, 3 and 4 in the second, 5 and 6 in the third.
    async fn found(network: &dyn Network, name: &str) -> Self {
        let school = Registered::new(network, name).await;
        let wallet =
            |index| Wallet::new(Registered::learner(&school, index).clone(), network.roots()).unwrap();
        let (mut own, mut other) = (wallet(0), wallet(1));
        let mut batches = Vec::new();
        for _ in 0..3 {
            let batch = school.record(5).await;
            for (place, wallet) in [&mut own, &mut other].into_iter().enumerate() {
                for index in [place, place + 3] {
                    wallet.add(batch.proof(index).to_json().as_bytes()).unwrap();
                }
            }
            batches.push(batch);
        }
        for wallet in [&mut own, &mut other] {
            assert_eq!(attest(network, wallet).await, 6);
            wallet.verify(&network.roots()).unwrap();
        }
        Self { school, batches, own, other }
    }

    /// What becomes of the first learner's wallet with its content changed, as one would who knows the passphrase.
    fn edited(&self, network: &dyn Network, change: impl FnOnce(&mut Value)) -> Result<(), WalletError> {
        let mut content: Value = serde_json::from_slice(&self.own.to_json().unwrap()).unwrap();
        change(&mut content);
        let wallet = Wallet::parse(&serde_json_canonicalizer::to_vec(&content).unwrap())?;
        wallet.verify(&network.roots()).map(drop)
    }

    fn refused(&self, network: &dyn Network, what: &str, code: &str, change: impl FnOnce(&mut Value)) {
        let error = self.edited(network, change).expect_err(what);
        let is_gap = matches!(code, "wallet.incomplete" | "wallet.unattested");
        assert_eq!((error.code(), error.is_gap()), (code, is_gap), "{what}: {error}");
    }
}

/// Changes the proofs in a wallet's content, as one would who writes it in its form.
fn proofs(content: &mut Value, change: impl FnOnce(&mut Vec<Proof>)) {
    let held: Proofs = serde_json::from_value(content["proofs"].take()).unwrap();
    let mut all: Vec<_> = held.iter().cloned().collect();
    change(&mut all);
    content["proofs"] = serde_json::to_value(all.into_iter().collect::<Proofs>()).unwrap();
}

/// The same proof with something else in it.
fn edited(content: &mut Value, place: usize, change: impl FnOnce(&mut Value)) {
    change(&mut content["proofs"]["proofs"][place]);
}

fn attestation_of(wallet: &Wallet) -> Value {
    serde_json::from_slice::<Value>(&wallet.to_json().unwrap()).unwrap()["attestation"].take()
}

async fn a_wallet_is_complete_and_stays_so_as_entries_come(network: &dyn Network) {
    let mut town = Town::found(network, "wallets").await;
    let complete = town.own.verify(&network.roots()).unwrap();
    assert_eq!(complete.entries.iter().map(|entry| entry.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert!(complete.entries.iter().all(|entry| entry.entry.learner == *town.own.learner()));
    assert_eq!(complete.trail.last, complete.entries.last().map(|entry| entry.position()));
    let again = Wallet::parse(&town.own.to_json().unwrap()).unwrap();
    assert_eq!(again.verify(&network.roots()).unwrap(), complete, "written and read it is the same");

    // Two more are recorded: the old attestation still speaks of six, a new one tells that two are missing.
    let batch = town.school.record(4).await;
    town.own.verify(&network.roots()).unwrap();
    assert_eq!(attest(network, &mut town.own).await, 8);
    let missing = town.own.verify(&network.roots()).unwrap_err();
    assert_eq!(missing, WalletError::Incomplete { missing: 7, held: 6, count: 8 });
    for (index, code) in
        [(1, "wallet.other_learner"), (3, "wallet.other_number"), (2, "wallet.other_learner")]
    {
        let refused = town.own.add(batch.proof(index).to_json().as_bytes()).unwrap_err();
        assert_eq!((refused.code(), town.own.count()), (code, 6), "{refused}");
    }
    for index in [0, 3] {
        town.own.add(batch.proof(index).to_json().as_bytes()).unwrap();
    }
    assert_eq!(town.own.verify(&network.roots()).unwrap().trail.count, 8);
    let first = town.batches[0].proof(0).to_json();
    assert_eq!(town.own.add(first.as_bytes()).unwrap_err().code(), "wallet.other_number");
}

async fn what_was_taken_out_is_missed(network: &dyn Network) {
    let town = Town::found(network, "gaps").await;
    for place in 0..6 {
        town.refused(network, &format!("without entry {}", place + 1), "wallet.incomplete", |content| {
            proofs(content, |all| drop(all.remove(place)));
        });
    }
    town.refused(network, "without any", "wallet.incomplete", |content| proofs(content, Vec::clear));
    town.refused(network, "without an attestation", "wallet.unattested", |content| {
        content.as_object_mut().unwrap().remove("attestation");
    });
    town.refused(network, "a gap and no attestation", "wallet.incomplete", |content| {
        content.as_object_mut().unwrap().remove("attestation");
        proofs(content, |all| drop(all.remove(2)));
    });
}

async fn what_was_put_in_or_changed_is_found(network: &dyn Network) {
    let town = Town::found(network, "forged").await;
    let foreign = town.batches[0].proof(1);
    let changes: [(&str, &str, Change<'_>); 9] = [
        ("an entry of another learner", "wallet.other_learner", &|content| {
            proofs(content, |all| all[0] = foreign.clone());
        }),
        ("one more, of another learner", "wallet.order", &|content| {
            proofs(content, |all| all.push(foreign.clone()));
        }),
        ("an edited proof", "wallet.proof", &|content| edited(content, 2, |proof| proof["index"] = json!(1))),
        ("an entry twice", "wallet.order", &|content| {
            proofs(content, |all| all.insert(0, all[0].clone()));
        }),
        ("two in each other's place", "wallet.order", &|content| proofs(content, |all| all.swap(2, 3))),
        ("no proof at all", "wallet.malformed", &|content| edited(content, 5, |proof| *proof = json!({}))),
        ("a receipt that nobody names", "wallet.malformed", &|content| {
            let receipt = serde_json::to_value(&town.batches[0].receipt).unwrap();
            content["proofs"]["receipts"].as_array_mut().unwrap().push(receipt);
        }),
        ("another learner's name", "wallet.other_learner", &|content| {
            content["learner"] = json!(town.other.learner());
        }),
        ("another version", "wallet.malformed", &|content| content["version"] = json!(1)),
    ];
    for (what, code, change) in changes {
        town.refused(network, what, code, change);
    }
}

async fn no_other_attestation_will_do(network: &dyn Network) {
    let mut town = Town::found(network, "attested").await;
    let (own, other) = (attestation_of(&town.own), attestation_of(&town.other));
    let renounced = Nonce::draw().unwrap().to_string();
    let receipt = |change: &dyn Fn(&mut Value)| {
        let mut attestation = own.clone();
        change(&mut attestation["receipt"]);
        attestation
    };
    let recorded = serde_json::to_value(&town.batches[2].receipt).unwrap();
    let cases = [
        ("another learner's", "wallet.other_trail", other),
        (
            "an old one under a new nonce",
            "wallet.nonce",
            json!({"nonce": renounced, "receipt": own["receipt"]}),
        ),
        (
            "one office's alone",
            "wallet.attestation",
            receipt(&|receipt| {
                receipt["endorsements"].as_array_mut().unwrap().pop();
            }),
        ),
        (
            "one office's twice",
            "wallet.attestation",
            receipt(&|receipt| {
                let endorsements = receipt["endorsements"].as_array_mut().unwrap();
                endorsements[1] = endorsements[0].clone();
            }),
        ),
        (
            "of another transaction",
            "wallet.attestation",
            receipt(&|receipt| {
                receipt["transaction"] = json!("0".repeat(64));
            }),
        ),
        ("a batch's", "wallet.other_answer", receipt(&|receipt| *receipt = recorded.clone())),
    ];
    for (what, code, attestation) in cases {
        town.refused(network, what, code, |content| content["attestation"] = attestation.clone());
        let attestation = serde_json::from_value(attestation).unwrap();
        assert_eq!(town.own.attest(attestation).unwrap_err().code(), code, "{what}");
    }

    // An attestation from before more was recorded, with its own nonce: it is true, and not about all of it.
    town.school.record(1).await;
    attest(network, &mut town.own).await;
    let missing = town.own.verify(&network.roots()).unwrap_err();
    assert_eq!(missing, WalletError::Incomplete { missing: 7, held: 6, count: 7 });
    let older = serde_json::from_value(own).unwrap();
    assert_eq!(town.own.attest(older).unwrap(), 6);
    town.own.verify(&network.roots()).unwrap();
    let mut shorter = town.other.clone();
    let batch = town.school.record(2).await;
    shorter.add(batch.proof(1).to_json().as_bytes()).unwrap();
    assert_eq!(shorter.verify(&network.roots()).unwrap_err(), WalletError::Unattested { held: 7 });
    let six = serde_json::from_value(attestation_of(&town.other)).unwrap();
    assert_eq!(shorter.attest(six).unwrap_err(), WalletError::RolledBack { attested: 6, held: 7 });
    assert_eq!(shorter.verify(&OnFile::new().roots()).unwrap_err(), WalletError::OtherRoots);
}

/// What both offices are asked is recorded nowhere, and there is no block for it to be in.
async fn an_attestation_leaves_no_trace(network: &dyn Network) {
    let town = Town::found(network, "traceless").await;
    let gateway = network.gateway();
    let asked = attestation(network, &town.own, Nonce::draw().unwrap()).await;
    assert_eq!(gateway.receipt(&asked.receipt.transaction).await.unwrap(), None);
    let status = gateway.commit_status(&asked.receipt.transaction).await;
    assert!(status.is_err(), "{status:?}");
}

/// Every byte of what a wallet holds counts: changed, it is no wallet, or not a true one.
#[tokio::test(flavor = "multi_thread")]
async fn no_flipped_bit_of_a_wallet_passes() {
    let network = OnFile::new();
    let school = Registered::new(&network, "flipped").await;
    let mut wallet = Wallet::new(school.learner(0).clone(), network.roots()).unwrap();
    wallet.add(school.record(1).await.proof(0).to_json().as_bytes()).unwrap();
    attest(&network, &mut wallet).await;
    let (content, roots) = (wallet.to_json().unwrap(), network.roots());
    let is_complete =
        |content: &[u8]| Wallet::parse(content).and_then(|wallet| wallet.verify(&roots)).is_ok();
    assert!(is_complete(&content));
    for place in 0..content.len() {
        let mut changed = content.to_vec();
        changed[place] ^= 1 << (place % 7);
        assert!(!is_complete(&changed), "byte {place}");
        if place % 16 == 0 {
            assert!(!is_complete(&content[..place]), "{place} bytes");
        }
    }
}

macro_rules! on_both {
    ($($case:ident),* $(,)?) => {$(
        mod $case {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            async fn embedded() {
                super::$case(&OnFile::new()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn fabric() {
                if let Some(network) = OnFabric::new() {
                    super::$case(&network).await;
                }
            }
        }
    )*};
}

on_both!(
    a_wallet_is_complete_and_stays_so_as_entries_come,
    what_was_taken_out_is_missed,
    what_was_put_in_or_changed_is_found,
    no_other_attestation_will_do,
    an_attestation_leaves_no_trace,
);
