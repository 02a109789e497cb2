//! The contract's ledger on a peer: what each of its calls becomes, and what the contract answers through it.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../shim/tests/peer/mod.rs"]
mod peer;

use std::time::Duration;

use fabric_protos::{
    peer::{
        ChaincodeAdditionalParams, ChaincodeMessage, GetStateByRange, GetStateMultiple,
        GetStateMultipleResult, QueryResponse, QueryResponseMetadata, QueryResultBytes, WriteBatchState,
        chaincode_message::Type,
    },
    queryresult,
};
use peer::{FakePeer, start, start_limited, transaction_message};
use prost::{Message, bytes::Bytes};
use sillok_chaincode::{contract::Contract, ledger::PeerLedger};
use sillok_contract::{Code, Ledger, Refusal};
use sillok_shim::{Chaincode, Limits, Response, Stub};

/// Runs `calls` on a transaction's ledger, and answers with what comes of them.
fn on_ledger<T: std::fmt::Debug>(
    stub: &Stub,
    calls: impl FnOnce(&mut dyn Ledger) -> Result<T, Refusal>,
) -> Response {
    let result = PeerLedger::new(stub).and_then(|mut ledger| calls(&mut ledger));
    result.map_or_else(
        |refusal| Response::error(refusal.code.as_str()),
        |value| Response::success(format!("{value:?}")),
    )
}

#[tokio::test]
async fn a_transaction_is_told_as_the_contract_reads_it() {
    let server = start(|stub: &Stub| {
        on_ledger(stub, |ledger| {
            let creator = ledger.creator()?;
            assert_eq!((creator.msp.as_str(), &creator.certificate[..]), ("OfficeMSP", &b"an educator"[..]));
            assert_eq!(ledger.transaction_id(), "t1");
            assert_eq!(ledger.timestamp(), 1_700_000_000_000_000);
            assert_eq!(ledger.transient("body").unwrap(), b"secret");
            Ok("as it should be")
        })
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    assert_eq!(peer.completed().await, Response::success("\"as it should be\""));
}

#[tokio::test]
async fn reads_go_to_the_peer() {
    let server = start(|stub: &Stub| {
        on_ledger(stub, |ledger| {
            let one = ledger.get("a")?;
            let many = ledger.get_many(&["a".into(), "b".into()])?;
            let page = ledger.range("a", "c", 5, "b")?;
            let private = (ledger.private_get("bodies", "a")?, ledger.private_hash("bodies", "a")?);
            Ok((one, many, page.entries, page.bookmark, private))
        })
    })
    .await;
    let offer = ChaincodeAdditionalParams { use_get_multiple_keys: true, ..Default::default() };
    let mut peer = FakePeer::ready_with(&server, offer).await;
    peer.begin("t1", &[]).await;
    let call = peer.expect(Type::GetState).await;
    peer.answer(&call, "1").await;
    let (call, request) = peer.expect_call::<GetStateMultiple>(Type::GetStateMultiple).await;
    assert_eq!(request.keys, ["a", "b"]);
    let values = vec!["1".into(), Bytes::new()];
    peer.answer(&call, GetStateMultipleResult { values }.encode_to_vec()).await;
    let (call, request) = peer.expect_call::<GetStateByRange>(Type::GetStateByRange).await;
    assert_eq!((request.start_key.as_str(), request.end_key.as_str()), ("a", "c"));
    peer.answer(&call, page("b", "2", "next")).await;
    for (kind, value) in [(Type::GetState, "3"), (Type::GetPrivateDataHash, "4")] {
        let call = peer.expect(kind).await;
        peer.answer(&call, value).await;
    }
    let expected = r#"(Some([49]), [Some([49]), None], [("b", [50])], "next", (Some([51]), Some([52])))"#;
    assert_eq!(peer.completed().await, Response::success(expected));
}

fn page(key: &str, value: &'static str, bookmark: &str) -> Vec<u8> {
    let found = queryresult::Kv { key: key.into(), value: value.into(), ..Default::default() };
    let metadata = QueryResponseMetadata { fetched_records_count: 1, bookmark: bookmark.into() };
    QueryResponse {
        results: vec![QueryResultBytes { result_bytes: found.encode_to_vec().into() }],
        metadata: metadata.encode_to_vec().into(),
        ..Default::default()
    }
    .encode_to_vec()
}

#[tokio::test]
async fn writes_go_to_the_peer_with_the_event() {
    let server = start(|stub: &Stub| {
        on_ledger(stub, |ledger| {
            ledger.put("a", b"1".to_vec())?;
            ledger.delete("b")?;
            ledger.private_put("bodies", "c", b"3".to_vec())?;
            ledger.private_purge("bodies", "d")?;
            ledger.set_event("recorded", b"e".to_vec())
        })
    })
    .await;
    let offer = ChaincodeAdditionalParams { use_write_batch: true, ..Default::default() };
    let mut peer = FakePeer::ready_with(&server, offer).await;
    peer.begin("t1", &[]).await;
    let (call, batch) = peer.expect_call::<WriteBatchState>(Type::WriteBatchState).await;
    let written: Vec<_> = batch
        .rec
        .iter()
        .map(|it| (it.r#type().as_str_name(), it.collection.as_str(), it.key.as_str()))
        .collect();
    let expected = [
        ("PUT_STATE", "", "a"),
        ("DEL_STATE", "", "b"),
        ("PUT_STATE", "bodies", "c"),
        ("PURGE_PRIVATE_DATA", "bodies", "d"),
    ];
    assert_eq!(written, expected);
    peer.answer(&call, "").await;
    assert_eq!(peer.expect(Type::Completed).await.chaincode_event.unwrap().event_name, "recorded");
}

#[tokio::test]
async fn failures_of_the_ledger_are_told_apart_from_the_callers() {
    let limits = Limits { call_timeout: Duration::from_millis(100), ..Limits::default() };
    let server = start_limited(limits, |stub: &Stub| {
        let code = |result: Result<(), Refusal>| result.unwrap_err().code;
        on_ledger(stub, |ledger| {
            assert_eq!(code(ledger.put("", b"1".to_vec())), Code::ArgumentMalformed);
            assert_eq!(code(ledger.get("never answered").map(drop)), Code::LedgerUnavailable);
            Ok(())
        })
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    let bare = transaction_message(Type::Transaction, "t0", &[]);
    peer.send(ChaincodeMessage { proposal: None, ..bare }).await;
    assert_eq!(peer.completed().await, Response::error("argument.malformed"));
    peer.begin("t1", &[]).await;
    peer.expect(Type::GetState).await;
    assert!(peer.failed("t1").await.contains("did not answer"));
}

#[tokio::test]
async fn a_refusal_reaches_the_client_as_json() {
    let server = start(|stub: &Stub| Contract.invoke(stub)).await;
    let mut peer = FakePeer::ready(&server).await;
    for (arguments, code) in
        [(&[][..], Code::ArgumentMalformed), (&["NoSuchFunction"], Code::FunctionUnknown)]
    {
        peer.begin("t1", arguments).await;
        let response = peer.completed().await;
        assert_eq!(response.status, Response::ERROR);
        assert_eq!(Refusal::from_message(&response.message).unwrap().code, code);
    }
}
