//! TLS on both ports: who is let in.

use std::{fs, path::PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::{Certificate, Client, Identity};
use sillok_gateway::config::ClientCertificates;
use tonic::transport::{Channel, ClientTlsConfig};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::running::{Running, start};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Certificate and key (PEM) for this machine.
fn issue(authority: &Authority) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

struct World {
    gateway: Running,
    servers: Authority,
    clients: Authority,
    _files: tempfile::TempDir,
}

async fn world(client_certificates: ClientCertificates) -> World {
    let files = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| -> Option<PathBuf> {
        let file = files.path().join(name);
        fs::write(&file, text).unwrap();
        Some(file)
    };
    let (servers, clients) = (authority(), authority());
    let (certificate, key) = issue(&servers);
    let gateway = start(|settings| {
        settings.tls.certificate = write("certificate.pem", &certificate);
        settings.tls.key = write("key.pem", &key);
        settings.tls.client_certificates = client_certificates;
        if client_certificates != ClientCertificates::None {
            settings.tls.client_ca = write("clients.pem", &clients.pem());
        }
    })
    .await;
    World { gateway, servers, clients, _files: files }
}

impl World {
    async fn rest(&self, roots: &Authority, identity: Option<&Authority>) -> bool {
        let root = Certificate::from_pem(roots.pem().as_bytes()).unwrap();
        let mut client = Client::builder().tls_certs_only([root]);
        if let Some(authority) = identity {
            let (certificate, key) = issue(authority);
            client = client.identity(Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap());
        }
        let answer = client.build().unwrap().get(self.gateway.url("/healthz")).send().await;
        answer.is_ok_and(|response| response.status().is_success())
    }

    async fn grpc(&self, roots: &Authority, identity: Option<&Authority>) -> bool {
        let mut tls =
            ClientTlsConfig::new().ca_certificate(tonic::transport::Certificate::from_pem(roots.pem()));
        if let Some(authority) = identity {
            let (certificate, key) = issue(authority);
            tls = tls.identity(tonic::transport::Identity::from_pem(certificate, key));
        }
        let endpoint =
            Channel::from_shared(self.gateway.addresses.grpc.clone()).unwrap().tls_config(tls).unwrap();
        let Ok(channel) = endpoint.connect().await else { return false };
        HealthClient::new(channel).check(HealthCheckRequest::default()).await.is_ok()
    }

    /// REST and gRPC must agree.
    async fn lets_in(&self, roots: &Authority, identity: Option<&Authority>) -> bool {
        let (rest, grpc) = (self.rest(roots, identity).await, self.grpc(roots, identity).await);
        assert_eq!(rest, grpc, "REST and gRPC let the same callers in");
        rest
    }
}

#[tokio::test]
async fn a_caller_who_trusts_another_authority_turns_away() {
    let world = world(ClientCertificates::None).await;
    assert!(world.lets_in(&world.servers, None).await);
    assert!(!world.lets_in(&world.clients, None).await);
    world.gateway.stop().await;
}

#[tokio::test]
async fn a_required_client_certificate() {
    let world = world(ClientCertificates::Required).await;
    assert!(world.lets_in(&world.servers, Some(&world.clients)).await);
    assert!(!world.lets_in(&world.servers, None).await, "without a certificate");
    assert!(!world.lets_in(&world.servers, Some(&authority())).await, "with another authority's");
    world.gateway.stop().await;
}

#[tokio::test]
async fn an_optional_client_certificate() {
    let world = world(ClientCertificates::Optional).await;
    assert!(world.lets_in(&world.servers, Some(&world.clients)).await);
    assert!(world.lets_in(&world.servers, None).await);
    assert!(!world.lets_in(&world.servers, Some(&authority())).await, "with another authority's");
    world.gateway.stop().await;
}

#[tokio::test]
async fn plaintext_is_not_taken_where_tls_is_spoken() {
    let world = world(ClientCertificates::None).await;
    let plain = format!("http://{}/healthz", world.gateway.host());
    assert!(!Client::new().get(plain).send().await.is_ok_and(|response| response.status().is_success()));
    world.gateway.stop().await;
}
