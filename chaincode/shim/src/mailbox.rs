use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fabric_protos::peer::{ChaincodeMessage, chaincode_message::Type};
use prost::bytes::Bytes;

use crate::{LedgerError, exchange::text, invocation::TransactionKey};

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

    /// Opens a call. Fails if the conversation has ended.
    pub(crate) fn ask(&self) -> Result<(), Break> {
        let mut state = self.lock();
        if let State::Broken(reason) = &*state {
            return Err(reason.clone());
        }
        *state = State::Asked;
        Ok(())
    }

    /// Blocks until the open call is answered. Breaks the mailbox at the deadline, which is `limit` after the call.
    pub(crate) fn wait(&self, deadline: Instant, limit: Duration) -> Result<Answer, Break> {
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

/// The transactions of one stream.
#[derive(Debug, Default)]
pub(crate) struct Mailboxes {
    open: Mutex<HashMap<TransactionKey, Arc<Mailbox>>>,
}

impl Mailboxes {
    /// Makes room for a transaction; `None` if it is running already.
    pub(crate) fn open(self: &Arc<Self>, key: &TransactionKey) -> Option<Registered> {
        let mut open = self.lock();
        if open.contains_key(key) {
            return None;
        }
        let mailbox = Arc::<Mailbox>::default();
        open.insert(key.clone(), mailbox.clone());
        Some(Registered { mailboxes: self.clone(), key: key.clone(), mailbox })
    }

    /// Hands an answer to the transaction it names. One that names none is late, and dropped.
    pub(crate) fn deliver(&self, answer: ChaincodeMessage) {
        match self.find(&answer) {
            Some(mailbox) => mailbox.deliver(answer),
            None if answer.r#type() == Type::Error => {
                let reason = text(&answer.payload);
                tracing::warn!(transaction = answer.txid, reason, "ERROR from the peer for no transaction");
            }
            None => tracing::debug!(transaction = answer.txid, "an answer for no transaction"),
        }
    }

    /// Ends a transaction's conversation; whether there is such a transaction.
    pub(crate) fn fail(&self, named: &ChaincodeMessage, reason: Break) -> bool {
        let found = self.find(named);
        found.inspect(|mailbox| mailbox.fail(reason)).is_some()
    }

    /// Ends every transaction's conversation, for the stream has ended.
    pub(crate) fn close(&self) {
        self.lock().values().for_each(|mailbox| mailbox.fail(Break::StreamClosed));
    }

    fn find(&self, named: &ChaincodeMessage) -> Option<Arc<Mailbox>> {
        let key = TransactionKey { channel_id: named.channel_id.clone(), transaction_id: named.txid.clone() };
        self.lock().get(&key).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TransactionKey, Arc<Mailbox>>> {
        // No code that can panic runs under this lock.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction's place on its stream; dropping it frees the place.
pub(crate) struct Registered {
    mailboxes: Arc<Mailboxes>,
    key: TransactionKey,
    pub(crate) mailbox: Arc<Mailbox>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.mailboxes.lock().remove(&self.key);
    }
}
