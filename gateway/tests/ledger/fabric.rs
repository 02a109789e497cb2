//! What the Fabric client owes besides: it goes to the next peer, and waits for nobody without end.

use std::{net::TcpListener, path::PathBuf, time::Instant};

use sillok_gateway::ledger::{
    Call, Ledger, LedgerError,
    fabric::{Fabric, Settings},
};

use super::{conformance::PATIENCE, engines::OnFabric};

#[tokio::test(flavor = "multi_thread")]
async fn the_next_peer_is_called_while_one_is_away() {
    let Some(network) = OnFabric::new() else { return };
    let file = std::fs::read(network.file()).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let support = &file["organizations"]["SupportMSP"]["peer"];
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let msp = PathBuf::from(file["organizations"]["SupportMSP"]["users"]["Gateway"].as_str().unwrap());
    let settings = Settings {
        peers: vec![closed.to_string(), support["address"].as_str().unwrap().into()],
        tls_roots: Some(support["tls_root_cert"].as_str().unwrap().into()),
        ..Settings::default().with_msp_directory(&msp).unwrap()
    };
    Fabric::connect(&settings).unwrap().ready().await.unwrap();

    let away = Settings { peers: vec![closed.to_string()], ..settings };
    let away = Fabric::connect(&away).unwrap();
    let error = away.ready().await.unwrap_err();
    assert!(matches!(error, LedgerError::Evaluate(_)), "{error}");
    let endorsed = away.endorse(Call::new("GetMetadata", [""; 0])).await.unwrap_err();
    assert!(matches!(endorsed, LedgerError::Endorse { .. }), "{endorsed}");
}

/// A real peer's certificate under another office's authority, as one would meet who was led to the wrong machine.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_of_another_authority_is_not_talked_to() {
    let Some(network) = OnFabric::new() else { return };
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(network.file()).unwrap()).unwrap();
    let peer = |msp: &str| file["organizations"][msp]["peer"].clone();
    let settings = Settings {
        network: None,
        peers: vec![peer("SupportMSP")["address"].as_str().unwrap().into()],
        tls_roots: Some(peer("OfficeMSP")["tls_root_cert"].as_str().unwrap().into()),
        ..network
            .settings("SupportMSP", "Gateway")
            .with_msp_directory(&PathBuf::from(
                file["organizations"]["SupportMSP"]["users"]["Gateway"].as_str().unwrap(),
            ))
            .unwrap()
    };
    let error = Fabric::connect(&settings).unwrap().ready().await.unwrap_err();
    assert!(matches!(error, LedgerError::Evaluate(_)), "{error}");
    let right = Settings {
        tls_roots: Some(peer("SupportMSP")["tls_root_cert"].as_str().unwrap().into()),
        ..settings
    };
    Fabric::connect(&right).unwrap().ready().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_transaction_that_does_not_come_ends() {
    let Some(network) = OnFabric::new() else { return };
    let settings = Settings { commit_seconds: 1, ..network.settings("SupportMSP", "Gateway") };
    let began = Instant::now();
    let status = Fabric::connect(&settings).unwrap().commit_status(&"00".repeat(32)).await;
    assert!(matches!(status, Err(LedgerError::CommitStatus { .. })), "{status:?}");
    assert!(began.elapsed() < PATIENCE);
}
