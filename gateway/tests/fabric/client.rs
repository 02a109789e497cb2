//! Each phase of a call, and what an administrator does.

use std::{net::TcpListener, path::PathBuf, time::Instant};

use futures_util::{StreamExt as _, stream::BoxStream};
use sillok_contract::{
    Code,
    id::SchoolId,
    registry::{School, SchoolChange},
};
use sillok_gateway::ledger::{
    Call, Checkpoint, Event, Ledger, LedgerError,
    fabric::{Fabric, Settings},
    receipt::{self, ReceiptError, Roots},
};

use crate::network::{PATIENCE, client, contract, directory, new_school, settings};

fn renamed(school: &School, name: &str) -> Call {
    let change = SchoolChange {
        id: school.id.clone(),
        name: Some(name.into()),
        district: None,
        batch: None,
        closed_since: None,
    };
    Call::new("UpdateSchool", [serde_json::to_vec(&change).unwrap()])
}

/// The contract's event of a transaction, and those before it.
async fn until(
    mut events: BoxStream<'static, Result<Event, LedgerError>>,
    transaction: &str,
) -> (BoxStream<'static, Result<Event, LedgerError>>, Vec<Event>) {
    let mut seen = Vec::new();
    tokio::time::timeout(PATIENCE, async {
        while seen.last().is_none_or(|event: &Event| event.transaction != transaction) {
            seen.push(events.next().await.unwrap().unwrap());
        }
    })
    .await
    .unwrap();
    (events, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_administrator_registers_is_read_by_the_gateway_and_proven_offline() {
    let directory = directory!();
    let fabric = client(&directory, "OfficeMSP", "Admin");
    let office = contract(&fabric);
    let gateway = client(&directory, "SupportMSP", "Gateway");
    gateway.ready().await.unwrap();
    let events = gateway.events(None).await.unwrap();

    let school = new_school("proven");
    let (changed, commit) = office.register_school(&school).await.unwrap();
    assert_eq!(changed.ids, [school.id.to_string()]);
    assert!(commit.valid && commit.status == "VALID", "{commit:?}");
    let read = contract(&gateway).school(&school.id).await.unwrap().unwrap();
    assert_eq!(read.name, school.name);

    let (mut seen, id) = (Vec::new(), school.id.to_string());
    let mut events = events;
    while seen.last().is_none_or(|event: &Event| !String::from_utf8_lossy(&event.payload).contains(&id)) {
        seen.push(tokio::time::timeout(PATIENCE, events.next()).await.unwrap().unwrap().unwrap());
    }
    let event = seen.pop().unwrap();
    assert_eq!((event.block, event.name.as_str()), (commit.block, "RegistryChanged"));

    let found = gateway.receipt(&event.transaction).await.unwrap().unwrap();
    assert_eq!((found.block, found.transaction.as_str()), (commit.block, event.transaction.as_str()));
    let roots = Roots::read_dir(&directory.join("roots")).unwrap();
    let endorsed = receipt::verify(&found, &roots).unwrap();
    assert_eq!(endorsed.msps, ["OfficeMSP", "SupportMSP"]);
    let written = endorsed.writes[&format!("school/{id}")].as_ref().unwrap();
    assert_eq!(serde_json::from_slice::<School>(written).unwrap(), read);

    let mut one = found.clone();
    one.endorsements.pop();
    assert!(matches!(receipt::verify(&one, &roots), Err(ReceiptError::Missing(_))));
    let mut changed = found;
    changed.payload[40] ^= 1;
    assert!(matches!(receipt::verify(&changed, &roots), Err(ReceiptError::Signature(_))));
    fabric.ready().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_from_a_failure() {
    let directory = directory!();
    let gateway = client(&directory, "SupportMSP", "Gateway");
    let school = serde_json::to_vec(&new_school("refused")).unwrap();
    match gateway.endorse(Call::new("RegisterSchool", [school])).await {
        Err(LedgerError::Refused(refusal)) => assert_eq!(refusal.code, Code::CreatorForbidden),
        other => panic!("{other:?}"),
    }
    match gateway.evaluate(Call::new("NoSuchFunction", [""; 0])).await {
        Err(LedgerError::Refused(refusal)) => assert_eq!(refusal.code, Code::FunctionUnknown),
        other => panic!("{other:?}"),
    }
    let nowhere = SchoolId::new("nowhere").unwrap();
    assert_eq!(contract(&gateway).school(&nowhere).await.unwrap(), None);
    let unknown = "00".repeat(32);
    assert_eq!(gateway.receipt(&unknown).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_of_one_thing_one_takes_effect_and_an_envelope_takes_effect_once() {
    let directory = directory!();
    let fabric = client(&directory, "OfficeMSP", "Admin");
    let office = contract(&fabric);
    let school = new_school("contended");
    office.register_school(&school).await.unwrap();
    let first = fabric.endorse(renamed(&school, "first")).await.unwrap();
    let second = fabric.endorse(renamed(&school, "second")).await.unwrap();

    fabric.submit(&first).await.unwrap();
    let commit = fabric.commit_status(&first.transaction).await.unwrap();
    assert!(commit.valid);
    fabric.submit(&second).await.unwrap();
    let lost = fabric.commit_status(&second.transaction).await.unwrap();
    assert!(!lost.valid && lost.status == "MVCC_READ_CONFLICT", "{lost:?}");
    assert_eq!(fabric.receipt(&second.transaction).await.unwrap(), None, "it took no effect");

    let (third, _) =
        (fabric.endorse(renamed(&school, "third")).await.unwrap(), fabric.submit(&first).await.unwrap());
    fabric.submit(&third).await.unwrap();
    assert!(
        fabric.commit_status(&third.transaction).await.unwrap().valid,
        "the first did not take effect again"
    );
    assert_eq!(fabric.commit_status(&first.transaction).await.unwrap(), commit);
    assert!(fabric.receipt(&first.transaction).await.unwrap().is_some());
    assert_eq!(office.school(&school.id).await.unwrap().unwrap().name, "third");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_on_after_the_checkpoint() {
    let directory = directory!();
    let fabric = client(&directory, "OfficeMSP", "Admin");
    let office = contract(&fabric);
    let school = new_school("followed");
    let events = fabric.events(None).await.unwrap();
    office.register_school(&school).await.unwrap();
    let mut transactions = Vec::new();
    for name in ["one", "two", "three"] {
        let endorsed = fabric.endorse(renamed(&school, name)).await.unwrap();
        fabric.submit(&endorsed).await.unwrap();
        assert!(fabric.commit_status(&endorsed.transaction).await.unwrap().valid);
        transactions.push(endorsed.transaction);
    }
    let (_, seen) = until(events, &transactions[0]).await;
    let last = seen.last().unwrap();
    let checkpoint = Checkpoint { block: last.block, transaction: Some(last.transaction.clone()) };
    let events = fabric.events(Some(checkpoint)).await.unwrap();
    let (_, seen) = until(events, &transactions[2]).await;
    let ours: Vec<_> =
        seen.iter().map(|event| &event.transaction).filter(|id| transactions.contains(id)).collect();
    assert_eq!(ours, [&transactions[1], &transactions[2]]);

    let block = seen.last().unwrap().block;
    let elsewhere = |block| Some(Checkpoint { block, transaction: Some("elsewhere".into()) });
    let mut events = fabric.events(elsewhere(block)).await.unwrap();
    let error = tokio::time::timeout(PATIENCE, events.next()).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, LedgerError::Events(_)), "{error}");
    let ahead = fabric.events(elsewhere(block + 1_000_000)).await;
    assert!(matches!(ahead, Err(LedgerError::Events(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_peer_is_called_while_one_is_away() {
    let directory = directory!();
    let file = std::fs::read(directory.join("network.json")).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let support = &file["organizations"]["SupportMSP"]["peer"];
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let msp = PathBuf::from(file["organizations"]["SupportMSP"]["users"]["Gateway"].as_str().unwrap());
    let only = |name: &str| std::fs::read_dir(msp.join(name)).unwrap().next().unwrap().unwrap().path();
    let settings = Settings {
        certificate: Some(only("signcerts")),
        key: Some(only("keystore")),
        peers: vec![closed.to_string(), support["address"].as_str().unwrap().into()],
        tls_roots: Some(support["tls_root_cert"].as_str().unwrap().into()),
        ..Settings::default()
    };
    Fabric::connect(&settings).unwrap().ready().await.unwrap();

    let away = Settings { peers: vec![closed.to_string()], ..settings };
    let away = Fabric::connect(&away).unwrap();
    let error = away.ready().await.unwrap_err();
    assert!(matches!(error, LedgerError::Evaluate(_)), "{error}");
    let endorsed = away.endorse(Call::new("GetMetadata", [""; 0])).await.unwrap_err();
    assert!(matches!(endorsed, LedgerError::Endorse { .. }), "{endorsed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_transaction_that_does_not_come_ends() {
    let directory = directory!();
    let settings = Settings { commit_seconds: 1, ..settings(&directory, "SupportMSP", "Gateway") };
    let began = Instant::now();
    let status = Fabric::connect(&settings).unwrap().commit_status(&"00".repeat(32)).await;
    assert!(matches!(status, Err(LedgerError::CommitStatus { .. })), "{status:?}");
    assert!(began.elapsed() < PATIENCE);
}
