use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fabric_protos::peer::{ChaincodeMessage, chaincode_message::Type};
use tokio::{runtime::Handle, sync::Semaphore, sync::mpsc, task::JoinError};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Status, Streaming};

use crate::exchange::{Break, Exchange, Mailbox, Outgoing};
use crate::invocation::{Invocation, TransactionKey};
use crate::protocol::{Features, Session, Step};
use crate::session::refusal;
use crate::{Chaincode, Limits, Stub, transaction};

/// What all streams of a server share.
pub(crate) struct Shared {
    pub(crate) chaincode: Arc<dyn Chaincode>,
    pub(crate) chaincode_id: String,
    pub(crate) limits: Limits,
    /// A permit a running transaction: it bounds threads and their stacks.
    pub(crate) permits: Arc<Semaphore>,
    /// The transactions that run or wait to run.
    pub(crate) transactions: TaskTracker,
    /// From here on no transaction begins.
    pub(crate) stopping: CancellationToken,
    /// From here on no stream stays open.
    pub(crate) closing: CancellationToken,
}

/// One stream from one peer.
pub(crate) struct Connection {
    shared: Arc<Shared>,
    mailboxes: Arc<Mailboxes>,
    session: Session,
    outgoing: mpsc::Sender<Outgoing>,
}

impl Connection {
    /// Talks with the peer until one of them has had enough.
    pub(crate) async fn converse(
        shared: Arc<Shared>,
        mut incoming: Streaming<ChaincodeMessage>,
        outgoing: mpsc::Sender<Outgoing>,
    ) {
        let (session, register) = Session::start(&shared.chaincode_id);
        let mut connection = Self { shared, mailboxes: Arc::default(), session, outgoing };
        let ended = match connection.send(register).await {
            Ok(()) => connection.listen(&mut incoming).await,
            Err(ended) => ended,
        };
        connection.mailboxes.close();
        connection.report(ended).await;
    }

    async fn listen(&mut self, incoming: &mut Streaming<ChaincodeMessage>) -> Ended {
        let closing = self.shared.closing.clone();
        loop {
            let received = tokio::select! {
                () = closing.cancelled() => return Ended::Stopped,
                () = self.outgoing.closed() => return Ended::PeerLeft,
                received = incoming.message() => received,
            };
            let taken = match received {
                Ok(Some(message)) => tokio::select! {
                    // A peer that does not read must not keep the server from stopping.
                    () = closing.cancelled() => return Ended::Stopped,
                    taken = self.take(message) => taken,
                },
                Ok(None) => Err(Ended::PeerLeft),
                Err(status) => Err(Ended::Failed(status)),
            };
            if let Err(ended) = taken {
                return ended;
            }
        }
    }

    async fn take(&mut self, message: ChaincodeMessage) -> Result<(), Ended> {
        match self.session.receive(message) {
            Step::Wait => Ok(()),
            Step::Reply(reply) => self.send(reply).await,
            Step::Run(invocation) => self.begin(*invocation).await,
            Step::Answer(answer) => {
                self.mailboxes.deliver(answer);
                Ok(())
            }
            Step::Fail(reply) => self.fail(reply).await,
            Step::Close(reply) => {
                let reason = crate::exchange::text(&reply.payload);
                self.send(reply).await?;
                Err(Ended::Failed(Status::failed_precondition(reason)))
            }
        }
    }

    /// A running transaction tells the peer itself; of others the peer is told here.
    async fn fail(&self, reply: ChaincodeMessage) -> Result<(), Ended> {
        let reason = crate::exchange::text(&reply.payload);
        tracing::warn!(transaction = reply.txid, reason, "the peer broke the protocol");
        if self.mailboxes.fail(&reply, Break::Protocol(reason)) { Ok(()) } else { self.send(reply).await }
    }

    async fn begin(&self, invocation: Invocation) -> Result<(), Ended> {
        let named = ChaincodeMessage {
            txid: invocation.key.transaction_id.clone(),
            channel_id: invocation.key.channel_id.clone(),
            ..Default::default()
        };
        if self.shared.stopping.is_cancelled() {
            return self.send(refusal(&named, "the chaincode is stopping; send the transaction again")).await;
        }
        let Some(registered) = self.mailboxes.open(&invocation.key) else {
            return self.send(refusal(&named, "a transaction of this id is running already")).await;
        };
        let running = run(
            self.shared.clone(),
            self.session.features(),
            invocation,
            registered,
            self.outgoing.downgrade(),
        );
        self.shared.transactions.spawn(running);
        Ok(())
    }

