//! The program itself: its settings, its log, SIGTERM, its memory.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../shim/tests/peer/mod.rs"]
mod peer;

#[allow(
    dead_code,
    unreachable_pub,
    reason = "the benchmarks' batches and the contract's fixtures are made for more than this"
)]
mod load;
mod program;

use fabric_protos::peer::ChaincodeAdditionalParams;
use load::Load;
use peer::{FakePeer, patiently};
use program::{listening, program, wait_for};
use sillok_contract::{Code, Refusal};
use tokio::process::{Child, Command};
use tonic::transport::Channel;

#[tokio::test]
async fn sigterm_ends_it_with_success_and_closes_its_streams() {
    let (mut child, address, mut log) = listening().await;
    let channel = patiently(Channel::from_shared(address).unwrap().connect()).await.unwrap();
    let mut peer = FakePeer::connect_on(channel).await.unwrap();
    peer.shake_hands(ChaincodeAdditionalParams::default()).await;
    peer.begin("t1", &["NoSuchFunction"]).await;
    let response = peer.completed().await;
    assert_eq!(Refusal::from_message(&response.message).unwrap().code, Code::FunctionUnknown);
    wait_for(&mut log, "function.unknown").await;

    let id = child.id().unwrap().to_string();
    assert!(patiently(Command::new("kill").args(["-TERM", &id]).status()).await.unwrap().success());
    peer.expect_end().await.unwrap();
    assert!(patiently(child.wait()).await.unwrap().success());
    wait_for(&mut log, "stopped").await;
}

/// A core file would hold the key of the link and what is private of a transaction.
#[tokio::test]
async fn it_writes_no_core_file() {
    let (child, _, _log) = listening().await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id().unwrap())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("1"), "{core}");
}

#[tokio::test]
async fn a_bad_setting_ends_it_with_one_line() {
    for (settings, expected) in [
        (&[][..], "sillok-chaincode: CHAINCODE_ID: is not set"),
        (&[("SILLOK_LOG_FORMAT", "xml")], "sillok-chaincode: SILLOK_LOG_FORMAT: must be human or json"),
    ] {
        let ended = patiently(program(settings).output()).await.unwrap();
        let told = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success());
        assert!(told.starts_with(expected) && told.lines().count() == 1, "{told}");
    }
}

/// What a process holds at most, apart from the program's own pages: KiB.
fn held(process: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id().unwrap())).unwrap();
    let value = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    value("VmHWM:") - value("RssFile:")
}

/// The program's own pages come to 9 MiB once it is optimised, and 32 MiB are what an operator is told.
#[tokio::test(flavor = "multi_thread")]
async fn however_many_batches_come_at_once_it_stays_small() {
    const OFFER: ChaincodeAdditionalParams = ChaincodeAdditionalParams {
        use_write_batch: true,
        max_size_write_batch: 1000,
        use_get_multiple_keys: true,
        max_size_get_multiple_keys: 1000,
    };
    let (child, address, _log) = listening().await;
    let channel = patiently(Channel::from_shared(address).unwrap().connect()).await.unwrap();
    let mut peer = FakePeer::connect_on(channel).await.unwrap();
    peer.shake_hands(OFFER).await;
    Load::new(2, 30).run(&mut peer, 150, 64).await;
    let usual = held(&child);
    Load::new(4, 250).run(&mut peer, 12, 6).await;
    let largest = held(&child);
    eprintln!("held at most: {usual} KiB with batches of 60 entries, {largest} KiB with batches of 1,000");
    assert!(usual < 20 * 1024, "{usual} KiB with batches of 60 entries");
    assert!(largest < 40 * 1024, "{largest} KiB with batches of 1,000 entries");
}
