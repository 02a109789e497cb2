use std::sync::Arc;
use std::time::{Duration, Instant};

use fabric_protos::peer::{ChaincodeMessage, chaincode_message::Type};
use prost::{Message, bytes::Bytes};
use tokio::{runtime::Handle, sync::mpsc};
use tonic::Status;

use crate::{
    LedgerError,
    invocation::TransactionKey,
    mailbox::{Break, Mailbox},
};

/// What Fabric's peers allow a message, both ways. More would end the stream, and every transaction on it.
pub(crate) const MAX_MESSAGE_BYTES: usize = 100 << 20;

/// The same without what names the transaction.
const MAX_PAYLOAD_BYTES: usize = MAX_MESSAGE_BYTES - (64 << 10);

/// What goes to the peer.
pub(crate) type Outgoing = Result<ChaincodeMessage, Status>;

/// One transaction's calls to the peer, one after the other.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) key: TransactionKey,
    pub(crate) mailbox: Arc<Mailbox>,
    /// Weak, so that a transaction that still runs does not hold its stream open.
    pub(crate) outgoing: mpsc::WeakSender<Outgoing>,
    pub(crate) runtime: Handle,
    /// For one call, sending included.
    pub(crate) limit: Duration,
}

impl Exchange {
    /// Sends a call and blocks until it is answered; the answer's payload.
    pub(crate) fn call(&self, kind: Type, request: &impl Message) -> Result<Bytes, LedgerError> {
        let call = kind.as_str_name();
        let deadline = Instant::now() + self.limit;
        if request.encoded_len() > MAX_PAYLOAD_BYTES {
            return Err(LedgerError::invalid("request", "must not have more than 100 MiB"));
        }
        self.mailbox.ask().map_err(|reason| reason.at(call))?;
        self.send(kind, request.encode_to_vec().into()).map_err(|reason| self.break_off(call, reason))?;
        let answer = self.mailbox.wait(deadline, self.limit).map_err(|reason| reason.at(call))?;
        answer.map_err(|reason| LedgerError::Refused { call, reason: text(&reason) })
    }

    /// [`call`](Self::call), and the answer decoded.
    pub(crate) fn ask<A: Message + Default>(
        &self,
        kind: Type,
        request: &impl Message,
    ) -> Result<A, LedgerError> {
        A::decode(self.call(kind, request)?)
            .map_err(|error| self.violation(kind.as_str_name(), format!("a malformed answer: {error}")))
    }

    /// Breaks the conversation for what the peer answered.
    pub(crate) fn violation(&self, call: &'static str, found: impl Into<String>) -> LedgerError {
        self.break_off(call, Break::Protocol(found.into()))
    }

    fn break_off(&self, call: &'static str, reason: Break) -> LedgerError {
        self.mailbox.fail(reason.clone());
        reason.at(call)
    }

    fn send(&self, kind: Type, payload: Bytes) -> Result<(), Break> {
        let outgoing = self.outgoing.upgrade().ok_or(Break::StreamClosed)?;
        match outgoing.try_send(Ok(self.key.message(kind, payload))) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Break::StreamClosed),
            Err(mpsc::error::TrySendError::Full(message)) => {
                self.runtime.block_on(outgoing.send_timeout(message, self.limit)).map_err(|error| match error
                {
                    mpsc::error::SendTimeoutError::Timeout(_) => Break::TimedOut(self.limit),
                    mpsc::error::SendTimeoutError::Closed(_) => Break::StreamClosed,
                })
            }
        }
    }
}

/// A peer's words, whatever bytes they are, and not endless.
pub(crate) fn text(bytes: &[u8]) -> String {
    const LONGEST: usize = 4096;
    String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]).into_owned()
}
