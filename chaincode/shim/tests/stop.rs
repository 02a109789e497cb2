//! What happens when the server is told to stop.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod peer;

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use fabric_protos::peer::chaincode_message::Type;
use peer::{FakePeer, PATIENCE, message, patiently, start, start_limited};
use sillok_shim::{Limits, Response, Stub};

fn read(stub: &Stub) -> Response {
    stub.get_state("key").map_or_else(|error| Response::error(error.code()), |_| Response::success("read"))
}

#[tokio::test]
async fn idle_streams_are_closed() {
    let server = start(read).await;
    let mut ready = FakePeer::ready(&server).await;
    ready.settle().await;
    let mut silent = FakePeer::connect(&server).await;
    silent.expect(Type::Register).await;
    server.stop.send(()).unwrap();
    ready.expect_end().await.unwrap();
    silent.expect_end().await.unwrap();
    patiently(server.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn running_transactions_end_and_new_ones_are_refused() {
    let server = start(read).await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    let call = peer.expect(Type::GetState).await;
    server.stop.send(()).unwrap();
    // The server may take a moment to hear of it; a transaction begun before that is run like any other.
    let refused = loop {
        peer.begin("t2", &[]).await;
        let message = peer.expect_any().await;
        if message.r#type() == Type::Error {
            break message;
        }
        peer.answer(&message, "value").await;
        peer.completed().await;
    };
    assert!(String::from_utf8_lossy(&refused.payload).contains("is stopping"));
    peer.answer(&call, "value").await;
    assert_eq!(peer.completed().await, Response::success("read"));
    peer.expect_end().await.unwrap();
    patiently(server.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn transactions_that_do_not_end_are_cut_off() {
    let limits = Limits { drain_timeout: Duration::from_millis(100), ..Limits::default() };
    let (report, reported) = mpsc::channel();
    let report = Mutex::new(report);
    let server = start_limited(limits, move |stub: &Stub| {
        report.lock().unwrap().send(stub.get_state("key")).unwrap();
        Response::success("never mind")
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    peer.expect(Type::GetState).await;
    server.stop.send(()).unwrap();
    peer.expect_end().await.unwrap();
    patiently(server.ended).await.unwrap().unwrap();
    let wait = move || reported.recv_timeout(PATIENCE).unwrap();
    let result = patiently(tokio::task::spawn_blocking(wait)).await.unwrap();
    assert_eq!(result.unwrap_err().code(), "LEDGER_STREAM_CLOSED");
}

#[tokio::test]
async fn a_peer_that_does_not_read_does_not_hold_the_server() {
    let server = start(read).await;
    let peer = FakePeer::ready(&server).await;
    peer.flood(message(Type::Keepalive, vec![7; 1 << 20])).await;
    // Others are served meanwhile.
    FakePeer::ready(&server).await.settle().await;
    server.stop.send(()).unwrap();
    patiently(server.ended).await.unwrap().unwrap();
    drop(peer);
}

#[tokio::test]
async fn a_chaincode_that_computes_for_ever_does_not_hold_the_server() {
    let limits = Limits { drain_timeout: Duration::from_millis(100), ..Limits::default() };
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let server = start_limited(limits, move |_: &Stub| {
        let _ = released.lock().unwrap().recv_timeout(PATIENCE);
        Response::success("at last")
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    peer.settle().await;
    server.stop.send(()).unwrap();
    peer.expect_end().await.unwrap();
    patiently(server.ended).await.unwrap().unwrap();
    drop(release);
}
