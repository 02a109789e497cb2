//! TLS on both ports: who is let in, and whom a caller believes.

use std::{fs, path::PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, IsCa, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use reqwest::{Certificate, Client, Identity};
use sillok_gateway::config::ClientCertificates;
use tonic::transport::{Channel, ClientTlsConfig};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::running::{Running, start};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Certificate and key, PEM.
type Pair = (String, String);

/// What is unusual about a certificate.
type Change = fn(&mut CertificateParams);

const USUAL: Change = |_| {};
const EXPIRED: Change = |params| params.not_after = date_time_ymd(2020, 1, 1);
const NOT_YET: Change = |params| params.not_before = date_time_ymd(2900, 1, 1);
const OTHER_HOST: Change = |params| {
    params.subject_alt_names = CertificateParams::new(["gateway.example".into()]).unwrap().subject_alt_names
};

const REVOKED_NUMBER: u64 = 7;
const REVOKED: Change = |params| params.serial_number = Some(SerialNumber::from(REVOKED_NUMBER));

/// A pair for this machine.
fn issue(authority: &Authority, change: Change) -> Pair {
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).unwrap();
    params.not_after = date_time_ymd(2999, 1, 1);
    params.serial_number = Some(SerialNumber::from(1));
    change(&mut params);
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

/// The authority's revocation list, good until the end of that year.
fn revocations(authority: &Authority, until: i32) -> String {
    let revoked = RevokedCertParams {
        serial_number: SerialNumber::from(REVOKED_NUMBER),
        revocation_time: date_time_ymd(2020, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(until, 12, 31),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![revoked],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(authority).unwrap().pem().unwrap()
}

struct World {
    gateway: Running,
    servers: Authority,
    clients: Authority,
    _files: tempfile::TempDir,
}

/// A gateway that asks for client certificates so, and whose own is this; with revocations until that year.
async fn world_with(asks: ClientCertificates, own: Change, revoked_until: Option<i32>) -> World {
    let files = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| -> Option<PathBuf> {
        let file = files.path().join(name);
        fs::write(&file, text).unwrap();
        Some(file)
    };
    let (servers, clients) = (authority(), authority());
    let (certificate, key) = issue(&servers, own);
    let gateway = start(|settings| {
        settings.tls.certificate = write("certificate.pem", &certificate);
        settings.tls.key = write("key.pem", &key);
        settings.tls.client_certificates = asks;
        if asks != ClientCertificates::None {
            settings.tls.client_ca = write("clients.pem", &clients.pem());
        }
        if let Some(year) = revoked_until {
            settings.tls.client_revocations = write("revoked.pem", &revocations(&clients, year));
        }
    })
    .await;
    World { gateway, servers, clients, _files: files }
}

async fn world(asks: ClientCertificates) -> World {
    world_with(asks, USUAL, None).await
}

impl World {
    async fn rest(&self, roots: &Authority, identity: Option<&Pair>) -> bool {
        let root = Certificate::from_pem(roots.pem().as_bytes()).unwrap();
        let mut client = Client::builder().tls_certs_only([root]);
        if let Some((certificate, key)) = identity {
            client = client.identity(Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap());
        }
        let answer = client.build().unwrap().get(self.gateway.url("/healthz")).send().await;
        answer.is_ok_and(|response| response.status().is_success())
    }

    async fn grpc(&self, roots: &Authority, identity: Option<&Pair>) -> bool {
        let mut tls =
            ClientTlsConfig::new().ca_certificate(tonic::transport::Certificate::from_pem(roots.pem()));
        if let Some((certificate, key)) = identity {
            tls = tls.identity(tonic::transport::Identity::from_pem(certificate, key));
        }
        let endpoint =
            Channel::from_shared(self.gateway.addresses.grpc.clone()).unwrap().tls_config(tls).unwrap();
        let Ok(channel) = endpoint.connect().await else { return false };
        HealthClient::new(channel).check(HealthCheckRequest::default()).await.is_ok()
    }

    /// REST and gRPC must agree.
    async fn lets_in(&self, roots: &Authority, identity: Option<&Pair>) -> bool {
        let (rest, grpc) = (self.rest(roots, identity).await, self.grpc(roots, identity).await);
        assert_eq!(rest, grpc, "REST and gRPC let the same callers in");
        rest
    }

    /// A caller who shows such a certificate of the clients' authority.
    async fn lets_in_with(&self, change: Change) -> bool {
        self.lets_in(&self.servers, Some(&issue(&self.clients, change))).await
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
async fn a_caller_turns_away_from_a_certificate_that_is_not_good() {
    for (own, why) in [(EXPIRED, "expired"), (NOT_YET, "not yet valid"), (OTHER_HOST, "of another host")] {
        let world = world_with(ClientCertificates::None, own, None).await;
        assert!(!world.lets_in(&world.servers, None).await, "{why}");
        let root = world._files.path().join("root.pem");
        fs::write(&root, world.servers.pem()).unwrap();
        let ours = sillok_gateway::client::Client::new(&world.gateway.addresses.rest, "sillok", Some(&root));
        assert!(ours.unwrap().get("healthz").await.is_err(), "{why}, to our own client");
        world.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_required_client_certificate() {
    let world = world(ClientCertificates::Required).await;
    assert!(world.lets_in_with(USUAL).await);
    assert!(!world.lets_in(&world.servers, None).await, "without a certificate");
    assert!(!world.lets_in(&world.servers, Some(&issue(&authority(), USUAL))).await, "another authority's");
    assert!(!world.lets_in_with(EXPIRED).await, "an expired one");
    assert!(!world.lets_in_with(NOT_YET).await, "one that is not yet valid");
    assert!(world.lets_in_with(REVOKED).await, "nobody said that it is revoked");
    world.gateway.stop().await;
}

#[tokio::test]
async fn a_revoked_client_certificate() {
    let world = world_with(ClientCertificates::Required, USUAL, Some(2999)).await;
    assert!(world.lets_in_with(USUAL).await);
    assert!(!world.lets_in_with(REVOKED).await);
    world.gateway.stop().await;
}

#[tokio::test]
async fn an_old_revocation_list_lets_nobody_in() {
    let world = world_with(ClientCertificates::Required, USUAL, Some(2021)).await;
    assert!(!world.lets_in_with(USUAL).await);
    world.gateway.stop().await;
}

#[tokio::test]
async fn an_optional_client_certificate() {
    let world = world(ClientCertificates::Optional).await;
    assert!(world.lets_in_with(USUAL).await);
    assert!(world.lets_in(&world.servers, None).await);
    assert!(!world.lets_in(&world.servers, Some(&issue(&authority(), USUAL))).await, "another authority's");
    assert!(!world.lets_in_with(EXPIRED).await, "an expired one is worse than none");
    world.gateway.stop().await;
}

#[tokio::test]
async fn plaintext_is_not_taken_where_tls_is_spoken() {
    let world = world(ClientCertificates::None).await;
    let plain = format!("http://{}/healthz", world.gateway.host());
    assert!(!Client::new().get(plain).send().await.is_ok_and(|response| response.status().is_success()));
    world.gateway.stop().await;
}
