//! How a stream begins, and what ends it.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod peer;

use fabric_protos::peer::{
    ChaincodeAdditionalParams, ChaincodeId, ChaincodeMessage, chaincode_message::Type,
};
use peer::{
    CHAINCODE_ID, FakePeer, LARGEST_MESSAGE, channel, message, patiently, start, transaction_message,
};
use prost::bytes::{Buf, BufMut, Bytes};
use sillok_shim::{Response, Stub};
use tonic::{
    Code, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

fn echo(stub: &Stub) -> Response {
    stub.function().map_or_else(
        |error| Response::error(error.to_string()),
        |(name, _)| Response::success(name.to_owned()),
    )
}

#[tokio::test]
async fn a_chaincode_registers_by_its_package_id() {
    let server = start(echo).await;
    let mut peer = FakePeer::connect(&server).await;
    let (_, id) = peer.expect_call::<ChaincodeId>(Type::Register).await;
    assert_eq!(id.name, CHAINCODE_ID);
}

#[tokio::test]
async fn a_ready_stream_runs_transactions() {
    let server = start(echo).await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &["hello"]).await;
    assert_eq!(peer.completed().await, Response::success("hello"));
}

#[tokio::test]
async fn keepalive_is_answered_at_any_time() {
    let server = start(echo).await;
    let mut peer = FakePeer::connect(&server).await;
    peer.expect(Type::Register).await;
    peer.settle().await;
    peer.send(message(Type::Registered, Bytes::new())).await;
    peer.settle().await;
    peer.send(message(Type::Ready, Bytes::new())).await;
    peer.settle().await;
    peer.begin("t1", &["hello"]).await;
    peer.completed().await;
}

#[tokio::test]
async fn a_transaction_before_ready_closes_the_stream() {
    let server = start(echo).await;
    for registered in [false, true] {
        let mut peer = FakePeer::connect(&server).await;
        peer.expect(Type::Register).await;
        if registered {
            peer.send(message(Type::Registered, Bytes::new())).await;
        }
        peer.begin("t1", &["hello"]).await;
        let reason = peer.failed("t1").await;
        assert!(reason.contains("cannot take TRANSACTION"), "{reason}");
        assert_eq!(peer.expect_end().await.unwrap_err().code(), Code::FailedPrecondition);
    }
    peer_works(&server).await;
}

#[tokio::test]
async fn a_malformed_ready_closes_the_stream() {
    let server = start(echo).await;
    let mut peer = FakePeer::connect(&server).await;
    peer.expect(Type::Register).await;
    peer.send(message(Type::Registered, Bytes::new())).await;
    peer.send(message(Type::Ready, vec![0xff; 9])).await;
    assert!(peer.failed("").await.contains("READY is malformed"));
    assert_eq!(peer.expect_end().await.unwrap_err().code(), Code::FailedPrecondition);
    peer_works(&server).await;
}

#[tokio::test]
async fn what_no_peer_sends_is_an_error_and_the_stream_goes_on() {
    let server = start(echo).await;
    let mut peer = FakePeer::ready(&server).await;
    for number in [0, 1, 2, 4, 6, 8, 12, 24, 25, 26, 4711, -1, i32::MAX] {
        peer.send(ChaincodeMessage { r#type: number, txid: "t0".into(), ..Default::default() }).await;
        let reason = peer.failed("t0").await;
        assert!(reason.contains("cannot take"), "{number}: {reason}");
    }
    peer.begin("t1", &["hello"]).await;
    assert_eq!(peer.completed().await, Response::success("hello"));
}

#[tokio::test]
async fn answers_and_errors_for_no_transaction_are_dropped() {
    let server = start(echo).await;
    let mut peer = FakePeer::ready(&server).await;
    for kind in [Type::Response, Type::Error] {
        let stray = transaction_message(kind, "nobody", &[]);
        peer.send(stray).await;
    }
    peer.begin("t1", &["hello"]).await;
    assert_eq!(peer.completed().await, Response::success("hello"));
}

#[tokio::test]
async fn malformed_transactions_are_errors_and_the_stream_goes_on() {
    let server = start(echo).await;
    let mut peer = FakePeer::ready(&server).await;
    let whole = transaction_message(Type::Transaction, "t1", &["hello"]);

    let garbage = ChaincodeMessage { payload: Bytes::from_static(b"\xff\xff"), ..whole.clone() };
    peer.send(garbage).await;
    assert!(peer.failed("t1").await.contains("ChaincodeInput is malformed"));

    let mut signed = whole.proposal.clone().unwrap();
    signed.proposal_bytes = Bytes::from_static(b"\x0a\xff");
    peer.send(ChaincodeMessage { proposal: Some(signed.clone()), ..whole.clone() }).await;
    assert!(peer.failed("t1").await.contains("Proposal is malformed"));

    signed.proposal_bytes = Bytes::new();
    peer.send(ChaincodeMessage { proposal: Some(signed), ..whole.clone() }).await;
    assert!(peer.failed("t1").await.contains("type 0"));

    peer.send(whole).await;
    assert_eq!(peer.completed().await, Response::success("hello"));
}

#[tokio::test]
async fn two_peers_are_served_at_once() {
    let server = start(echo).await;
    let mut one = FakePeer::ready(&server).await;
    let mut other = FakePeer::ready_with(&server, ChaincodeAdditionalParams::default()).await;
    one.begin("same", &["one"]).await;
    other.begin("same", &["other"]).await;
    assert_eq!(other.completed().await, Response::success("other"));
    assert_eq!(one.completed().await, Response::success("one"));
}

#[tokio::test]
async fn a_message_above_the_limit_ends_its_stream_alone() {
    let server = start(echo).await;
    let mut peer = FakePeer::ready(&server).await;
    peer.send(message(Type::Transaction, vec![7; LARGEST_MESSAGE])).await;
    assert_eq!(peer.expect_end().await.unwrap_err().code(), Code::OutOfRange);
    peer_works(&server).await;
}

#[tokio::test]
async fn bytes_that_are_no_message_end_their_stream_alone() {
    let server = start(echo).await;
    let mut bystander = FakePeer::ready(&server).await;
    for garbage in [&b"\xff"[..], b"\x08", b"\x22\x7fshort", b"\x22\x02\xc3\x28", &[0x80; 64]] {
        let mut grpc = tonic::client::Grpc::new(channel(&server).await);
        grpc.ready().await.unwrap();
        let request = tonic::Request::new(tokio_stream::iter([Bytes::copy_from_slice(garbage)]));
        let path = "/protos.Chaincode/Connect".parse().unwrap();
        let mut answers = patiently(grpc.streaming(request, path, Raw)).await.unwrap().into_inner();
        let ended = loop {
            match patiently(answers.message()).await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream ended as if nothing had happened"),
                Err(status) => break status,
            }
        };
        assert_eq!(ended.code(), Code::Internal, "{ended}");
    }
    bystander.begin("t1", &["hello"]).await;
    assert_eq!(bystander.completed().await, Response::success("hello"));
}

async fn peer_works(server: &peer::Running) {
    let mut peer = FakePeer::ready(server).await;
    peer.begin("t9", &["hello"]).await;
    assert_eq!(peer.completed().await, Response::success("hello"));
}

/// Messages as the bytes they are.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}
