//! What a peer's error says: who failed, how, and whether it was the contract.

use fabric_protos::{gateway::ErrorDetail, prost::Message};
use prost_types::Any;
use sillok_contract::Refusal;
use tonic::{Code, Status};

/// What stands in `grpc-status-details-bin`: the details of google.rpc.Status.
#[derive(Clone, PartialEq, Message)]
struct Details {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// How a peer begins to tell what a chaincode answered, as opposed to what befell itself.
const CHAINCODE_ANSWERED: &str = "chaincode response ";

/// Whether another peer may do better: this one is away, or at the limit of its calls.
pub(super) fn is_away(status: &Status) -> bool {
    status.code() == Code::Unavailable || status.message().starts_with("too many requests")
}

/// The whole of what the peers said, in one line.
pub(super) fn reason(status: &Status) -> String {
    let mut text = format!("{:?}: {}", status.code(), status.message());
    for detail in details(status) {
        text.push_str(&format!("; {} ({}): {}", detail.address, detail.msp_id, detail.message));
    }
    // Where the peer was not reached, the cause is behind the status.
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        text.push_str(&format!("; {error}"));
        cause = error.source();
    }
    text.replace('\n', " ")
}

/// The contract's refusal of a query, if that is what failed.
pub(super) fn refusal(status: &Status) -> Option<Refusal> {
    contract_refusal(status.message())
}

/// The contract's refusal of a transaction, if every one of the offices refused it, and for the same reason.
///
/// If one office alone refuses, it may only be a block behind the other: that is not the contract's last word.
pub(super) fn refusal_of_all(status: &Status, offices: &[String]) -> Option<Refusal> {
    let refusals: Vec<(String, Refusal)> = details(status)
        .into_iter()
        .map(|detail| Some((detail.msp_id, contract_refusal(&detail.message)?)))
        .collect::<Option<_>>()?;
    let (_, first) = refusals.first()?;
    let agreed = refusals.iter().all(|(_, other)| (other.code, other.entry) == (first.code, first.entry));
    let everyone = offices.iter().all(|office| refusals.iter().any(|(msp, _)| msp == office));
    (agreed && everyone).then(|| first.clone())
}

/// A refusal that will be repeated; one that says to try again is a failure like any other.
fn contract_refusal(message: &str) -> Option<Refusal> {
    let (_, answer) = message.split_once(CHAINCODE_ANSWERED)?;
    Refusal::from_message(answer).filter(|refusal| !refusal.code.retry())
}

fn details(status: &Status) -> Vec<ErrorDetail> {
    let details = Details::decode(status.details()).unwrap_or_default().details;
    let named = details.into_iter().filter(|any| any.type_url.ends_with("/gateway.ErrorDetail"));
    named.filter_map(|any| ErrorDetail::decode(any.value.as_slice()).ok()).collect()
}
