//! Pins field numbers and wire types: each message is compared with bytes written out by hand.

use fabric_protos::prost::{Message, bytes::Bytes};
use fabric_protos::{common, gateway, kvrwset, msp, orderer, peer, queryresult, rwset};

/// A length-delimited field of less than 128 bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(content.len()).expect("a short field")], content].concat()
}

/// A varint field whose value is less than 128.
fn varint(number: u8, value: u8) -> Vec<u8> {
    vec![number << 3, value]
}

#[test]
fn chaincode_message_has_fabrics_fields() {
    let message = peer::ChaincodeMessage {
        r#type: peer::chaincode_message::Type::GetStateMultiple.into(),
        timestamp: Some(prost_types::Timestamp { seconds: 1, nanos: 2 }),
        payload: Bytes::from_static(b"p"),
        txid: "t".into(),
        proposal: Some(peer::SignedProposal {
            proposal_bytes: Bytes::from_static(b"b"),
            signature: Bytes::from_static(b"s"),
        }),
        chaincode_event: Some(peer::ChaincodeEvent {
            chaincode_id: "i".into(),
            tx_id: "t".into(),
            event_name: "n".into(),
            payload: Bytes::from_static(b"p"),
        }),
        channel_id: "c".into(),
    };
    let expected = [
        varint(1, 25),
        field(2, &[8, 1, 16, 2]),
        field(3, b"p"),
        field(4, b"t"),
        field(5, &[field(1, b"b"), field(2, b"s")].concat()),
        field(6, &[field(1, b"i"), field(2, b"t"), field(3, b"n"), field(4, b"p")].concat()),
        field(7, b"c"),
    ]
    .concat();
    assert_eq!(message.encode_to_vec(), expected);
}

#[test]
fn message_types_have_fabrics_numbers() {
    use peer::chaincode_message::Type;
    let numbered = [
        (Type::Register, 1),
        (Type::Registered, 2),
        (Type::Init, 3),
        (Type::Ready, 4),
        (Type::Transaction, 5),
        (Type::Completed, 6),
        (Type::Error, 7),
        (Type::GetState, 8),
        (Type::PutState, 9),
        (Type::DelState, 10),
        (Type::InvokeChaincode, 11),
        (Type::Response, 13),
        (Type::GetStateByRange, 14),
        (Type::GetQueryResult, 15),
        (Type::QueryStateNext, 16),
        (Type::QueryStateClose, 17),
        (Type::Keepalive, 18),
        (Type::GetHistoryForKey, 19),
        (Type::GetStateMetadata, 20),
        (Type::PutStateMetadata, 21),
        (Type::GetPrivateDataHash, 22),
        (Type::PurgePrivateData, 23),
        (Type::WriteBatchState, 24),
        (Type::GetStateMultiple, 25),
    ];
    for (kind, number) in numbered {
        assert_eq!(kind as i32, number, "{kind:?}");
    }
}

#[test]
fn state_writes_have_fabrics_fields() {
    let metadata = peer::StateMetadata { metakey: "m".into(), value: Bytes::from_static(b"v") };
    let record = peer::WriteRecord {
        key: "k".into(),
        value: Bytes::from_static(b"v"),
        collection: "c".into(),
        metadata: Some(metadata.clone()),
        r#type: peer::write_record::Type::PurgePrivateData.into(),
    };
    let metadata_bytes = [field(1, b"m"), field(2, b"v")].concat();
    let expected =
        [field(1, b"k"), field(2, b"v"), field(3, b"c"), field(4, &metadata_bytes), varint(5, 23)].concat();
    assert_eq!(peer::WriteBatchState { rec: vec![record] }.encode_to_vec(), field(1, &expected));

    let put = peer::PutStateMetadata { key: "k".into(), collection: "c".into(), metadata: Some(metadata) };
    let expected = [field(1, b"k"), field(3, b"c"), field(4, &metadata_bytes)].concat();
    assert_eq!(put.encode_to_vec(), expected);
}

#[test]
fn queries_have_fabrics_fields() {
    let range = peer::GetStateByRange {
        start_key: "a".into(),
        end_key: "b".into(),
        collection: "c".into(),
        metadata: peer::QueryMetadata { page_size: 3, bookmark: "m".into() }.encode_to_vec().into(),
    };
    let page = [varint(1, 3), field(2, b"m")].concat();
    let expected = [field(1, b"a"), field(2, b"b"), field(3, b"c"), field(4, &page)].concat();
    assert_eq!(range.encode_to_vec(), expected);

    let answer = peer::QueryResponse {
        results: vec![peer::QueryResultBytes { result_bytes: Bytes::from_static(b"r") }],
        has_more: true,
        id: "i".into(),
        metadata: Bytes::from_static(b"m"),
    };
    let expected = [field(1, &field(1, b"r")), varint(2, 1), field(3, b"i"), field(4, b"m")].concat();
    assert_eq!(answer.encode_to_vec(), expected);

    let result = queryresult::Kv { namespace: "n".into(), key: "k".into(), value: Bytes::from_static(b"v") };
    assert_eq!(result.encode_to_vec(), [field(1, b"n"), field(2, b"k"), field(3, b"v")].concat());
}

