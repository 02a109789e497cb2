//! What a peer's error says: who failed, how, and whether it was the contract.

use fabric_protos::{gateway::ErrorDetail, prost::Message};
use prost_types::Any;
use sillok_contract::Refusal;
use tonic::{Code, Status};

use crate::ledger::LedgerError;

/// What stands in `grpc-status-details-bin`: the details of google.rpc.Status.
#[derive(Clone, PartialEq, Message)]
struct Details {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// How a peer begins to tell what a chaincode answered, as opposed to what befell itself.
const CHAINCODE_ANSWERED: &str = "chaincode response ";

/// What a peer says of endorsements that were made on different states.
const PAYLOADS_DIFFER: &str = "ProposalResponsePayloads do not match";

/// Whether the peer was not reached, or lost before it answered: only then there is a cause behind the status.
pub(super) fn is_unreached(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}

/// Whether the peer itself is to blame: it was not reached, or is at the limit of its calls.
pub(super) fn is_away(status: &Status) -> bool {
    is_unreached(status) || status.message().starts_with("too many requests")
}

/// Whether another peer may do better: this one is away, or reaches neither endorsers nor orderers.
pub(super) fn is_elsewhere_possible(status: &Status) -> bool {
    is_away(status) || status.code() == Code::Unavailable
}

/// The whole of what the peers said, in one line.
pub(super) fn reason(status: &Status) -> String {
    let mut text = format!("{:?}: {}", status.code(), status.message());
    for detail in details(status) {
        text.push_str(&format!("; {} ({}): {}", detail.address, detail.msp_id, detail.message));
    }
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        let error_text = error.to_string();
        if !text.contains(&error_text) {
            text.push_str("; ");
            text.push_str(&error_text);
        }
        cause = error.source();
    }
    text.replace('\n', " ")
}

/// Why an envelope was not submitted. A peer answers ABORTED where an orderer took it and found fault with it: its
/// creator may not write, or no longer, or it is too large.
pub(super) fn not_submitted(transaction: &str, status: &Status) -> LedgerError {
    let (transaction, reason) = (transaction.to_owned(), reason(status));
    match status.code() {
        Code::Aborted => LedgerError::Rejected { transaction, reason },
        _ => LedgerError::Submit { transaction, reason },
    }
}

/// The contract's refusal of a query, if that is what failed.
pub(super) fn refusal(status: &Status) -> Option<Refusal> {
    contract_refusal(status.message())
}

/// Whether the contract answered everywhere, and the offices disagree: a peer may be a block behind the other.
pub(super) fn is_one_office_behind(status: &Status, offices: &[String]) -> bool {
    let details = details(status);
    let answered = |detail: &ErrorDetail| {
        detail.message.contains(PAYLOADS_DIFFER) || contract_refusal(&detail.message).is_some()
    };
    !details.is_empty() && details.iter().all(answered) && refusal_of_all(status, offices).is_none()
}

