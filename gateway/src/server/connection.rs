//! Connections: how many there are, who is at the other end, and TLS.

use sillok_contract::digest::sha256;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Extension, Router, http::Request};
use axum_server::{
    AddrListener, Address, Handle, Server,
    accept::{Accept, NoDelayAcceptor},
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use futures_util::{FutureExt as _, future::BoxFuture};
use hyper_util::rt::TokioTimer;
use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::server::TlsStream;
use tower::{Layer as _, Service};

use super::preface::{self, InTime};
use crate::config::Limits;

/// The other end of a connection. Its place among the connections is given back when the last copy is dropped, which
/// is when the connection and its requests have ended.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: SocketAddr,
    _place: Option<Arc<OwnedSemaphorePermit>>,
}

/// The SHA-256 of the certificate the other end showed, once TLS has verified it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientCertificate(pub(crate) [u8; 32]);

/// Marks requests that came through TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encrypted;

/// Which HTTP a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http {
    /// HTTP/1.1, for REST: a connection that is slow to say what it wants is closed in time.
    One,
    /// HTTP/2, for gRPC.
    Two,
}

impl Http {
    /// Its name in TLS's application-layer protocol negotiation (RFC 7301).
    pub(crate) fn alpn(self) -> Vec<u8> {
        match self {
            Self::One => b"http/1.1".to_vec(),
            Self::Two => b"h2".to_vec(),
        }
    }

    /// Speaks nothing else. To be said after the acceptor, which makes a server forget it; a server that has to find out
    /// what it is spoken to in waits without a limit.
    fn alone<A>(self, server: Server<Peer, A>) -> Server<Peer, A> {
        match self {
            Self::One => server.http1_only(),
            Self::Two => server.http2_only(),
        }
    }

    /// Takes connections that say in time what they are. With HTTP/1.1 it is the time of the first head that counts.
    fn in_time<A>(self, inner: A, patience: Duration) -> InTime<A> {
        let bytes = match self {
            Self::One => 0,
            Self::Two => preface::HTTP2,
        };
        InTime { inner, bytes, patience }
    }
}

/// A listener that takes a connection only when there is a place for it; until then it waits in the kernel's queue.
#[derive(Debug)]
pub(crate) struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

impl Bounded {
    /// At most `connections` at once.
    pub(crate) fn new(listener: TcpListener, connections: usize) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS))) }
    }
}

impl AddrListener<TcpStream, Peer> for Bounded {
    async fn bind_to(peer: Peer) -> io::Result<Self> {
        Ok(Self::new(TcpListener::bind(peer.address).await?, Semaphore::MAX_PERMITS))
    }

    async fn accept_stream(&self) -> io::Result<(TcpStream, Peer)> {
        let place = self.places.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (stream, address) = self.listener.accept().await?;
        Ok((stream, Peer { address, _place: Some(Arc::new(place)) }))
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        Ok(Peer { address: self.listener.local_addr()?, _place: None })
    }
}

impl Address for Peer {
    type Stream = TcpStream;
    type Listener = Bounded;
}

/// Serves a face on a listener until the handle says stop.
pub(crate) async fn serve(
    listener: Bounded,
    router: Router,
    http: Http,
    tls: Option<Arc<ServerConfig>>,
    limits: &Limits,
    handle: Handle<Peer>,
) -> io::Result<()> {
    let mut server = Server::from_listener(listener).handle(handle);
    confine(&mut server, limits);
    let make = tower::service_fn(move |peer: Peer| {
        let service = Extension(peer).layer(router.clone());
        async move { Ok::<_, std::convert::Infallible>(service) }
    });
    let patience = Duration::from_millis(limits.header_ms);
    match tls {
        None => http.alone(server.acceptor(http.in_time(NoDelayAcceptor::new(), patience))).serve(make).await,
        Some(config) => {
            let tls = RustlsAcceptor::new(RustlsConfig::from_config(config))
                .handshake_timeout(patience)
                .acceptor(NoDelayAcceptor::new());
            http.alone(server.acceptor(http.in_time(TellCertificate(tls), patience))).serve(make).await
        }
    }
}

/// The limits that HTTP itself must hold, before there is a request to refuse. The head's limit is held with a code of
/// its own by the edge; HTTP's is the one that memory is safe with.
fn confine<A>(server: &mut Server<Peer, A>, limits: &Limits) {
    let head = limits.header_bytes.saturating_mul(2).clamp(16 * 1024, 1024 * 1024);
    let patience = Duration::from_millis(limits.header_ms);
    let builder = server.http_builder();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(head);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20))
        .max_concurrent_streams(200)
        .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX));
}

/// TLS that tells the requests of a connection which certificate its other end showed.
#[derive(Clone, Debug)]
struct TellCertificate<A>(A);

impl<A, S> Accept<TcpStream, S> for TellCertificate<A>
where
    A: Accept<TcpStream, S, Stream = TlsStream<TcpStream>, Service = S>,
    A::Future: Send + 'static,
    S: Send + 'static,
{
    type Stream = TlsStream<TcpStream>;
    type Service = Told<S>;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let handshake = self.0.accept(stream, service);
        async move {
            let (stream, service) = handshake.await?;
            let certificate =
                stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(fingerprint);
            Ok((stream, Told { service, certificate }))
        }
        .boxed()
    }
}

fn fingerprint(certificate: &rustls::pki_types::CertificateDer<'_>) -> ClientCertificate {
    ClientCertificate(sha256(&[certificate]))
}

/// The service of one TLS connection.
#[derive(Clone, Debug)]
struct Told<S> {
    service: S,
    certificate: Option<ClientCertificate>,
}

impl<S, B> Service<Request<B>> for Told<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(Encrypted);
        if let Some(certificate) = self.certificate {
            request.extensions_mut().insert(certificate);
        }
        self.service.call(request)
    }
}
