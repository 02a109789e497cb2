//! The contract's events, from a checkpoint on.

use std::sync::Arc;

use fabric_protos::{
    gateway, orderer, peer,
    prost::{Message, bytes::Bytes},
};
use futures_util::{
    StreamExt as _, TryFutureExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use tonic::{Response, Status};

use super::{failure, identity::Identity, peers::Peers};
use crate::ledger::{Checkpoint, Event, LedgerError};

/// Asks for the events of a chaincode from a block on.
///
/// The peer could leave out those up to a transaction itself, but if it never meets that transaction it leaves out
/// everything and says nothing. So it is asked for whole blocks.
pub(super) fn request(
    identity: &Identity,
    channel: &str,
    chaincode: &str,
    from: u64,
) -> gateway::SignedChaincodeEventsRequest {
    use orderer::{SeekPosition, SeekSpecified, seek_position::Type};
    let request = gateway::ChaincodeEventsRequest {
        channel_id: channel.to_owned(),
        chaincode_id: chaincode.to_owned(),
        identity: identity.creator.clone(),
        start_position: Some(SeekPosition { r#type: Some(Type::Specified(SeekSpecified { number: from })) }),
        after_transaction_id: String::new(),
    };
    let request = Bytes::from(request.encode_to_vec());
    let signature = identity.sign(&request);
    gateway::SignedChaincodeEventsRequest { request, signature }
}

/// Listens at the current peer. The stream ends with an error, whatever ends it; the next one is then had from another
/// peer, if this one is away.
pub(super) fn listen(
    peers: Arc<Peers>,
    request: gateway::SignedChaincodeEventsRequest,
    after: Option<Checkpoint>,
) -> BoxStream<'static, Result<Event, LedgerError>> {
    let (number, mut client) = peers.current();
    // The peer answers the call itself only with its first event: so it is made when the stream is first polled.
    let blocks =
        async move { client.chaincode_events(request).await.map(Response::into_inner) }.try_flatten_stream();
    let ended = stream::once(async { Err(Status::unavailable("the peer ended the stream")) });
    blocks
        .chain(ended)
        .map_err(move |status| {
            if failure::is_away(&status) {
                peers.leave(number, &status);
            }
            LedgerError::Events(failure::reason(&status))
        })
        .and_then(move |block| std::future::ready(events(block, after.as_ref())))
        .map_ok(|events| stream::iter(events.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
}

/// A block's events, without those that the checkpoint has passed.
fn events(
    block: gateway::ChaincodeEventsResponse,
    after: Option<&Checkpoint>,
) -> Result<Vec<Event>, LedgerError> {
    let number = block.block_number;
    let events = block.events.into_iter().map(|event| of_block(number, event));
    match after {
        Some(Checkpoint { block, transaction: Some(seen) }) if *block == number => {
            let events: Vec<_> = events.collect();
            let position = events.iter().position(|event| event.transaction == *seen).ok_or_else(|| {
                LedgerError::Events(format!(
                    "block {number} has no event of transaction {seen}: this is another ledger"
                ))
            })?;
            Ok(events.into_iter().skip(position + 1).collect())
        }
        _ => Ok(events.collect()),
    }
}

fn of_block(block: u64, event: peer::ChaincodeEvent) -> Event {
    Event { block, transaction: event.tx_id, name: event.event_name, payload: event.payload.into() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn block(number: u64, transactions: &[&str]) -> gateway::ChaincodeEventsResponse {
        let event = |transaction: &&str| peer::ChaincodeEvent {
            chaincode_id: "sillok".into(),
            tx_id: (*transaction).into(),
            event_name: "BatchRecorded".into(),
            payload: "{}".into(),
        };
        gateway::ChaincodeEventsResponse {
            events: transactions.iter().map(event).collect(),
            block_number: number,
        }
    }

    fn transactions(
        block: gateway::ChaincodeEventsResponse,
        after: Option<(u64, Option<&str>)>,
    ) -> Result<Vec<String>, LedgerError> {
        let after = after
            .map(|(block, transaction)| Checkpoint { block, transaction: transaction.map(str::to_owned) });
        Ok(events(block, after.as_ref())?.into_iter().map(|event| event.transaction).collect())
    }

    #[test]
    fn what_the_checkpoint_has_passed_is_left_out() {
        let three = || block(5, &["a", "b", "c"]);
        assert_eq!(transactions(three(), None).unwrap(), ["a", "b", "c"]);
        assert_eq!(transactions(three(), Some((5, None))).unwrap(), ["a", "b", "c"]);
        assert_eq!(transactions(three(), Some((5, Some("a")))).unwrap(), ["b", "c"]);
        assert!(transactions(three(), Some((5, Some("c")))).unwrap().is_empty());
        assert_eq!(transactions(three(), Some((4, Some("c")))).unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn a_checkpoint_of_another_ledger_is_an_error() {
        let error = transactions(block(5, &["a"]), Some((5, Some("elsewhere")))).unwrap_err();
        assert!(matches!(error, LedgerError::Events(_)), "{error}");
    }
}