/// The contract's refusal of a transaction, if every one of the offices refused it, and for the same reason.
///
/// If one office alone refuses, that is not the contract's last word: see [`is_one_office_behind`].
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn offices() -> Vec<String> {
        vec!["OfficeMSP".to_owned(), "SupportMSP".to_owned()]
    }

    fn status(code: Code, message: &str, details: &[(&str, &str)]) -> Status {
        let details = details.iter().map(|(msp, message)| {
            let detail =
                ErrorDetail { address: "a:1".into(), msp_id: (*msp).into(), message: (*message).into() };
            Any { type_url: "type.googleapis.com/gateway.ErrorDetail".into(), value: detail.encode_to_vec() }
        });
        let details = Details { details: details.collect() };
        Status::with_details(code, message, details.encode_to_vec().into())
    }

    fn refused(code: sillok_contract::Code) -> String {
        format!("chaincode response 500, {}", Refusal::new(code, "no: {never}").to_message())
    }

    #[test]
    fn a_refusal_of_both_offices_is_the_contracts() {
        use sillok_contract::Code::{BatchGap, CreatorForbidden, LedgerUnavailable};
        let (forbidden, gap, away) =
            (refused(CreatorForbidden), refused(BatchGap), refused(LedgerUnavailable));
        let asked = |details: &[(&str, &str)]| {
            refusal_of_all(&status(Code::Aborted, "failed", details), &offices()).map(|refusal| refusal.code)
        };
        assert_eq!(asked(&[("OfficeMSP", &forbidden), ("SupportMSP", &forbidden)]), Some(CreatorForbidden));
        assert_eq!(asked(&[("OfficeMSP", &forbidden)]), None, "the other office endorsed");
        assert_eq!(asked(&[("OfficeMSP", &forbidden), ("OfficeMSP", &forbidden)]), None, "one office alone");
        assert_eq!(asked(&[("OfficeMSP", &forbidden), ("SupportMSP", &gap)]), None, "they disagree");
        assert_eq!(asked(&[("OfficeMSP", &forbidden), ("SupportMSP", "connection refused")]), None);
        assert_eq!(asked(&[("OfficeMSP", &away), ("SupportMSP", &away)]), None, "trying again may help");
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn an_office_that_is_behind_is_told_from_one_that_is_away() {
        use sillok_contract::Code::{BatchGap, CreatorForbidden, LedgerUnavailable};
        let (forbidden, gap, away) =
            (refused(CreatorForbidden), refused(BatchGap), refused(LedgerUnavailable));
        let behind = |details: &[(&str, &str)]| {
            is_one_office_behind(&status(Code::Aborted, "failed", details), &offices())
        };
        assert!(behind(&[("SupportMSP", &gap)]), "the other office endorsed");
        assert!(behind(&[("OfficeMSP", &forbidden), ("SupportMSP", &gap)]), "they disagree");
        assert!(behind(&[("SupportMSP", PAYLOADS_DIFFER)]), "they read different states");
        assert!(!behind(&[("OfficeMSP", &forbidden), ("SupportMSP", &forbidden)]), "they agree");
        assert!(!behind(&[("OfficeMSP", &gap), ("SupportMSP", "connection refused")]), "one is away");
        assert!(!behind(&[("SupportMSP", &away)]), "its state cannot be read");
        assert!(!behind(&[]));
    }

    #[test]
    fn a_refused_query_is_told_from_a_failed_one() {
        let message = |answer: &str| format!("evaluate call to endorser returned error: {answer}");
        let not_found = message(&refused(sillok_contract::Code::NotFound));
        let refused = refusal(&status(Code::Unknown, &not_found, &[])).unwrap();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (sillok_contract::Code::NotFound, "no: {never}")
        );
        for other in [
            "too many requests for /gateway.Gateway, exceeding concurrency limit (500)",
            &message("chaincode response 500, panic"),
            &Refusal::new(sillok_contract::Code::NotFound, "not a chaincode's").to_message(),
        ] {
            assert_eq!(refusal(&status(Code::Unknown, other, &[])), None, "{other}");
        }
    }

    #[test]
    fn another_peer_is_asked_where_that_may_help() {
        let lost = Status::from_error(Box::new(std::io::Error::other("reset")));
        let full = Status::unknown("too many requests for /gateway.Gateway, exceeding concurrency limit (9)");
        for (status, away, elsewhere) in [
            (lost, true, true),
            (full, true, true),
            (Status::unavailable("no orderers could successfully process transaction"), false, true),
            (Status::unknown("chaincode response 500, no"), false, false),
            (Status::aborted("failed to collect enough"), false, false),
        ] {
            assert_eq!((is_away(&status), is_elsewhere_possible(&status)), (away, elsewhere), "{status}");
        }
    }

    #[test]
    fn an_envelope_that_an_orderer_finds_fault_with_is_told_from_one_that_none_was_reached_with() {
        let rejected = Status::aborted("received unsuccessful response from orderer: status=FORBIDDEN");
        assert!(matches!(not_submitted("5f1c", &rejected), LedgerError::Rejected { .. }));
        for status in [Status::unavailable("no orderers"), Status::deadline_exceeded("submit timeout")] {
            assert!(matches!(not_submitted("5f1c", &status), LedgerError::Submit { .. }), "{status}");
        }
    }

    #[test]
    fn everything_the_peers_said_is_told_in_one_line() {
        let told =
            reason(&status(Code::Aborted, "failed", &[("OfficeMSP", "one\ntwo"), ("SupportMSP", "three")]));
        assert_eq!(told, "Aborted: failed; a:1 (OfficeMSP): one two; a:1 (SupportMSP): three");
        let damaged = Status::with_details(Code::Aborted, "failed", vec![0xff].into());
        assert_eq!(reason(&damaged), "Aborted: failed");
    }
}
