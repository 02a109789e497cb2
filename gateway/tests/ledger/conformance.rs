//! What every engine owes: one suite for each implementation of `Ledger`.

use std::time::Duration;

use futures_util::{StreamExt as _, stream::BoxStream};
use sillok_contract::{
    Code,
    batch::{Recorded, TRANSIENT, Trail},
    registry::{School, SchoolChange},
};
use sillok_gateway::ledger::{
    Call, Checkpoint, Endorsed, Event, Ledger, LedgerError, Receipt, contract::Contract, receipt, transact,
};

use super::{
    engines::Network,
    school::{Registered, document},
};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Runs each case on each engine.
macro_rules! on_every_engine {
    ($($case:ident),* $(,)?) => {$(
        mod $case {
            #[tokio::test(flavor = "multi_thread")]
            async fn embedded() {
                super::$case(&crate::engines::OnFile::new()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn fabric() {
                if let Some(network) = crate::engines::OnFabric::new() {
                    super::$case(&network).await;
                }
            }
        }
    )*};
}

pub(crate) use on_every_engine;

on_every_engine!(
    a_refusal_tells_its_code_and_records_nothing,
    nothing_is_recorded_before_it_is_submitted,
    the_same_envelope_twice_takes_effect_once,
    of_two_changes_on_one_version_one_takes_effect,
    events_come_once_and_in_order_from_a_checkpoint,
    a_checkpoint_of_another_ledger_is_an_error,
    a_transaction_that_is_not_there_has_no_status_and_no_receipt,
    a_receipt_proves_what_was_written,
    what_is_attested_is_proven_and_recorded_nowhere,
    a_batch_is_recorded_and_a_repeated_one_is_answered_with_the_first,
);

fn register(school: &School) -> Call {
    Call::new("RegisterSchool", [serde_json::to_vec(school).unwrap()])
}

fn rename(school: &School, name: &str) -> Call {
    let change = SchoolChange {
        id: school.id.clone(),
        name: Some(name.into()),
        district: None,
        batch: None,
        closed_since: None,
    };
    Call::new("UpdateSchool", [serde_json::to_vec(&change).unwrap()])
}

async fn next(events: &mut BoxStream<'static, Result<Event, LedgerError>>) -> Event {
    tokio::time::timeout(PATIENCE, events.next()).await.unwrap().unwrap().unwrap()
}

/// The next event of one of these transactions; others may write to a shared ledger meanwhile.
async fn next_of(events: &mut BoxStream<'static, Result<Event, LedgerError>>, ours: &[&str]) -> Event {
    loop {
        let event = next(events).await;
        if ours.contains(&event.transaction.as_str()) {
            return event;
        }
    }
}

async fn a_refusal_tells_its_code_and_records_nothing(network: &dyn Network) {
    let school = document("refused");
    let gateway = network.gateway();
    let refused = |result: Result<Vec<u8>, LedgerError>, code: Code| match result {
        Err(LedgerError::Refused(refusal)) => assert_eq!(refusal.code, code, "{refusal}"),
        other => panic!("{other:?}"),
    };
    let endorsed = |call: Call| async { gateway.endorse(call).await.map(|endorsed| endorsed.answer) };
    refused(endorsed(register(&school)).await, Code::CreatorForbidden);
    refused(endorsed(Call::new("Nothing", [""; 0])).await, Code::FunctionUnknown);
    refused(gateway.evaluate(Call::new("Nothing", [""; 0])).await, Code::FunctionUnknown);
    refused(gateway.evaluate(Call::new("GetSchool", [school.id.as_str()])).await, Code::NotFound);
    let school_client = network.as_identity("SchoolMSP", "client");
    refused(
        school_client.evaluate(Call::new("GetBody", [school.id.as_str(), "1"])).await,
        Code::CreatorForbidden,
    );
    assert_eq!(Contract::new(gateway).school(&school.id).await.unwrap(), None);
}

async fn nothing_is_recorded_before_it_is_submitted(network: &dyn Network) {
    let school = document("endorsed");
    let (office, reader) = (network.as_identity("OfficeMSP", "admin"), Contract::new(network.gateway()));
    reader.ledger().ready().await.unwrap();
    let endorsed = office.endorse(register(&school)).await.unwrap();
    assert_eq!(endorsed.transaction.len(), 64);
    assert_eq!(reader.school(&school.id).await.unwrap(), None);
    office.submit(&endorsed).await.unwrap();
    let commit = office.commit_status(&endorsed.transaction).await.unwrap();
    assert!(commit.valid && commit.status == "VALID", "{commit:?}");
    assert_eq!(reader.school(&school.id).await.unwrap().unwrap().id, school.id);
}

async fn the_same_envelope_twice_takes_effect_once(network: &dyn Network) {
    let school = document("twice");
    let office = network.as_identity("OfficeMSP", "admin");
    let endorsed = office.endorse(register(&school)).await.unwrap();
    office.submit(&endorsed).await.unwrap();
    let first = office.commit_status(&endorsed.transaction).await.unwrap();
    transact(office.as_ref(), rename(&school, "renamed")).await.unwrap();
    // Whether an orderer takes the envelope again is its business; the transaction's status must not change.
    if let Err(error) = office.submit(&endorsed).await {
        assert!(matches!(error, LedgerError::Submit { .. } | LedgerError::Rejected { .. }), "{error:?}");
    }
    assert_eq!(office.commit_status(&endorsed.transaction).await.unwrap(), first);
    let standing = Contract::new(office).school(&school.id).await.unwrap().unwrap();
    assert_eq!(standing.name, "renamed");
}

async fn of_two_changes_on_one_version_one_takes_effect(network: &dyn Network) {
    let school = document("contested");
    let office = network.as_identity("OfficeMSP", "admin");
    transact(office.as_ref(), register(&school)).await.unwrap();
    let first = office.endorse(rename(&school, "first")).await.unwrap();
    let second = office.endorse(rename(&school, "second")).await.unwrap();
    let (one, two) = tokio::join!(office.submit(&first), office.submit(&second));
    one.and(two).unwrap();
    let one = office.commit_status(&first.transaction).await.unwrap();
    let two = office.commit_status(&second.transaction).await.unwrap();
    let (winner, loser) = if one.valid { ("first", &two) } else { ("second", &one) };
    assert!(one.valid != two.valid, "{one:?} {two:?}");
    assert_eq!(loser.status, "MVCC_READ_CONFLICT");
    let lost = if one.valid { &second } else { &first };
    let none = office.receipt_of(lost, loser);
    assert!(
        matches!(none, Err(LedgerError::Invalid { ref status, .. }) if *status == loser.status),
        "{none:?}"
    );
    assert_eq!(office.receipt(&lost.transaction).await.unwrap(), None);
    let standing = Contract::new(office).school(&school.id).await.unwrap().unwrap();
    assert_eq!(standing.name, winner);
}

async fn events_come_once_and_in_order_from_a_checkpoint(network: &dyn Network) {
    let school = document("heard");
    let office = network.as_identity("OfficeMSP", "admin");
    let mut live = office.events(None).await.unwrap();
    let mut commits = Vec::new();
    for call in [register(&school), rename(&school, "second"), rename(&school, "third")] {
        let endorsed = office.endorse(call).await.unwrap();
        office.submit(&endorsed).await.unwrap();
        let commit = office.commit_status(&endorsed.transaction).await.unwrap();
        assert!(commit.valid);
        commits.push((commit.block, endorsed.transaction));
    }
    let ours: Vec<&str> = commits.iter().map(|(_, transaction)| transaction.as_str()).collect();
    for (block, transaction) in &commits {
        let event = next_of(&mut live, &ours).await;
        assert_eq!((event.block, &event.transaction), (*block, transaction));
        assert_eq!(event.name, "RegistryChanged");
    }
    let (block, transaction) = commits[0].clone();
    let from = |transaction| Some(Checkpoint { block, transaction });
    let mut whole_block = office.events(from(None)).await.unwrap();
    assert_eq!(next_of(&mut whole_block, &ours).await.transaction, ours[0]);
    let mut after = office.events(from(Some(transaction))).await.unwrap();
    for expected in &ours[1..] {
        assert_eq!(next_of(&mut after, &ours).await.transaction, *expected);
    }
}

async fn a_checkpoint_of_another_ledger_is_an_error(network: &dyn Network) {
    let office = network.as_identity("OfficeMSP", "admin");
    let (_, commit) = transact(office.as_ref(), register(&document("elsewhere"))).await.unwrap();
    for block in [commit.block, commit.block + 1_000_000] {
        let elsewhere = Checkpoint { block, transaction: Some("f".repeat(64)) };
        let error = match office.events(Some(elsewhere)).await {
            Ok(mut events) => {
                tokio::time::timeout(PATIENCE, events.next()).await.unwrap().unwrap().unwrap_err()
            }
            Err(error) => error,
        };
        assert!(matches!(error, LedgerError::Events(_)), "block {block}: {error}");
    }
}

async fn a_transaction_that_is_not_there_has_no_status_and_no_receipt(network: &dyn Network) {
    let gateway = network.gateway();
    let unknown = "0123456789abcdef".repeat(4);
    assert_eq!(gateway.receipt(&unknown).await.unwrap(), None);
    let status = gateway.commit_status(&unknown).await;
    assert!(
        matches!(status, Err(LedgerError::CommitStatus { ref transaction, .. }) if *transaction == unknown),
        "{status:?}"
    );
}

/// A peer may learn of the block a moment after the one that told of the commit.
async fn receipt_of(ledger: &dyn Ledger, transaction: &str) -> Receipt {
    tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(receipt) = ledger.receipt(transaction).await.unwrap() {
                return receipt;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap()
}

async fn a_receipt_proves_what_was_written(network: &dyn Network) {
    let school = document("proven");
    let office = network.as_identity("OfficeMSP", "admin");
    let endorsed = office.endorse(register(&school)).await.unwrap();
    assert_eq!(office.receipt(&endorsed.transaction).await.unwrap(), None);
    office.submit(&endorsed).await.unwrap();
    let commit = office.commit_status(&endorsed.transaction).await.unwrap();
    let receipt = receipt_of(network.gateway().as_ref(), &endorsed.transaction).await;
    assert_eq!((receipt.block, &receipt.transaction), (commit.block, &endorsed.transaction));
    // Made without the ledger, of what is stored of the transaction: byte for byte the same.
    let stored = Endorsed { answer: Vec::new(), ..endorsed.clone() };
    let made = network.gateway().receipt_of(&stored, &commit).unwrap();
    assert_eq!(serde_json::to_vec(&made).unwrap(), serde_json::to_vec(&receipt).unwrap());
    let damaged = Endorsed { envelope: b"damaged".to_vec(), ..endorsed.clone() };
    let unread = network.gateway().receipt_of(&damaged, &commit);
    assert!(matches!(unread, Err(LedgerError::Malformed(_))), "{unread:?}");
    let proven = receipt::verify(&receipt, &network.roots()).unwrap();
    assert_eq!(proven.msps, ["OfficeMSP", "SupportMSP"]);
    assert_eq!(proven.answer, endorsed.answer);
    let written = proven.writes[&format!("school/{}", school.id)].as_deref().unwrap();
    let read = Contract::new(office).school(&school.id).await.unwrap();
    assert_eq!(serde_json::from_slice::<School>(written).ok(), read);
}

async fn what_is_attested_is_proven_and_recorded_nowhere(network: &dyn Network) {
    let school = Registered::new(network, "attested").await;
    let gateway = network.gateway();
    let contract = Contract::new(gateway.clone());
    let (call, learner, nonce) =
        (school.next_batch(1).await.0, school.learner(0).clone(), "0123456789abcdef".repeat(2));
    let told = async || {
        let receipt = contract.trail(&learner, &nonce).await.unwrap();
        let proven = receipt::verify(&receipt, &network.roots()).unwrap();
        assert!(proven.writes.is_empty(), "{proven:?}");
        let trail: Trail = serde_json::from_slice(&proven.answer).unwrap();
        assert_eq!((&trail.transaction, receipt.block), (&receipt.transaction, 0));
        assert_eq!((&trail.learner, &trail.nonce), (&learner, &nonce));
        assert_eq!(gateway.receipt(&receipt.transaction).await.unwrap(), None, "it is in no block");
        (trail, receipt)
    };
    assert_eq!(told().await.0.count, 0);
    transact(gateway.as_ref(), call).await.unwrap();
    // A peer may learn of the block a moment after the one that told of the commit.
    let (trail, receipt) = tokio::time::timeout(PATIENCE, async {
        loop {
            match told().await {
                (trail, _) if trail.count == 0 => tokio::time::sleep(Duration::from_millis(50)).await,
                told => return told,
            }
        }
    })
    .await
    .unwrap();
    assert_eq!(trail.count, 1);
    assert_eq!(trail.last.map(|last| (last.sequence, last.index)), Some((1, 0)));
    let mut other = receipt;
    other.transaction = "0".repeat(64);
    assert!(receipt::verify(&other, &network.roots()).is_err());
}

async fn a_batch_is_recorded_and_a_repeated_one_is_answered_with_the_first(network: &dyn Network) {
    let school = Registered::new(network, "batched").await;
    let gateway = network.gateway();
    let (call, ..) = school.next_batch(4).await;
    let endorsed = gateway.endorse(call.clone()).await.unwrap();
    gateway.submit(&endorsed).await.unwrap();
    let commit = gateway.commit_status(&endorsed.transaction).await.unwrap();
    let (first, made) = (endorsed.answer.clone(), gateway.receipt_of(&endorsed, &commit).unwrap());
    let (again, _) = transact(gateway.as_ref(), call.clone()).await.unwrap();
    let [first, again]: [Recorded; 2] = [first, again].map(|answer| serde_json::from_slice(&answer).unwrap());
    assert!(!first.repeated && again.repeated);
    assert_eq!(again.transaction, first.transaction);
    let receipt = gateway.receipt(&first.transaction).await.unwrap().unwrap();
    assert_eq!(serde_json::to_vec(&made).unwrap(), serde_json::to_vec(&receipt).unwrap());
    assert!(
        !receipt.payload.windows(6).any(|bytes| bytes == b"SELECT"),
        "the queries are not on the channel"
    );
    let contract = Contract::new(gateway);
    assert_eq!(contract.head(school.id()).await.unwrap().sequence, 1);
    assert_eq!(contract.batch(school.id(), 1).await.unwrap().unwrap().leaves.len(), 4);
    let body = contract.body(school.id(), 1).await.unwrap().unwrap();
    assert_eq!(body.body, call.transient[TRANSIENT]);
}
