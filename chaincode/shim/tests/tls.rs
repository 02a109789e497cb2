//! Who is let in, and which setting is blamed.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod peer;

use std::{collections::HashMap, fs, path::Path};

use fabric_protos::peer::ChaincodeAdditionalParams;
use peer::{FakePeer, Running, patiently, start_tls};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use sillok_shim::{Response, SettingError, Settings, Stub, Tls};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut parameters = CertificateParams::new(vec![]).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key.
    fn issue(&self) -> (String, String) {
        self.issue_with(|_| {})
    }

    /// One that is unusual.
    fn issue_with(&self, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec!["localhost".into()]).unwrap();
        parameters.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut parameters);
        (parameters.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

fn hello(_: &Stub) -> Response {
    Response::success("hello")
}

async fn server(authority: &Authority, client_ca: Option<&Authority>) -> Running {
    let (certificate, key) = authority.issue();
    let client_ca = client_ca.map(|authority| authority.pem().into_bytes());
    start_tls(Tls::from_pem(key.into_bytes(), certificate.into_bytes(), client_ca).unwrap(), hello).await
}

/// Runs a transaction as a client that trusts `root` and shows `identity`.
async fn call(
    server: &Running,
    root: &Authority,
    identity: Option<(String, String)>,
) -> Result<Response, Box<dyn std::error::Error>> {
    let tls =
        ClientTlsConfig::new().ca_certificate(Certificate::from_pem(root.pem())).domain_name("localhost");
    let tls = identity
        .into_iter()
        .fold(tls, |tls, (certificate, key)| tls.identity(Identity::from_pem(certificate, key)));
    let endpoint = Channel::from_shared(format!("https://{}", server.address))?.tls_config(tls)?;
    let channel = patiently(endpoint.connect()).await?;
    let mut peer = FakePeer::connect_on(channel).await?;
    // Under TLS 1.3 a client learns only here that it was refused.
    peer.first().await?;
    peer.accept(ChaincodeAdditionalParams::default()).await;
    peer.begin("t1", &[]).await;
    Ok(peer.completed().await)
}

#[tokio::test]
async fn a_peer_of_the_right_authority_is_let_in() {
    let authority = Authority::new();
    let server = server(&authority, Some(&authority)).await;
    let response = call(&server, &authority, Some(authority.issue())).await.unwrap();
    assert_eq!(response, Response::success("hello"));
}

#[tokio::test]
async fn others_are_refused_and_the_server_goes_on() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = server(&authority, Some(&authority)).await;
    assert!(call(&server, &authority, None).await.is_err(), "without a certificate");
    assert!(call(&server, &authority, Some(stranger.issue())).await.is_err(), "of another authority");
    let expired = authority.issue_with(|certificate| certificate.not_after = date_time_ymd(2020, 1, 1));
    assert!(call(&server, &authority, Some(expired)).await.is_err(), "with one that expired");
    let early = authority.issue_with(|certificate| certificate.not_before = date_time_ymd(2900, 1, 1));
    assert!(call(&server, &authority, Some(early)).await.is_err(), "with one that is not yet valid");
    let servers = authority.issue_with(|certificate| {
        certificate.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    assert!(call(&server, &authority, Some(servers)).await.is_err(), "with one that is for servers alone");
    assert!(call(&server, &stranger, Some(authority.issue())).await.is_err(), "a peer that trusts another");
    let plain = Channel::from_shared(format!("http://{}", server.address)).unwrap().connect().await;
    let refused = match plain {
        Ok(channel) => match FakePeer::connect_on(channel).await {
            Ok(mut peer) => peer.first().await.is_err(),
            Err(_) => true,
        },
        Err(_) => true,
    };
    assert!(refused, "in plain text");
    assert!(call(&server, &authority, Some(authority.issue())).await.is_ok());
}

/// It would hold a place for as long as it likes.
#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut_off() {
    let authority = Authority::new();
    let server = server(&authority, Some(&authority)).await;
    for said in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut silent = TcpStream::connect(server.address).await.unwrap();
        silent.write_all(said).await.unwrap();
        // Closed or reset: both end the connection.
        let _ = patiently(silent.read_to_end(&mut Vec::new())).await;
    }
    assert!(call(&server, &authority, Some(authority.issue())).await.is_ok());
}

