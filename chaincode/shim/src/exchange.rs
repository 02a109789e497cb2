use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fabric_protos::peer::{ChaincodeMessage, chaincode_message::Type};
use prost::{Message, bytes::Bytes};
use tokio::{runtime::Handle, sync::mpsc};
use tonic::Status;

use crate::{LedgerError, invocation::TransactionKey};

/// What Fabric's peers allow a message, both ways. More would end the stream, and every transaction on it.
pub(crate) const MAX_MESSAGE_BYTES: usize = 100 << 20;

/// The same without what names the transaction.
const MAX_PAYLOAD_BYTES: usize = MAX_MESSAGE_BYTES - (64 << 10);

/// What goes to the peer.
pub(crate) type Outgoing = Result<ChaincodeMessage, Status>;

/// Where a transaction waits for the peer's answer.
///
/// The protocol numbers no calls: an answer belongs to the transaction's one open call. So a transaction has at most
/// one, and once an answer was late, doubled or malformed, no later one can be trusted: the mailbox stays broken.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Asked,
    Answered(Answer),
    Broken(Break),
}

/// The payload of RESPONSE, or of ERROR.
type Answer = Result<Bytes, Bytes>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Break {
    TimedOut(Duration),
    StreamClosed,
    Protocol(String),
}

impl Break {
    pub(crate) fn at(self, call: &'static str) -> LedgerError {
        match self {
            Self::TimedOut(limit) => LedgerError::TimedOut { call, limit },
            Self::StreamClosed => LedgerError::StreamClosed { call },
            Self::Protocol(found) => LedgerError::Protocol { call, found },
        }
    }
}

impl Mailbox {
    /// Takes what the peer says to this transaction. Breaks the mailbox if nothing was asked.
    pub(crate) fn deliver(&self, message: ChaincodeMessage) {
        let answer =
            if message.r#type() == Type::Response { Ok(message.payload) } else { Err(message.payload) };
        let mut state = self.lock();
        *state = match std::mem::take(&mut *state) {
            State::Asked => State::Answered(answer),
            State::Idle | State::Answered(_) => {
                State::Broken(Break::Protocol("an answer without a question".into()))
            }
            broken @ State::Broken(_) => broken,
        };
        self.changed.notify_all();
    }

    /// Ends the conversation; the first reason stays.
    pub(crate) fn fail(&self, reason: Break) {
        let mut state = self.lock();
        if !matches!(*state, State::Broken(_)) {
            *state = State::Broken(reason);
        }
        self.changed.notify_all();
    }

    /// Why the conversation ended, if it did.
    pub(crate) fn broken(&self) -> Option<Break> {
        match &*self.lock() {
            State::Broken(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    fn ask(&self) -> Result<(), Break> {
        let mut state = self.lock();
        if let State::Broken(reason) = &*state {
            return Err(reason.clone());
        }
        *state = State::Asked;
        Ok(())
    }

    fn wait(&self, deadline: Instant, limit: Duration) -> Result<Answer, Break> {
        let left = deadline.saturating_duration_since(Instant::now());
        let state = self.lock();
        let waiting = |state: &mut State| matches!(state, State::Asked);
        let (mut state, _) =
            self.changed.wait_timeout_while(state, left, waiting).unwrap_or_else(PoisonError::into_inner);
        match std::mem::take(&mut *state) {
            State::Answered(answer) => Ok(answer),
            State::Broken(reason) => {
                *state = State::Broken(reason.clone());
                Err(reason)
            }
            State::Idle | State::Asked => {
                *state = State::Broken(Break::TimedOut(limit));
                Err(Break::TimedOut(limit))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One transaction's calls to the peer, one after the other.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) key: TransactionKey,
    pub(crate) mailbox: std::sync::Arc<Mailbox>,
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
        let message = ChaincodeMessage {
            r#type: kind.into(),
            payload,
            txid: self.key.transaction_id.clone(),
            channel_id: self.key.channel_id.clone(),
            ..Default::default()
        };
        match outgoing.try_send(Ok(message)) {
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
