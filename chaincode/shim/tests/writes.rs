//! How writes and the answer reach the peer.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod peer;

use fabric_protos::peer::{
    ChaincodeAdditionalParams, DelState, PurgePrivateState, PutState, PutStateMetadata, WriteBatchState,
    WriteRecord, chaincode_message::Type, write_record,
};
use peer::{FakePeer, reply, start, transaction_message};
use sillok_shim::{Response, Stub};

fn write_all(stub: &Stub) -> Response {
    let bodies = stub.private_data("bodies").unwrap();
    stub.put_state("a", "1").unwrap();
    stub.delete_state("b").unwrap();
    stub.set_state_validation_parameter("c", "policy").unwrap();
    bodies.put("d", "4").unwrap();
    bodies.delete("e").unwrap();
    bodies.purge("f").unwrap();
    bodies.set_validation_parameter("g", "policy").unwrap();
    stub.set_event("first", "lost").unwrap();
    stub.set_event("written", "payload").unwrap();
    Response::success("done")
}

fn batches(max: u32) -> ChaincodeAdditionalParams {
    ChaincodeAdditionalParams { use_write_batch: true, max_size_write_batch: max, ..Default::default() }
}

fn summary(record: &WriteRecord) -> (&'static str, &str, &str) {
    (record.r#type().as_str_name(), record.collection.as_str(), record.key.as_str())
}

const WRITTEN: [(&str, &str, &str); 7] = [
    ("PUT_STATE", "", "a"),
    ("DEL_STATE", "", "b"),
    ("PUT_STATE_METADATA", "", "c"),
    ("PUT_STATE", "bodies", "d"),
    ("DEL_STATE", "bodies", "e"),
    ("PURGE_PRIVATE_DATA", "bodies", "f"),
    ("PUT_STATE_METADATA", "bodies", "g"),
];

#[tokio::test]
async fn writes_go_in_one_batch_before_the_answer() {
    let server = start(write_all).await;
    // Zero: the peer offers batches and names no limit.
    for max in [0, 7, 1000] {
        let mut peer = FakePeer::ready_with(&server, batches(max)).await;
        peer.begin("t1", &[]).await;
        let (call, batch) = peer.expect_call::<WriteBatchState>(Type::WriteBatchState).await;
        assert_eq!(batch.rec.iter().map(summary).collect::<Vec<_>>(), WRITTEN);
        let policy = batch.rec[2].metadata.as_ref().unwrap();
        assert_eq!((policy.metakey.as_str(), &policy.value[..]), ("VALIDATION_PARAMETER", &b"policy"[..]));
        peer.answer(&call, "").await;
        let completed = peer.expect(Type::Completed).await;
        let event = completed.chaincode_event.unwrap();
        assert_eq!((event.event_name.as_str(), &event.payload[..]), ("written", &b"payload"[..]));
    }
}

#[tokio::test]
async fn batches_keep_to_the_peers_limit() {
    let server = start(write_all).await;
    for (max, messages) in [(1, 7), (3, 3)] {
        let mut peer = FakePeer::ready_with(&server, batches(max)).await;
        peer.begin("t1", &[]).await;
        let mut written = Vec::new();
        for _ in 0..messages {
            let (call, batch) = peer.expect_call::<WriteBatchState>(Type::WriteBatchState).await;
            assert!(batch.rec.len() <= max as usize);
            written.extend(batch.rec);
            peer.answer(&call, "").await;
        }
        assert_eq!(written.iter().map(summary).collect::<Vec<_>>(), WRITTEN);
        peer.completed().await;
    }
}

#[tokio::test]
async fn writes_go_one_by_one_where_the_peer_offers_nothing() {
    let server = start(write_all).await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    for (value, key, collection) in [("1", "a", ""), ("4", "d", "bodies")] {
        let (call, put) = peer.expect_call::<PutState>(Type::PutState).await;
        let expected = PutState { key: key.into(), value: value.into(), collection: collection.into() };
        assert_eq!(put, expected);
        peer.answer(&call, "").await;
        let (call, delete) = peer.expect_call::<DelState>(Type::DelState).await;
        assert_eq!(delete.collection, collection);
        peer.answer(&call, "").await;
        if !collection.is_empty() {
            let (call, purge) = peer.expect_call::<PurgePrivateState>(Type::PurgePrivateData).await;
            assert_eq!((purge.key.as_str(), purge.collection.as_str()), ("f", "bodies"));
            peer.answer(&call, "").await;
        }
        let (call, policy) = peer.expect_call::<PutStateMetadata>(Type::PutStateMetadata).await;
        assert_eq!(policy.collection, collection);
        assert_eq!(policy.metadata.unwrap().metakey, "VALIDATION_PARAMETER");
        peer.answer(&call, "").await;
    }
    assert_eq!(peer.completed().await, Response::success("done"));
}

#[tokio::test]
async fn a_refused_batch_ends_the_transaction() {
    let server = start(write_all).await;
    let mut peer = FakePeer::ready_with(&server, batches(2)).await;
    peer.begin("t1", &[]).await;
    let call = peer.expect(Type::WriteBatchState).await;
    peer.send(reply(&call, Type::Error, "no write access")).await;
    let reason = peer.failed("t1").await;
    assert_eq!(reason, "the peer refused WRITE_BATCH_STATE: no write access");
}

#[tokio::test]
async fn a_failed_transaction_writes_nothing() {
    let server = start(|stub: &Stub| {
        stub.put_state("a", "1").unwrap();
        Response::error("no such school")
    })
    .await;
    let mut peer = FakePeer::ready_with(&server, batches(100)).await;
    peer.begin("t1", &[]).await;
    assert_eq!(peer.completed().await, Response::error("no such school"));
}

#[tokio::test]
async fn init_completes_like_a_transaction_and_fails_with_error() {
    let server = start(|stub: &Stub| match stub.function().unwrap().0 {
        "good" => Response::success("done"),
        _ => Response::error("no"),
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.send(transaction_message(Type::Init, "t1", &["good"])).await;
    assert_eq!(peer.completed().await, Response::success("done"));
    peer.send(transaction_message(Type::Init, "t2", &["bad"])).await;
    assert_eq!(peer.failed("t2").await, "no");
}

#[tokio::test]
async fn large_values_go_both_ways() {
    const LARGE: usize = 40 << 20;
    let server = start(|stub: &Stub| {
        let value = stub.get_state("large").unwrap().unwrap();
        stub.put_state("copy", value.clone()).unwrap();
        Response::success(value)
    })
    .await;
    let mut peer = FakePeer::ready_with(&server, batches(100)).await;
    peer.begin("t1", &[]).await;
    let call = peer.expect(Type::GetState).await;
    peer.answer(&call, vec![7; LARGE]).await;
    let (call, batch) = peer.expect_call::<WriteBatchState>(Type::WriteBatchState).await;
    assert_eq!(batch.rec[0].r#type(), write_record::Type::PutState);
    assert_eq!(batch.rec[0].value.len(), LARGE);
    peer.answer(&call, "").await;
    assert_eq!(peer.completed().await.payload.len(), LARGE);
}

#[tokio::test]
async fn what_no_message_can_hold_is_refused_and_the_stream_goes_on() {
    let server = start(|stub: &Stub| {
        let large = vec![7; peer::LARGEST_MESSAGE];
        match stub.function().unwrap().0 {
            "write" => Response::error(stub.put_state("key", large).unwrap_err().code()),
            _ => Response::success(large),
        }
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &["answer"]).await;
    assert_eq!(peer.failed("t1").await, "response and event have more than 100 MiB");
    peer.begin("t2", &["write"]).await;
    assert_eq!(peer.completed().await, Response::error("LEDGER_INVALID_ARGUMENT"));
}
