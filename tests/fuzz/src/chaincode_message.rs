//! What a peer may send a chaincode: a stream of messages, each behind its length.

use fabric_protos::{
    peer::{ChaincodeMessage, chaincode_message::Type},
    prost::Message,
};
use sillok_shim::{
    composite_key,
    protocol::{Invocation, Session, Step},
};

/// Reads the bytes as a stream of messages, and as a composite key.
pub fn check(stream: &[u8]) {
    let mut rest = stream;
    let (mut session, mut ready) = (Session::start("records:1").0, false);
    while let Ok(message) = ChaincodeMessage::decode_length_delimited(&mut rest) {
        encodes_to_itself(&message);
        decodes_alone(&message);
        let step = session.receive(message.clone());
        ready |= step == Step::Wait && message.r#type() == Type::Ready;
        if !in_order(&message, &step, ready) {
            break;
        }
    }
    if let Ok(key) = std::str::from_utf8(stream) {
        splits_and_joins(key);
    }
}

fn encodes_to_itself(message: &ChaincodeMessage) {
    assert_eq!(ChaincodeMessage::decode(message.encode_to_vec().as_slice()).as_ref(), Ok(message));
}

fn decodes_alone(message: &ChaincodeMessage) {
    if let Ok(invocation) = Invocation::decode(message.clone()) {
        assert_eq!(invocation.key.transaction_id, message.txid);
        assert_eq!(invocation.key.channel_id, message.channel_id);
        assert_eq!(invocation.proposal.map(|proposal| proposal.signed), message.proposal);
        for argument in &invocation.arguments {
            std::str::from_utf8(argument).map(splits_and_joins).unwrap_or_default();
        }
    }
}

/// Whether the stream goes on. Nothing runs before READY, nothing closes the stream after it, and what is said of a
/// transaction names the one that the peer named.
fn in_order(message: &ChaincodeMessage, step: &Step, ready: bool) -> bool {
    let names =
        |other: &ChaincodeMessage| other.txid == message.txid && other.channel_id == message.channel_id;
    match step {
        Step::Wait => {}
        Step::Reply(reply) if message.r#type() == Type::Keepalive => assert_eq!(reply, message),
        Step::Reply(reply) => assert!(ready && reply.r#type() == Type::Error && names(reply)),
        Step::Fail(reply) => assert!(ready && reply.r#type() == Type::Error && names(reply)),
        Step::Answer(answer) => assert!(ready && answer == message),
        Step::Run(invocation) => assert!(ready && invocation.key.transaction_id == message.txid),
        Step::Close(reply) => assert!(!ready && reply.r#type() == Type::Error && names(reply)),
    }
    !matches!(step, Step::Close(_))
}

fn splits_and_joins(key: &str) {
    if let Ok((object_type, attributes)) = composite_key::split(key) {
        let joined = composite_key::join(object_type, &attributes);
        assert_eq!(joined.expect("what was split can be joined"), key);
    }
}
