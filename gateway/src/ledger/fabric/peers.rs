//! The peers whose gateway service is called: one at a time, the next one when it is away.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use fabric_protos::gateway::gateway_client::GatewayClient;
use tonic::{
    Response, Status,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};

use super::{ConnectError, failure, settings::Peer};

/// As much as a peer takes and sends.
const MAX_MESSAGE: usize = 100 * 1024 * 1024;
/// How long a peer may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// A peer drops clients that ask for a sign of life more often than once a minute (`peer.keepalive.minInterval`).
const KEEPALIVE: Duration = Duration::from_secs(65);
/// How long a peer may take to give that sign.
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(10);
/// After how long without traffic the system asks whether the connection is alive.
const TCP_KEEPALIVE: Duration = Duration::from_secs(10);

/// Connections to peers; made when they are first needed, and again when they are lost.
#[derive(Debug)]
pub(super) struct Peers {
    addresses: Vec<String>,
    clients: Vec<GatewayClient<Channel>>,
    /// Which one is called. It stays until that one is away.
    current: AtomicUsize,
}

impl Peers {
    /// Prepares connections without making any. There must be a peer.
    pub(super) fn new(peers: &[Peer]) -> Result<Self, ConnectError> {
        let clients = peers.iter().map(client).collect::<Result<Vec<_>, _>>()?;
        if clients.is_empty() {
            return Err(ConnectError::new("peers", "name at least one peer"));
        }
        let addresses = peers.iter().map(|peer| peer.address.clone()).collect();
        Ok(Self { addresses, clients, current: AtomicUsize::new(0) })
    }

    /// The peer that is called now, with its number.
    pub(super) fn current(&self) -> (usize, GatewayClient<Channel>) {
        let number = self.current.load(Ordering::Relaxed);
        (number, self.clients[number].clone())
    }

    /// Calls the next peer from now on, unless another caller has moved on already.
    pub(super) fn leave(&self, number: usize, status: &Status) {
        let next = (number + 1) % self.clients.len();
        let left = self.current.compare_exchange(number, next, Ordering::Relaxed, Ordering::Relaxed);
        if next != number && left.is_ok() {
            let reason = failure::reason(status);
            tracing::warn!(
                peer = self.addresses[number],
                next = self.addresses[next],
                reason,
                "a peer is away"
            );
        }
    }

    /// Makes a call at the current peer, and at the others if that one cannot do it. Only for calls that may be
    /// repeated.
    pub(super) async fn call<Q: Clone, A, F>(
        &self,
        limit: Duration,
        request: Q,
        call: impl Fn(GatewayClient<Channel>, Q) -> F,
    ) -> Result<A, Status>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let attempts = async {
            let (first, _) = self.current();
            let mut failed: Option<Status> = None;
            for number in (first..self.clients.len()).chain(0..first) {
                match call(self.clients[number].clone(), request.clone()).await {
                    Ok(answer) => return Ok(answer.into_inner()),
                    Err(status) if failure::is_elsewhere_possible(&status) => {
                        if failure::is_away(&status) {
                            self.leave(number, &status);
                        }
                        // What a peer said is worth more than that another was not reached.
                        if failed.is_none() || !failure::is_unreached(&status) {
                            failed = Some(status);
                        }
                    }
                    Err(status) => return Err(status),
                }
            }
            Err(failed.expect("there is a peer, and it was asked"))
        };
        tokio::time::timeout(limit, attempts).await.unwrap_or_else(|_| {
            Err(Status::deadline_exceeded(format!("no answer within {} s", limit.as_secs_f32())))
        })
    }
}

fn client(peer: &Peer) -> Result<GatewayClient<Channel>, ConnectError> {
    let wrong = |error: tonic::transport::Error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        ConnectError::new(&peer.address, format!("{error}{cause}"))
    };
    let mut tls = ClientTlsConfig::new().ca_certificates(peer.tls_roots.iter().map(Certificate::from_pem));
    if let Some(name) = &peer.tls_server_name {
        tls = tls.domain_name(name);
    }
    let endpoint = Endpoint::from_shared(format!("https://{}", peer.address))
        .and_then(|endpoint| endpoint.tls_config(tls))
        .map_err(wrong)?
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(TCP_KEEPALIVE))
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_ANSWER)
        .keep_alive_while_idle(true);
    Ok(GatewayClient::new(endpoint.connect_lazy())
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use std::sync::Arc;

    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
    use rustls::{ServerConfig, pki_types::PrivateKeyDer};
    use tokio::net::TcpListener;

    use super::*;

    type Authority = CertifiedIssuer<'static, KeyPair>;

    fn authority() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    /// Whether a peer with such a certificate is talked to, as far as TLS.
    async fn is_talked_to(
        authority: &Authority,
        change: impl FnOnce(&mut CertificateParams),
        roots: &Authority,
        name: Option<&str>,
    ) -> bool {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["127.0.0.1".into(), "peer.office.example".into()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, authority).unwrap();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let accepted = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            tokio_rustls::TlsAcceptor::from(Arc::new(config)).accept(stream).await.is_ok()
        });
        let tls_server_name = name.map(str::to_owned);
        let peer = Peer { address, tls_roots: vec![roots.pem().into()], tls_server_name };
        let peers = Peers::new(&[peer]).unwrap();
        let call =
            |mut client: GatewayClient<Channel>, request| async move { client.evaluate(request).await };
        let request = fabric_protos::gateway::EvaluateRequest::default();
        assert!(peers.call(Duration::from_secs(20), request, call).await.is_err(), "nobody answers there");
        accepted.await.unwrap()
    }

    #[tokio::test]
    async fn only_a_peer_with_a_good_certificate_is_talked_to() {
        let (office, other) = (authority(), authority());
        assert!(is_talked_to(&office, |_| {}, &office, None).await);
        assert!(is_talked_to(&office, |_| {}, &office, Some("peer.office.example")).await);
        assert!(!is_talked_to(&office, |_| {}, &other, None).await, "of another authority");
        assert!(
            !is_talked_to(&office, |_| {}, &office, Some("peer.support.example")).await,
            "of another name"
        );
        let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
        assert!(!is_talked_to(&office, expired, &office, None).await, "expired");
        let early = |params: &mut CertificateParams| params.not_before = date_time_ymd(2900, 1, 1);
        assert!(!is_talked_to(&office, early, &office, None).await, "not yet valid");
    }
}
