//! What a peer says, in order, each message behind its length.

use fabric_protos::{
    common,
    peer::{self, ChaincodeMessage, chaincode_message::Type},
    prost::Message,
};
use sillok_shim::composite_key;

use super::{Result, write};

/// Streams that get further and further.
pub(super) fn write_streams() -> Result {
    let offer = peer::ChaincodeAdditionalParams {
        use_write_batch: true,
        max_size_write_batch: 1000,
        use_get_multiple_keys: true,
        max_size_get_multiple_keys: 0,
    };
    let begun = vec![said(Type::Registered, vec![]), said(Type::Ready, offer.encode_to_vec())];
    let transaction = |proposal| ChaincodeMessage { proposal, ..said(Type::Transaction, input()) };
    let streams = [
        ("keepalive", vec![said(Type::Keepalive, vec![]), said(Type::Transaction, vec![])]),
        ("init", [begun.clone(), vec![said(Type::Init, input())]].concat()),
        ("transaction", [begun.clone(), vec![transaction(Some(proposal()))]].concat()),
        (
            "answers",
            [begun.clone(), vec![said(Type::Response, b"value".to_vec()), said(Type::Error, vec![])]]
                .concat(),
        ),
        ("unexpected", [begun, vec![said(Type::GetState, vec![])]].concat()),
    ];
    for (name, messages) in streams {
        let bytes: Vec<_> = messages.iter().flat_map(Message::encode_length_delimited_to_vec).collect();
        write(&format!("seeds/chaincode_message/{name}"), bytes)?;
    }
    write("seeds/chaincode_message/composite-key", composite_key::join("entry", &["학교-1", "42"])?)
}

fn said(kind: Type, payload: Vec<u8>) -> ChaincodeMessage {
    ChaincodeMessage {
        r#type: kind.into(),
        payload: payload.into(),
        txid: "5f1c".into(),
        channel_id: "records".into(),
        ..Default::default()
    }
}

fn input() -> Vec<u8> {
    let args = vec!["GetHead".into(), "\0entry\0school-1\0".into()];
    let decorations = [("decoration".to_owned(), "value".into())].into();
    peer::ChaincodeInput { args, decorations, is_init: false }.encode_to_vec()
}

fn proposal() -> peer::SignedProposal {
    let channel = common::ChannelHeader {
        r#type: common::HeaderType::EndorserTransaction.into(),
        channel_id: "records".into(),
        tx_id: "5f1c".into(),
        ..Default::default()
    };
    let signature = common::SignatureHeader { creator: "creator".into(), nonce: "nonce".into() };
    let header = common::Header {
        channel_header: channel.encode_to_vec().into(),
        signature_header: signature.encode_to_vec().into(),
    };
    let payload = peer::ChaincodeProposalPayload {
        input: input().into(),
        transient_map: [("body".to_owned(), "value".into())].into(),
    };
    let proposal = peer::Proposal {
        header: header.encode_to_vec().into(),
        payload: payload.encode_to_vec().into(),
        ..Default::default()
    };
    peer::SignedProposal { proposal_bytes: proposal.encode_to_vec().into(), signature: "signature".into() }
}