    async fn send(&self, message: ChaincodeMessage) -> Result<(), Ended> {
        self.outgoing.send(Ok(message)).await.map_err(|_| Ended::PeerLeft)
    }

    async fn report(&self, ended: Ended) {
        match ended {
            Ended::Stopped => tracing::info!("stream closed: the chaincode stops"),
            Ended::PeerLeft => tracing::info!("stream closed by the peer"),
            Ended::Failed(status) => {
                tracing::warn!(code = ?status.code(), reason = status.message(), "stream closed");
                let _ = self.outgoing.send(Err(status)).await;
            }
        }
    }
}

/// Why a stream ended.
enum Ended {
    Stopped,
    PeerLeft,
    Failed(Status),
}

/// Waits for a thread, runs the transaction on it, and tells the peer how it ended.
async fn run(
    shared: Arc<Shared>,
    features: Features,
    invocation: Invocation,
    registered: Registered,
    outgoing: mpsc::WeakSender<Outgoing>,
) {
    let Ok(_permit) = shared.permits.clone().acquire_owned().await else { return };
    if registered.mailbox.broken() == Some(Break::StreamClosed) {
        return;
    }
    let named = ChaincodeMessage {
        txid: invocation.key.transaction_id.clone(),
        channel_id: invocation.key.channel_id.clone(),
        ..Default::default()
    };
    let exchange = Exchange {
        key: invocation.key.clone(),
        mailbox: registered.mailbox.clone(),
        outgoing: outgoing.clone(),
        runtime: Handle::current(),
        limit: shared.limits.call_timeout,
    };
    let chaincode = shared.chaincode.clone();
    let stub = move || transaction::run(&*chaincode, &Stub::new(invocation, exchange, features));
    let outcome = tokio::task::spawn_blocking(stub).await;
    let message = outcome.unwrap_or_else(|error| panicked(&named, &error));
    // From here on the peer may run the same transaction again.
    drop(registered);
    if let Some(outgoing) = outgoing.upgrade() {
        let _ = outgoing.send(Ok(message)).await;
    }
}

fn panicked(named: &ChaincodeMessage, error: &JoinError) -> ChaincodeMessage {
    tracing::error!(transaction = named.txid, %error, "the chaincode panicked");
    refusal(named, "the chaincode panicked; its log says where")
}

/// The transactions of one stream.
#[derive(Debug, Default)]
struct Mailboxes {
    open: Mutex<HashMap<TransactionKey, Arc<Mailbox>>>,
}

impl Mailboxes {
    /// Makes room for a transaction; `None` if it is running already.
    fn open(self: &Arc<Self>, key: &TransactionKey) -> Option<Registered> {
        let mut open = self.lock();
        if open.contains_key(key) {
            return None;
        }
        let mailbox = Arc::<Mailbox>::default();
        open.insert(key.clone(), mailbox.clone());
        Some(Registered { mailboxes: self.clone(), key: key.clone(), mailbox })
    }

    /// Hands an answer to the transaction it names. One that names none is late, and dropped.
    fn deliver(&self, answer: ChaincodeMessage) {
        match self.find(&answer) {
            Some(mailbox) => mailbox.deliver(answer),
            None if answer.r#type() == Type::Error => {
                let reason = crate::exchange::text(&answer.payload);
                tracing::warn!(transaction = answer.txid, reason, "ERROR from the peer for no transaction");
            }
            None => tracing::debug!(transaction = answer.txid, "an answer for no transaction"),
        }
    }

    /// Ends a transaction's conversation; whether there is such a transaction.
    fn fail(&self, named: &ChaincodeMessage, reason: Break) -> bool {
        let found = self.find(named);
        found.inspect(|mailbox| mailbox.fail(reason)).is_some()
    }

    fn close(&self) {
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
struct Registered {
    mailboxes: Arc<Mailboxes>,
    key: TransactionKey,
    mailbox: Arc<Mailbox>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.mailboxes.lock().remove(&self.key);
    }
}
