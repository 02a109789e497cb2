use std::{future::Future, io, pin::Pin, sync::Arc, time::Duration};

use fabric_protos::peer::{
    ChaincodeMessage,
    chaincode_server::{self, ChaincodeServer},
};
use tokio::{net::TcpListener, sync::Semaphore, sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{
    Request, Status, Streaming,
    transport::{self, server::TcpIncoming},
};

use crate::{
    Chaincode, Settings,
    connection::{Connection, Shared},
    exchange::{MAX_MESSAGE_BYTES, Outgoing},
};

/// Messages a stream holds ready for a peer that is slow to read; then transactions wait.
const OUTGOING_MESSAGES: usize = 64;

/// HTTP/2 pings find a peer that is gone without a word. As long as Fabric's own.
const KEEPALIVE_INTERVAL: Duration = Duration::from_mins(1);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// For a client that connects and says nothing.
const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// For connections to end once their streams are closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a server ended, or did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("CHAINCODE_SERVER_ADDRESS: cannot listen on {address}: {source}")]
    Listen {
        /// The address, as configured.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// Key, certificate and client CA do not make a TLS server.
    #[error("CHAINCODE_TLS_KEY_FILE and CHAINCODE_TLS_CERT_FILE: cannot be used: {}", chain(.0))]
    Tls(#[source] transport::Error),
    /// The server failed while it ran.
    #[error("the server failed: {}", chain(.0))]
    Transport(#[source] transport::Error),
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Serves a chaincode on the address of its settings until `shutdown`. See [`run`].
///
/// # Errors
///
/// [`ServeError`] if it cannot listen, cannot use its key, or fails later.
pub async fn serve(
    chaincode: impl Chaincode,
    settings: Settings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = settings.address.clone();
    let listener =
        TcpListener::bind(&address).await.map_err(|source| ServeError::Listen { address, source })?;
    run(chaincode, settings, listener, shutdown).await
}

/// Serves a chaincode on a listener until `shutdown`; then drains.
///
/// To drain: transactions that run may end within the settings' drain time, new ones are refused; then streams are
/// closed, for a peer never ends its own, and connections have two more seconds.
///
/// # Errors
///
/// [`ServeError`] if it cannot use its key, or fails later.
pub async fn run(
    chaincode: impl Chaincode,
    settings: Settings,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let mut builder = builder(&settings)?;
    tracing::info!(address = listener.local_addr().ok().map(tracing::field::display), "listening");
    let drain_timeout = settings.limits.drain_timeout;
    let shared = Arc::new(shared(chaincode, settings));
    let service = ChaincodeServer::new(Service { shared: shared.clone() })
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let stopping = shared.stopping.clone();
    // Small messages must not be held back: every call of the ledger is one.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server =
        builder.add_service(service).serve_with_incoming_shutdown(incoming, stopping.cancelled_owned());
    let stop = async {
        shutdown.await;
        drain(&shared, drain_timeout).await;
    };
    tokio::pin!(server);
    tokio::select! {
        ended = &mut server => return ended.map_err(ServeError::Transport),
        () = stop => (),
    }
    match timeout(CLOSE_TIMEOUT, server).await {
        Ok(ended) => ended.map_err(ServeError::Transport),
        Err(_) => {
            tracing::warn!("connections were still open when the server stopped");
            Ok(())
        }
    }
}

fn shared(chaincode: impl Chaincode, settings: Settings) -> Shared {
    Shared {
        chaincode: Arc::new(chaincode),
        chaincode_id: settings.chaincode_id,
        permits: Arc::new(Semaphore::new(settings.limits.max_transactions)),
        limits: settings.limits,
        transactions: TaskTracker::new(),
        stopping: CancellationToken::new(),
        closing: CancellationToken::new(),
    }
}

fn builder(settings: &Settings) -> Result<transport::Server, ServeError> {
    let builder = transport::Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT));
    match &settings.tls {
        Some(tls) => {
            builder.tls_config(tls.server_config().timeout(TLS_HANDSHAKE_TIMEOUT)).map_err(ServeError::Tls)
        }
        None => Ok(builder),
    }
}

async fn drain(shared: &Shared, limit: Duration) {
    shared.stopping.cancel();
    shared.transactions.close();
    tracing::info!(transactions = shared.transactions.len(), "stopping: waiting for transactions");
    if timeout(limit, shared.transactions.wait()).await.is_err() {
        tracing::warn!(transactions = shared.transactions.len(), "transactions were cut off");
    }
    shared.closing.cancel();
}

struct Service {
    shared: Arc<Shared>,
}

#[tonic::async_trait]
impl chaincode_server::Chaincode for Service {
    type ConnectStream = Pin<Box<ReceiverStream<Outgoing>>>;

    async fn connect(
        &self,
        request: Request<Streaming<ChaincodeMessage>>,
    ) -> Result<tonic::Response<Self::ConnectStream>, Status> {
        tracing::info!(peer = ?request.remote_addr(), "stream opened");
        let (sender, receiver) = mpsc::channel(OUTGOING_MESSAGES);
        tokio::spawn(Connection::converse(self.shared.clone(), request.into_inner(), sender));
        Ok(tonic::Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}
