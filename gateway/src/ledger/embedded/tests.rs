//! What only somebody within could try: transactions that lack an endorsement, ids used twice, a file that was edited.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use sillok_contract::Ledger as _;
use sillok_contract::digest::sha256;
use tempfile::TempDir;

use super::{store::STATE, *};

fn clock() -> i64 {
    1_790_000_000_000_000
}

fn contract(
    ledger: &mut dyn sillok_contract::Ledger,
    _function: &str,
    arguments: &[Vec<u8>],
) -> Result<Vec<u8>, Refusal> {
    ledger.put("key", arguments[0].clone()).map(|()| Vec::new())
}

fn open(directory: &TempDir) -> Result<Embedded, OpenError> {
    Embedded::open_with(directory.path().join("l.redb"), clock, contract)
}

impl Embedded {
    /// A transaction of a proposal that writes a value, changed by somebody before the gateway signs it.
    fn crafted(
        &self,
        proposal: &wire::Proposal,
        value: &str,
        change: fn(&mut wire::Transaction),
    ) -> Endorsed {
        let context = Context {
            transaction: proposal.transaction.clone(),
            timestamp: proposal.timestamp,
            creator: self.creator.creator.clone(),
            transient: Default::default(),
        };
        let mut simulation = Simulation::new(&self.engine.store.snapshot().unwrap(), context).unwrap();
        simulation.put("key", value.into()).unwrap();
        let bytes = proposal.encode_to_vec();
        let (effect, values) = simulation.finish(sha256(&[&bytes]), Vec::new());
        let mut envelope = envelope::endorse(&self.engine.identities, &self.creator, bytes, &effect, values);
        let mut transaction = wire::Transaction::decode(envelope.transaction.as_slice()).unwrap();
        change(&mut transaction);
        envelope.transaction = transaction.encode_to_vec();
        envelope.signature = self.creator.key.sign_der(&envelope.transaction);
        let envelope = envelope.encode_to_vec();
        Endorsed { transaction: proposal.transaction.clone(), envelope, answer: Vec::new() }
    }

    fn proposal(&self) -> wire::Proposal {
        envelope::propose(&self.creator, clock(), "put", &[]).unwrap()
    }

    fn value(&self) -> Option<Vec<u8>> {
        let state = self.engine.store.snapshot().unwrap().open_table(STATE).unwrap();
        state.get("key").unwrap().map(|row| row.value().1.to_vec())
    }
}

#[tokio::test]
async fn what_one_office_did_not_endorse_takes_no_effect() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(&directory).unwrap();
    let changes: [fn(&mut wire::Transaction); 4] = [
        |transaction| drop(transaction.endorsements.remove(0)),
        |transaction| drop(transaction.endorsements.pop()),
        |transaction| transaction.endorsements[1] = transaction.endorsements[0].clone(),
        |transaction| transaction.endorsements[1].signature = transaction.endorsements[0].signature.clone(),
    ];
    for change in changes {
        let endorsed = ledger.crafted(&ledger.proposal(), "value", change);
        ledger.submit(&endorsed).await.unwrap();
        let commit = ledger.commit_status(&endorsed.transaction).await.unwrap();
        assert!(!commit.valid);
        assert_eq!(commit.status, "ENDORSEMENT_POLICY_FAILURE");
        assert_eq!(ledger.receipt(&endorsed.transaction).await.unwrap(), None);
        assert_eq!(ledger.value(), None);
    }
    assert_eq!(ledger.verify_chain().unwrap(), 4);
}

#[tokio::test]
async fn an_id_is_used_once() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(&directory).unwrap();
    let proposal = ledger.proposal();
    ledger.submit(&ledger.crafted(&proposal, "first", |_| ())).await.unwrap();
    match ledger.submit(&ledger.crafted(&proposal, "second", |_| ())).await {
        Err(LedgerError::Submit { reason, .. }) => assert!(reason.starts_with("DUPLICATE_TXID"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(ledger.value().unwrap(), b"first");
    let chosen = wire::Proposal { transaction: "0".repeat(64), ..ledger.proposal() };
    match ledger.submit(&ledger.crafted(&chosen, "chosen", |_| ())).await {
        Err(LedgerError::Rejected { reason, .. }) => {
            assert!(reason.starts_with("BAD_PROPOSAL_TXID"), "{reason}")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(ledger.verify_chain().unwrap(), 1);
}

#[tokio::test]
async fn an_edited_file_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(&directory).unwrap();
    for value in ["one", "two", "three"] {
        ledger.submit(&ledger.endorse(Call::new("put", [value])).await.unwrap()).await.unwrap();
    }
    ledger.verify_chain().unwrap();
    let write = ledger.engine.store.begin().unwrap();
    write.open_table(STATE).unwrap().insert("key", ((3, 0), &b"four"[..])).unwrap();
    write.commit().unwrap();
    assert!(matches!(ledger.verify_chain(), Err(DamagedError::State(key)) if key == "key key"));

    let mut block = ledger.engine.store.block(2).unwrap().unwrap();
    *block.last_mut().unwrap() ^= 1;
    let write = ledger.engine.store.begin().unwrap();
    write.open_table(store::BLOCKS).unwrap().insert(2, block.as_slice()).unwrap();
    write.commit().unwrap();
    assert!(ledger.verify_chain().is_err());
    drop(ledger);
    assert!(matches!(open(&directory).map(drop), Err(OpenError::Damaged { .. })));
}
