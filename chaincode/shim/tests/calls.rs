//! Every call of the ledger: what goes to the peer, and what its answer becomes.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod peer;

use fabric_protos::{
    peer::{
        ChaincodeAdditionalParams, ChaincodeMessage, ChaincodeSpec, GetHistoryForKey, GetQueryResult,
        GetState, GetStateByRange, GetStateMetadata, GetStateMultiple, GetStateMultipleResult, QueryMetadata,
        QueryResponse, QueryResponseMetadata, QueryResultBytes, QueryStateClose, QueryStateNext,
        Response as PeerResponse, StateMetadata, StateMetadataResult, chaincode_message::Type,
    },
    queryresult,
};
use peer::{FakePeer, reply, start, transaction_message};
use prost::{Message, bytes::Bytes};
use sillok_shim::{Identity, KeyValue, LedgerError, Page, Response, Stub, Timestamp};

/// Runs a call, and answers with what came of it.
fn report<T: std::fmt::Debug>(result: Result<T, LedgerError>) -> Response {
    result.map_or_else(|error| Response::error(error.code()), |value| Response::success(format!("{value:?}")))
}

fn pair(key: &str, value: &'static str) -> QueryResultBytes {
    let found = queryresult::Kv { namespace: "records".into(), key: key.into(), value: value.into() };
    QueryResultBytes { result_bytes: found.encode_to_vec().into() }
}

fn results(results: Vec<QueryResultBytes>, has_more: bool) -> Vec<u8> {
    QueryResponse { results, has_more, id: "iterator".into(), metadata: Bytes::new() }.encode_to_vec()
}

fn key_values(found: sillok_shim::StateIterator<'_>) -> Result<Vec<(String, Bytes)>, LedgerError> {
    found.map(|found| found.map(|KeyValue { key, value }| (key, value))).collect()
}

