use fabric_protos::peer::{self, ChaincodeMessage, chaincode_message::Type};
use prost::Message;

use crate::{Chaincode, Response, Stub, exchange::MAX_MESSAGE_BYTES};

/// Runs one transaction from its arguments to what the peer is told. Blocks.
pub(crate) fn run(chaincode: &dyn Chaincode, stub: &Stub) -> ChaincodeMessage {
    let is_init = stub.invocation.is_init;
    let response = if is_init { chaincode.init(stub) } else { chaincode.invoke(stub) };
    match finish(stub, &response) {
        // Fabric's rule: an INIT that fails is an ERROR, a TRANSACTION that fails is COMPLETED with its status.
        Ok(()) if is_init && response.status >= Response::ERROR => error(stub, response.message),
        Ok(()) => completed(stub, response),
        Err(reason) => error(stub, reason),
    }
}

/// Sends the writes, if they count; why the transaction cannot be completed otherwise.
fn finish(stub: &Stub, response: &Response) -> Result<(), String> {
    if response.is_endorsed() && stub.exchange.mailbox.broken().is_none() {
        stub.flush().map_err(|error| error.to_string())?;
    }
    match stub.exchange.mailbox.broken() {
        // What the chaincode has seen, or the peer has of its writes, cannot be relied on.
        Some(reason) => Err(reason.at("a call of the ledger").to_string()),
        None => Ok(()),
    }
}

fn completed(stub: &Stub, response: Response) -> ChaincodeMessage {
    let response = peer::Response::from(response).encode_to_vec();
    let completed = ChaincodeMessage {
        chaincode_event: stub.take_event(),
        ..stub.invocation.key.message(Type::Completed, response)
    };
    if completed.encoded_len() > MAX_MESSAGE_BYTES {
        return error(stub, "response and event have more than 100 MiB".into());
    }
    completed
}

fn error(stub: &Stub, reason: String) -> ChaincodeMessage {
    tracing::warn!(
        transaction = stub.transaction_id(),
        channel = stub.channel_id(),
        reason,
        "transaction ended with ERROR"
    );
    stub.invocation.key.error(reason)
}
