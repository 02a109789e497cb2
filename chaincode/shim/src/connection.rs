use std::sync::Arc;

use fabric_protos::peer::ChaincodeMessage;
use tokio::sync::mpsc::{self, error::SendTimeoutError};
use tokio::{runtime::Handle, sync::Semaphore, task::JoinError};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Status, Streaming};

use crate::exchange::{Exchange, Outgoing, text};
use crate::invocation::{Invocation, TransactionKey};
use crate::mailbox::{Break, Mailboxes, Registered};
use crate::protocol::{Features, Session, Step};
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
                let reason = text(&reply.payload);
                self.send(reply).await?;
                Err(Ended::Failed(Status::failed_precondition(reason)))
            }
        }
    }

    /// A running transaction tells the peer itself; of others the peer is told here.
    async fn fail(&self, reply: ChaincodeMessage) -> Result<(), Ended> {
        let reason = text(&reply.payload);
        tracing::warn!(transaction = reply.txid, reason, "the peer broke the protocol");
        if self.mailboxes.fail(&reply, Break::Protocol(reason)) { Ok(()) } else { self.send(reply).await }
    }

    async fn begin(&self, invocation: Invocation) -> Result<(), Ended> {
        let key = &invocation.key;
        if self.shared.stopping.is_cancelled() {
            return self.send(key.error("the chaincode is stopping; send the transaction again")).await;
        }
        let Some(registered) = self.mailboxes.open(key) else {
            return self.send(key.error("a transaction of this id is running already")).await;
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
    let key = invocation.key.clone();
    let exchange = Exchange {
        key: key.clone(),
        mailbox: registered.mailbox.clone(),
        outgoing: outgoing.clone(),
        runtime: Handle::current(),
        limit: shared.limits.call_timeout,
    };
    let chaincode = shared.chaincode.clone();
    let work = move || transaction::run(&*chaincode, &Stub::new(invocation, exchange, features));
    let outcome = tokio::task::spawn_blocking(work).await;
    let message = outcome.unwrap_or_else(|error| panicked(&key, &error));
    // From here on the peer may run the same transaction again.
    drop(registered);
    if let Some(outgoing) = outgoing.upgrade()
        && let Err(SendTimeoutError::Timeout(_)) =
            outgoing.send_timeout(Ok(message), shared.limits.call_timeout).await
    {
        // It must not keep the thread from other peers' transactions.
        tracing::warn!(
            transaction = key.transaction_id,
            "the peer does not read; it is not told the outcome"
        );
    }
}

fn panicked(key: &TransactionKey, error: &JoinError) -> ChaincodeMessage {
    tracing::error!(transaction = key.transaction_id, is_panic = error.is_panic(), "the chaincode panicked");
    key.error("the chaincode panicked; its log says where")
}