#[tokio::test]
async fn a_transaction_knows_what_it_is() {
    let server = start(|stub: &Stub| {
        assert_eq!((stub.transaction_id(), stub.channel_id()), ("t1", "records"));
        assert_eq!(stub.arguments(), ["f", "a", "b"]);
        assert_eq!(stub.function().unwrap(), ("f", &[Bytes::from("a"), Bytes::from("b")][..]));
        assert_eq!(stub.creator().unwrap(), &peer::creator().encode_to_vec());
        let identity = Identity { msp_id: "OfficeMSP".into(), certificate: "an educator".into() };
        assert_eq!(stub.identity().unwrap(), identity);
        assert_eq!(stub.timestamp().unwrap(), Timestamp { seconds: 1_700_000_000, nanos: 5 });
        assert_eq!(stub.transient("body").unwrap(), "secret");
        assert_eq!((stub.transient("other"), stub.transient_map().len()), (None, 1));
        assert_eq!(stub.signed_proposal().unwrap().signature, "signed");
        Response::success("as it should be")
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &["f", "a", "b"]).await;
    assert_eq!(peer.completed().await, Response::success("as it should be"));
}

#[tokio::test]
async fn a_transaction_without_proposal_has_no_creator() {
    let server = start(|stub: &Stub| {
        assert_eq!(stub.creator().unwrap_err().code(), "LEDGER_ABSENT");
        assert_eq!(stub.identity().unwrap_err().code(), "LEDGER_ABSENT");
        assert_eq!(stub.timestamp().unwrap_err().code(), "LEDGER_ABSENT");
        assert_eq!(stub.function().unwrap_err().code(), "LEDGER_INVALID_ARGUMENT");
        assert!(stub.transient_map().is_empty() && stub.signed_proposal().is_none());
        Response::success("as it should be")
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    let bare = transaction_message(Type::Transaction, "t1", &[]);
    peer.send(ChaincodeMessage { proposal: None, ..bare }).await;
    assert_eq!(peer.completed().await, Response::success("as it should be"));
}

#[tokio::test]
async fn reads_tell_absent_from_present() {
    let server = start(|stub: &Stub| report(stub.get_state("key"))).await;
    let mut peer = FakePeer::ready(&server).await;
    for (value, expected) in [("", "None"), ("value", "Some(b\"value\")")] {
        peer.begin("t1", &[]).await;
        let (call, request) = peer.expect_call::<GetState>(Type::GetState).await;
        assert_eq!((call.txid.as_str(), call.channel_id.as_str()), ("t1", "records"));
        assert_eq!(request, GetState { key: "key".into(), collection: String::new() });
        peer.answer(&call, value).await;
        assert_eq!(peer.completed().await, Response::success(expected));
    }
}

#[tokio::test]
async fn several_keys_go_in_as_few_messages_as_the_peer_allows() {
    let server = start(|stub: &Stub| report(stub.get_states(&["a", "b", "c"]))).await;
    let offer = ChaincodeAdditionalParams {
        use_get_multiple_keys: true,
        max_size_get_multiple_keys: 2,
        ..Default::default()
    };
    let mut peer = FakePeer::ready_with(&server, offer).await;
    peer.begin("t1", &[]).await;
    for (keys, values) in [(vec!["a", "b"], vec!["1", ""]), (vec!["c"], vec!["3"])] {
        let (call, request) = peer.expect_call::<GetStateMultiple>(Type::GetStateMultiple).await;
        assert_eq!(request.keys, keys);
        let values = values.into_iter().map(Bytes::from).collect();
        peer.answer(&call, GetStateMultipleResult { values }.encode_to_vec()).await;
    }
    assert_eq!(peer.completed().await, Response::success("[Some(b\"1\"), None, Some(b\"3\")]"));
}

#[tokio::test]
async fn several_keys_go_one_by_one_where_the_peer_offers_nothing() {
    let server = start(|stub: &Stub| report(stub.get_states(&["a", "b"]))).await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    for key in ["a", "b"] {
        let (call, request) = peer.expect_call::<GetState>(Type::GetState).await;
        assert_eq!(request.key, key);
        peer.answer(&call, key.to_owned()).await;
    }
    assert_eq!(peer.completed().await, Response::success("[Some(b\"a\"), Some(b\"b\")]"));
}

#[tokio::test]
async fn a_range_is_fetched_to_its_end() {
    let server = start(|stub: &Stub| report(stub.get_state_by_range("", "z").and_then(key_values))).await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    let (call, request) = peer.expect_call::<GetStateByRange>(Type::GetStateByRange).await;
    assert_eq!((request.start_key.as_str(), request.end_key.as_str()), ("\u{1}", "z"));
    assert!(request.metadata.is_empty());
    peer.answer(&call, results(vec![pair("a", "1"), pair("b", "2")], true)).await;
    let (call, request) = peer.expect_call::<QueryStateNext>(Type::QueryStateNext).await;
    assert_eq!(request.id, "iterator");
    peer.answer(&call, results(vec![pair("c", "3")], false)).await;
    let expected = r#"[("a", b"1"), ("b", b"2"), ("c", b"3")]"#;
    assert_eq!(peer.completed().await, Response::success(expected));
}

#[tokio::test]
async fn a_range_left_early_is_closed() {
    let server = start(|stub: &Stub| {
        let first = stub.get_state_by_range("a", "z").map(|mut found| found.next().unwrap().unwrap().key);
        report(first)
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    let call = peer.expect(Type::GetStateByRange).await;
    peer.answer(&call, results(vec![pair("a", "1")], true)).await;
    let (call, request) = peer.expect_call::<QueryStateClose>(Type::QueryStateClose).await;
    assert_eq!(request.id, "iterator");
    peer.answer(&call, results(vec![], false)).await;
    assert_eq!(peer.completed().await, Response::success("\"a\""));
}

#[tokio::test]
async fn calls_may_go_between_the_results_of_a_range() {
    let server = start(|stub: &Stub| {
        let found = stub.get_state_by_range("a", "z").unwrap();
        let values = found.map(|found| stub.get_state(&found?.key)).collect::<Result<Vec<_>, _>>();
        report(values)
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    let call = peer.expect(Type::GetStateByRange).await;
    peer.answer(&call, results(vec![pair("a", "1")], true)).await;
    let call = peer.expect(Type::GetState).await;
    peer.answer(&call, "x").await;
    let call = peer.expect(Type::QueryStateNext).await;
    peer.answer(&call, results(vec![], false)).await;
    assert_eq!(peer.completed().await, Response::success("[Some(b\"x\")]"));
}

#[tokio::test]
async fn pages_carry_size_and_bookmark() {
    let server = start(|stub: &Stub| {
        report(stub.get_state_by_partial_composite_key_page("entry", &["school"], 2, "from here"))
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    let (call, request) = peer.expect_call::<GetStateByRange>(Type::GetStateByRange).await;
    assert_eq!(request.start_key, "\u{0}entry\u{0}school\u{0}");
    assert_eq!(request.end_key, "\u{0}entry\u{0}school\u{0}\u{10ffff}");
    let page = QueryMetadata::decode(request.metadata).unwrap();
    assert_eq!(page, QueryMetadata { page_size: 2, bookmark: "from here".into() });
    let metadata = QueryResponseMetadata { fetched_records_count: 1, bookmark: "next".into() };
    let answer = QueryResponse {
        results: vec![pair("a", "1")],
        has_more: false,
        id: "iterator".into(),
        metadata: metadata.encode_to_vec().into(),
    };
    peer.answer(&call, answer.encode_to_vec()).await;
    let results = vec![KeyValue { key: "a".into(), value: "1".into() }];
    let expected = Page { results, bookmark: "next".into() };
    assert_eq!(peer.completed().await, Response::success(format!("{expected:?}")));
}

#[tokio::test]
async fn rich_queries_pass_through() {
    let server = start(|stub: &Stub| {
        let public = stub.get_query_result("{public}").and_then(key_values).unwrap();
        let private =
            stub.private_data("bodies").and_then(|it| it.get_query_result("{private}")).and_then(key_values);
        report(private.map(|private| (public, private)))
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    for (query, collection) in [("{public}", ""), ("{private}", "bodies")] {
        let (call, request) = peer.expect_call::<GetQueryResult>(Type::GetQueryResult).await;
        assert_eq!((request.query.as_str(), request.collection.as_str()), (query, collection));
        peer.answer(&call, results(vec![pair("a", "1")], false)).await;
    }
    assert_eq!(peer.completed().await, Response::success(r#"([("a", b"1")], [("a", b"1")])"#));
}

#[tokio::test]
async fn history_tells_writes_from_deletions() {
    let server = start(|stub: &Stub| {
        let changes = stub.get_history_for_key("key").unwrap();
        report(changes.map(|it| it.map(|it| (it.transaction_id, it.value))).collect::<Result<Vec<_>, _>>())
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    let (call, request) = peer.expect_call::<GetHistoryForKey>(Type::GetHistoryForKey).await;
    assert_eq!(request.key, "key");
    let change = |tx_id: &str, value: &'static str, is_delete| {
        let change = queryresult::KeyModification {
            tx_id: tx_id.into(),
            value: value.into(),
            timestamp: None,
            is_delete,
        };
        QueryResultBytes { result_bytes: change.encode_to_vec().into() }
    };
    peer.answer(&call, results(vec![change("t9", "", true), change("t8", "v", false)], false)).await;
    assert_eq!(peer.completed().await, Response::success(r#"[("t9", None), ("t8", Some(b"v"))]"#));
}

#[tokio::test]
async fn private_data_names_its_collection() {
    let server = start(|stub: &Stub| {
        let bodies = stub.private_data("bodies").unwrap();
        let value = bodies.get("key").unwrap();
        let hash = bodies.hash("key").unwrap();
        let many = bodies.get_many(&["key"]).unwrap();
        let range = bodies.get_by_range("a", "").and_then(key_values).unwrap();
        let partial = bodies.get_by_partial_composite_key("o", &["p"]).and_then(key_values).unwrap();
        report(Ok((value, hash, many, range.len(), partial.len())))
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    for (kind, value) in
        [(Type::GetState, "value"), (Type::GetPrivateDataHash, "hash"), (Type::GetState, "value")]
    {
        let (call, request) = peer.expect_call::<GetState>(kind).await;
        assert_eq!(request, GetState { key: "key".into(), collection: "bodies".into() });
        peer.answer(&call, value).await;
    }
    for (start, end) in [("a", ""), ("\u{0}o\u{0}p\u{0}", "\u{0}o\u{0}p\u{0}\u{10ffff}")] {
        let (call, request) = peer.expect_call::<GetStateByRange>(Type::GetStateByRange).await;
        assert_eq!((request.start_key.as_str(), request.end_key.as_str()), (start, end));
        assert_eq!(request.collection, "bodies");
        peer.answer(&call, results(vec![pair("a", "1")], false)).await;
    }
    let expected = r#"(Some(b"value"), Some(b"hash"), [Some(b"value")], 1, 1)"#;
    assert_eq!(peer.completed().await, Response::success(expected));
}

#[tokio::test]
async fn validation_parameters_are_read_by_name() {
    let server = start(|stub: &Stub| {
        let public = stub.get_state_validation_parameter("key").unwrap();
        let private = stub.private_data("bodies").unwrap().validation_parameter("key").unwrap();
        report(Ok((public, private)))
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    let entry = |metakey: &str| StateMetadata { metakey: metakey.into(), value: "policy".into() };
    for (collection, name) in [("", "VALIDATION_PARAMETER"), ("bodies", "SOMETHING_ELSE")] {
        let (call, request) = peer.expect_call::<GetStateMetadata>(Type::GetStateMetadata).await;
        assert_eq!(request, GetStateMetadata { key: "key".into(), collection: collection.into() });
        peer.answer(&call, StateMetadataResult { entries: vec![entry(name)] }.encode_to_vec()).await;
    }
    assert_eq!(peer.completed().await, Response::success(r#"(Some(b"policy"), None)"#));
}

#[tokio::test]
async fn another_chaincode_can_be_called() {
    let server = start(|stub: &Stub| {
        report(
            stub.invoke_chaincode("other", "elsewhere", vec!["f".into()]).map(|it| (it.status, it.payload)),
        )
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    let response = PeerResponse { status: 404, message: "none".into(), payload: "p".into() };
    let completed = peer::message(Type::Completed, response.encode_to_vec()).encode_to_vec();
    let failed = peer::message(Type::Error, "no").encode_to_vec();
    for (answer, expected) in
        [(completed, Response::success(r#"(404, b"p")"#)), (failed, Response::error("LEDGER_REFUSED"))]
    {
        peer.begin("t1", &[]).await;
        let (call, request) = peer.expect_call::<ChaincodeSpec>(Type::InvokeChaincode).await;
        assert_eq!(request.chaincode_id.unwrap().name, "other/elsewhere");
        assert_eq!(request.input.unwrap().args, ["f"]);
        peer.answer(&call, answer).await;
        assert_eq!(peer.completed().await, expected);
    }
}

#[tokio::test]
async fn what_fabric_would_misread_is_refused_before_it_is_sent() {
    let server = start(|stub: &Stub| {
        let codes = [
            stub.get_state("").map(drop),
            stub.get_states(&["a", ""][1..]).map(drop),
            stub.put_state("", "value"),
            stub.put_state("key", ""),
            stub.delete_state(""),
            stub.set_event("", "payload"),
            stub.get_state_by_range("\u{0}a", "").map(drop),
            stub.get_state_by_range_page("a", "b", 0, "").map(drop),
            stub.get_state_by_range_page("a", "b", u32::MAX, "").map(drop),
            stub.get_state_by_partial_composite_key("a", &["\u{0}"]).map(drop),
            stub.private_data("").map(drop),
            stub.get_query_result("").map(drop),
            stub.invoke_chaincode("", "", vec![]).map(drop),
        ]
        .map(|result| result.unwrap_err().code());
        assert_eq!(codes, ["LEDGER_INVALID_ARGUMENT"; 13]);
        Response::success("nothing was sent")
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    assert_eq!(peer.completed().await, Response::success("nothing was sent"));
}

#[tokio::test]
async fn a_refusal_leaves_the_transaction_to_its_chaincode() {
    let server = start(|stub: &Stub| {
        let error = stub.get_state("key").unwrap_err();
        assert_eq!(error.code(), "LEDGER_REFUSED");
        report(Ok(error.to_string()))
    })
    .await;
    let mut peer = FakePeer::ready(&server).await;
    peer.begin("t1", &[]).await;
    let call = peer.expect(Type::GetState).await;
    peer.send(reply(&call, Type::Error, "no permission")).await;
    let expected = "\"the peer refused GET_STATE: no permission\"";
    assert_eq!(peer.completed().await, Response::success(expected));
}