#[tokio::test]
async fn without_client_authority_anyone_may_connect() {
    let authority = Authority::new();
    let server = server(&authority, None).await;
    assert!(call(&server, &authority, None).await.is_ok());
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused_at_the_start() {
    let authority = Authority::new();
    let ((certificate, _), (_, key)) = (authority.issue(), authority.issue());
    let tls = Tls::from_pem(key.into_bytes(), certificate.into_bytes(), None).unwrap();
    let server = start_tls(tls, hello).await;
    let error = patiently(server.ended).await.unwrap().unwrap_err().to_string();
    assert!(error.starts_with("CHAINCODE_TLS_KEY_FILE and CHAINCODE_TLS_CERT_FILE: "), "{error}");
    assert!(!error.contains('\n'), "{error}");
}

/// Settings from a list, on top of ones that work.
fn read(changes: &[(&str, &str)], directory: &Path) -> Result<Settings, SettingError> {
    let authority = Authority::new();
    let (certificate, key) = authority.issue();
    let mut variables = HashMap::from([
        ("CHAINCODE_ID".to_owned(), "records:01".to_owned()),
        ("CHAINCODE_SERVER_ADDRESS".to_owned(), "127.0.0.1:0".to_owned()),
    ]);
    for (name, content) in [
        ("CHAINCODE_TLS_KEY_FILE", key),
        ("CHAINCODE_TLS_CERT_FILE", certificate),
        ("CHAINCODE_CLIENT_CA_CERT_FILE", authority.pem()),
    ] {
        let path = directory.join(name);
        fs::write(&path, content).unwrap();
        variables.insert(name.to_owned(), path.to_str().unwrap().to_owned());
    }
    variables.extend(changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    Settings::read(|key| variables.get(key).cloned())
}

#[test]
fn settings_come_from_the_usual_variables() {
    let directory = tempfile::tempdir().unwrap();
    let settings = read(&[("CHAINCODE_MAX_TRANSACTIONS", "3")], directory.path()).unwrap();
    assert_eq!(settings.chaincode_id, "records:01");
    assert_eq!(settings.limits.max_transactions, 3);
    assert!(format!("{:?}", settings.tls.unwrap()).contains("mutual: true"));
    assert!(read(&[("CHAINCODE_TLS_DISABLED", "true")], directory.path()).unwrap().tls.is_none());
}

#[test]
fn the_older_names_of_the_files_work_too() {
    let directory = tempfile::tempdir().unwrap();
    read(&[], directory.path()).unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let changes = [
        ("CHAINCODE_TLS_KEY_FILE", String::new()),
        ("CHAINCODE_TLS_KEY", path("CHAINCODE_TLS_KEY_FILE")),
        ("CHAINCODE_CLIENT_CA_CERT_FILE", String::new()),
        ("CHAINCODE_CLIENT_CA_CERT", path("CHAINCODE_CLIENT_CA_CERT_FILE")),
    ];
    let changes: Vec<_> = changes.iter().map(|(key, value)| (*key, value.as_str())).collect();
    assert!(read(&changes, directory.path()).unwrap().tls.is_some());
}

#[test]
fn a_bad_setting_is_named_in_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let garbage = directory.path().join("garbage");
    fs::write(&garbage, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n").unwrap();
    let garbage = garbage.to_str().unwrap();
    for (key, value, reason) in [
        ("CHAINCODE_ID", "", "is not set"),
        ("CHAINCODE_SERVER_ADDRESS", "", "is not set"),
        ("CHAINCODE_TLS_DISABLED", "perhaps", "must be true or false"),
        ("CHAINCODE_TLS_KEY_FILE", "", "is not set"),
        ("CHAINCODE_TLS_KEY_FILE", "/nowhere", "cannot read /nowhere"),
        ("CHAINCODE_TLS_KEY_FILE", garbage, "holds no private key"),
        ("CHAINCODE_TLS_CERT_FILE", garbage, "holds no certificate"),
        ("CHAINCODE_CLIENT_CA_CERT_FILE", garbage, "holds no certificate"),
        ("CHAINCODE_CALL_TIMEOUT_SECONDS", "0", "must be a whole number from 1"),
        ("CHAINCODE_MAX_TRANSACTIONS", "many", "must be a whole number from 1"),
    ] {
        let error = read(&[(key, value)], directory.path()).unwrap_err();
        assert_eq!(error.key, key);
        assert!(error.reason.contains(reason), "{error}");
        assert!(!error.to_string().contains('\n') && !error.to_string().contains("c2VjcmV0"), "{error}");
    }
}