#[test]
fn endorsed_transactions_have_fabrics_fields() {
    let response = peer::Response { status: 100, message: "m".into(), payload: Bytes::from_static(b"p") };
    let response_bytes = [varint(1, 100), field(2, b"m"), field(3, b"p")].concat();
    let action = peer::ChaincodeAction {
        results: Bytes::from_static(b"r"),
        events: Bytes::from_static(b"e"),
        response: Some(response.clone()),
        chaincode_id: Some(peer::ChaincodeId { path: "p".into(), name: "n".into(), version: "v".into() }),
    };
    let id = [field(1, b"p"), field(2, b"n"), field(3, b"v")].concat();
    let expected = [field(1, b"r"), field(2, b"e"), field(3, &response_bytes), field(4, &id)].concat();
    assert_eq!(action.encode_to_vec(), expected);

    let proposal_response = peer::ProposalResponse {
        version: 1,
        timestamp: None,
        response: Some(response),
        payload: Bytes::from_static(b"p"),
        endorsement: Some(peer::Endorsement {
            endorser: Bytes::from_static(b"e"),
            signature: Bytes::from_static(b"s"),
        }),
    };
    let endorsement = [field(1, b"e"), field(2, b"s")].concat();
    let expected = [varint(1, 1), field(4, &response_bytes), field(5, b"p"), field(6, &endorsement)].concat();
    assert_eq!(proposal_response.encode_to_vec(), expected);
}

#[test]
fn envelopes_and_identities_have_fabrics_fields() {
    let header = common::ChannelHeader {
        r#type: common::HeaderType::EndorserTransaction.into(),
        version: 1,
        timestamp: None,
        channel_id: "c".into(),
        tx_id: "t".into(),
        epoch: 6,
        extension: Bytes::from_static(b"e"),
        tls_cert_hash: Bytes::from_static(b"h"),
    };
    let expected = [
        varint(1, 3),
        varint(2, 1),
        field(4, b"c"),
        field(5, b"t"),
        varint(6, 6),
        field(7, b"e"),
        field(8, b"h"),
    ]
    .concat();
    assert_eq!(header.encode_to_vec(), expected);

    let identity = msp::SerializedIdentity { mspid: "M".into(), id_bytes: Bytes::from_static(b"x") };
    assert_eq!(identity.encode_to_vec(), [field(1, b"M"), field(2, b"x")].concat());
}

#[test]
fn gateway_requests_have_fabrics_fields() {
    use orderer::{SeekNextCommit, SeekPosition, seek_position::Type};
    let request = gateway::ChaincodeEventsRequest {
        channel_id: "c".into(),
        chaincode_id: "n".into(),
        identity: Bytes::from_static(b"i"),
        start_position: Some(SeekPosition { r#type: Some(Type::NextCommit(SeekNextCommit {})) }),
        after_transaction_id: "t".into(),
    };
    let expected =
        [field(1, b"c"), field(2, b"n"), field(3, b"i"), field(4, &field(4, b"")), field(5, b"t")].concat();
    assert_eq!(request.encode_to_vec(), expected);

    let status = gateway::CommitStatusResponse {
        result: peer::TxValidationCode::MvccReadConflict.into(),
        block_number: 7,
    };
    assert_eq!(status.encode_to_vec(), [varint(1, 11), varint(2, 7)].concat());
    let prepared = gateway::PreparedTransaction {
        transaction_id: "t".into(),
        envelope: Some(common::Envelope {
            payload: Bytes::from_static(b"p"),
            signature: Bytes::from_static(b"s"),
        }),
    };
    let envelope = [field(1, b"p"), field(2, b"s")].concat();
    assert_eq!(prepared.encode_to_vec(), [field(1, b"t"), field(2, &envelope)].concat());
}

#[test]
fn write_sets_have_fabrics_fields() {
    let collection = rwset::CollectionHashedReadWriteSet {
        collection_name: "c".into(),
        hashed_rwset: Bytes::from_static(b"r"),
        pvt_rwset_hash: Bytes::from_static(b"h"),
    };
    let set = rwset::TxReadWriteSet {
        data_model: rwset::tx_read_write_set::DataModel::Kv.into(),
        ns_rwset: vec![rwset::NsReadWriteSet {
            namespace: "n".into(),
            rwset: Bytes::from_static(b"w"),
            collection_hashed_rwset: vec![collection],
        }],
    };
    let hashed = [field(1, b"c"), field(2, b"r"), field(3, b"h")].concat();
    let namespace = [field(1, b"n"), field(2, b"w"), field(3, &hashed)].concat();
    assert_eq!(set.encode_to_vec(), field(2, &namespace));

    let writes = kvrwset::HashedRwSet {
        hashed_reads: vec![],
        hashed_writes: vec![kvrwset::KvWriteHash {
            key_hash: Bytes::from_static(b"k"),
            is_delete: true,
            value_hash: Bytes::from_static(b"v"),
            is_purge: true,
        }],
        metadata_writes: vec![],
    };
    let write = [field(1, b"k"), varint(2, 1), field(3, b"v"), varint(4, 1)].concat();
    assert_eq!(writes.encode_to_vec(), field(2, &write));
}

#[test]
fn services_have_fabrics_paths() {
    assert_eq!(peer::chaincode_server::SERVICE_NAME, "protos.Chaincode");
    assert_eq!(peer::chaincode_support_server::SERVICE_NAME, "protos.ChaincodeSupport");
    assert_eq!(gateway::gateway_server::SERVICE_NAME, "gateway.Gateway");
}
