//! A peer that breaks the protocol, a chaincode that panics: what it costs, and whom.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod peer;

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use fabric_protos::peer::{
    ChaincodeAdditionalParams, ChaincodeMessage, GetStateMultipleResult, QueryResponse, QueryResultBytes,
    chaincode_message::Type,
};
use peer::{FakePeer, PATIENCE, Running, patiently, reply, start, start_limited};
use prost::{Message, bytes::Bytes};
use sillok_shim::{LedgerError, Limits, Response, Stub};

fn hasty() -> Limits {
    Limits { call_timeout: Duration::from_millis(300), ..Limits::default() }
}

/// Reads a key, and answers with success whatever comes of it.
fn careless(stub: &Stub) -> Response {
    let _ = stub.get_state("key");
    Response::success("never mind")
}

/// A transaction can still be run, on this stream and on a new one.
async fn goes_on(server: &Running, peer: &mut FakePeer) {
    let mut other = FakePeer::ready(server).await;
    for peer in [peer, &mut other] {
        peer.begin("next", &["key"]).await;
        let call = peer.expect(Type::GetState).await;
        peer.answer(&call, "value").await;
        assert_eq!(peer.completed().await, Response::success("never mind"));
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_ends_the_transaction() {
    let server = start_limited(hasty(), careless).await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    let call = peer.expect(Type::GetState).await;
    let reason = peer.failed("t1").await;
    assert!(reason.contains("did not answer"), "{reason}");
    // It comes after all, too late for anyone.
    peer.answer(&call, "late").await;
    peer.settle().await;
    let server_patient = start(careless).await;
    let mut peer = FakePeer::ready(&server_patient).await;
    goes_on(&server_patient, &mut peer).await;
}

#[tokio::test]
async fn a_late_answer_is_not_taken_for_the_next_ones() {
    let (report, reported) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (report, released) = (Mutex::new(report), Mutex::new(released));
    let server = start_limited(hasty(), move |stub: &Stub| {
        let first = stub.get_state("first").unwrap_err();
        report.lock().unwrap().send(first).unwrap();
        released.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        report.lock().unwrap().send(stub.get_state("second").unwrap_err()).unwrap();
        Response::success("never mind")
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    let call = peer.expect(Type::GetState).await;
    let (first, reported) = next(reported).await;
    assert_eq!(first.code(), "LEDGER_TIMED_OUT");
    assert!(first.is_retryable());
    peer.answer(&call, "late").await;
    peer.settle().await;
    release.send(()).unwrap();
    assert_eq!(next(reported).await.0.code(), "LEDGER_TIMED_OUT");
    assert!(peer.failed("t1").await.contains("did not answer"));
}

#[tokio::test]
async fn a_second_answer_ends_the_transaction() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let server = start(move |stub: &Stub| {
        // Both answers may be there before this looks, or one.
        let _ = stub.get_state("key");
        released.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        Response::success("never mind")
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    let call = peer.expect(Type::GetState).await;
    peer.answer(&call, "once").await;
    peer.answer(&call, "twice").await;
    peer.settle().await;
    release.send(()).unwrap();
    let reason = peer.failed("t1").await;
    assert!(reason.contains("broke the protocol"), "{reason}");
}

#[tokio::test]
async fn an_answer_to_another_transaction_is_none() {
    let server = start_limited(hasty(), careless).await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    let call = peer.expect(Type::GetState).await;
    peer.answer(&ChaincodeMessage { txid: "t2".into(), ..call.clone() }, "value").await;
    peer.answer(&ChaincodeMessage { channel_id: "other".into(), ..call }, "value").await;
    assert!(peer.failed("t1").await.contains("did not answer"));
}

#[tokio::test]
async fn an_answer_of_another_type_ends_the_transaction() {
    let server = start(careless).await;
    let mut peer = FakePeer::ready(&server).await;
    for kind in [Type::Completed, Type::GetState, Type::Ready, Type::Undefined] {
        peer.begin("t1", &[]).await;
        let call = peer.expect(Type::GetState).await;
        peer.send(reply(&call, kind, "value")).await;
        let reason = peer.failed("t1").await;
        assert!(reason.contains("broke the protocol"), "{reason}");
    }
    goes_on(&server, &mut peer).await;
}

#[tokio::test]
async fn malformed_answers_end_the_transaction() {
    let server = start(|stub: &Stub| {
        let result = match stub.function().unwrap().0 {
            "range" => {
                stub.get_state_by_range("a", "b").and_then(|mut it| it.try_for_each(|it| it.map(drop)))
            }
            "page" => stub.get_state_by_range_page("a", "b", 1, "").map(drop),
            "history" => stub.get_history_for_key("a").and_then(|mut it| it.try_for_each(|it| it.map(drop))),
            "policy" => stub.get_state_validation_parameter("a").map(drop),
            "call" => stub.invoke_chaincode("other", "", vec![]).map(drop),
            _ => stub.get_states(&["a", "b"]).map(drop),
        };
        assert_eq!(result.unwrap_err().code(), "LEDGER_PROTOCOL");
        Response::success("never mind")
    })
    .await;
    let offer = ChaincodeAdditionalParams { use_get_multiple_keys: true, ..Default::default() };
    let mut peer = FakePeer::ready_with(&server, offer).await;
    let garbage = Bytes::from_static(b"\x0a\xff");
    let malformed_result = QueryResponse {
        results: vec![QueryResultBytes { result_bytes: garbage.clone() }],
        has_more: true,
        ..Default::default()
    };
    let endless = QueryResponse { has_more: true, ..Default::default() };
    let malformed_metadata = QueryResponse { metadata: garbage.clone(), ..Default::default() };
    let short = GetStateMultipleResult { values: vec!["only one".into()] };
    let inner = peer::message(Type::Completed, garbage.clone());
    for (function, kind, answer) in [
        ("range", Type::GetStateByRange, garbage.clone()),
        ("range", Type::GetStateByRange, malformed_result.encode_to_vec().into()),
        ("range", Type::GetStateByRange, endless.encode_to_vec().into()),
        ("page", Type::GetStateByRange, malformed_metadata.encode_to_vec().into()),
        ("page", Type::GetStateByRange, malformed_result.encode_to_vec().into()),
        ("history", Type::GetHistoryForKey, malformed_result.encode_to_vec().into()),
        ("policy", Type::GetStateMetadata, garbage.clone()),
        ("call", Type::InvokeChaincode, garbage.clone()),
        ("call", Type::InvokeChaincode, inner.encode_to_vec().into()),
        ("many", Type::GetStateMultiple, garbage),
        ("many", Type::GetStateMultiple, short.encode_to_vec().into()),
    ] {
        peer.begin("t1", &[function]).await;
        let call = peer.expect(kind).await;
        peer.answer(&call, answer).await;
        let reason = peer.failed("t1").await;
        assert!(reason.contains("broke the protocol"), "{function}: {reason}");
    }
}

#[tokio::test]
async fn a_dropped_stream_ends_its_transactions_and_no_others() {
    let (report, reported) = mpsc::channel();
    let report = Mutex::new(report);
    let server = start(move |stub: &Stub| {
        if let Err(error) = stub.get_state("key") {
            report.lock().unwrap().send(error).unwrap();
        }
        Response::success("never mind")
    })
    .await;
    let mut dropped = FakePeer::ready(&server).await;
    let mut other = FakePeer::ready(&server).await;
    dropped.begin("t1", &[]).await;
    dropped.expect(Type::GetState).await;
    other.begin("t1", &[]).await;
    let call = other.expect(Type::GetState).await;
    drop(dropped);
    let error = next(reported).await.0;
    assert_eq!(error, LedgerError::StreamClosed { call: "GET_STATE" });
    other.answer(&call, "value").await;
    assert_eq!(other.completed().await, Response::success("never mind"));
    goes_on(&server, &mut other).await;
}

#[tokio::test]
async fn a_panic_ends_its_transaction_alone() {
    let server = start(|stub: &Stub| {
        if stub.arguments().is_empty() {
            // The index is out of bounds, as in any program that has such a mistake.
            let _ = &stub.arguments()[0];
        }
        careless(stub)
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("other", &["key"]).await;
    let call = peer.expect(Type::GetState).await;
    peer.begin("t1", &[]).await;
    assert!(peer.failed("t1").await.contains("panicked"));
    peer.answer(&call, "value").await;
    assert_eq!(peer.completed().await, Response::success("never mind"));
    // The same transaction id may come again.
    peer.begin("t1", &["key"]).await;
    let call = peer.expect(Type::GetState).await;
    peer.answer(&call, "value").await;
    peer.completed().await;
}

#[tokio::test]
async fn a_transaction_id_runs_once_at_a_time() {
    let server = start(careless).await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    let call = peer.expect(Type::GetState).await;
    peer.begin("t1", &[]).await;
    assert!(peer.failed("t1").await.contains("is running already"));
    peer.answer(&call, "value").await;
    assert_eq!(peer.completed().await, Response::success("never mind"));
    goes_on(&server, &mut peer).await;
}

#[tokio::test]
async fn transactions_run_side_by_side_up_to_the_limit() {
    let limits = Limits { max_transactions: 2, ..Limits::default() };
    let server = start_limited(limits, careless).await;
    let mut peer = FakePeer::ready(&server).await;
    for transaction in ["t1", "t2", "t3"] {
        peer.begin(transaction, &[]).await;
    }
    let (first, second) = (peer.expect(Type::GetState).await, peer.expect(Type::GetState).await);
    // The third waits: the next message is the answer to this.
    peer.settle().await;
    peer.answer(&first, "value").await;
    peer.completed().await;
    let third = peer.expect(Type::GetState).await;
    assert!(third.txid != first.txid && third.txid != second.txid);
    for call in [second, third] {
        peer.answer(&call, "value").await;
        peer.completed().await;
    }
}

/// Waits on a thread of its own for what a chaincode reports.
async fn next<T: Send + 'static>(channel: mpsc::Receiver<T>) -> (T, mpsc::Receiver<T>) {
    let wait = move || (channel.recv_timeout(PATIENCE).unwrap(), channel);
    patiently(tokio::task::spawn_blocking(wait)).await.unwrap()
}
