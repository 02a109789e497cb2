//! TLS to a real PostgreSQL, and none where there should be some.

use std::{env, fs, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::records::{OpenError, Records, Settings, conformance::engines::Ledgers, open};

/// The server's URL and the file of its certificate, if the tests were given one that speaks TLS.
fn server() -> Option<(String, String)> {
    let server = env::var("SILLOK_TEST_POSTGRES").ok().zip(env::var("SILLOK_TEST_POSTGRES_ROOTS").ok());
    if server.is_none() {
        println!("SKIPPED: SILLOK_TEST_POSTGRES and SILLOK_TEST_POSTGRES_ROOTS name no PostgreSQL with TLS");
    }
    server
}

fn settings(url: &str, roots: Option<&str>) -> Settings {
    let root_certificates = roots.map(Into::into);
    Settings { url: url.to_owned(), root_certificates, wait_ms: 2_000, ..Settings::default() }
}

async fn error(settings: &Settings) -> OpenError {
    open(settings).await.err().expect("it is refused")
}

/// How many of the gateway's connections to the server are encrypted, and how many are not.
async fn sessions(url: &str, name: &str) -> (i64, i64) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let count = "SELECT count(*) FILTER (WHERE ssl), count(*) FILTER (WHERE NOT ssl)
                 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = $1";
    let row = client.query_one(count, &[&name]).await.unwrap();
    (row.get(0), row.get(1))
}

/// Whether the connection that watches the database is encrypted.
async fn watched(records: Arc<dyn Records>, client: &tokio_postgres::Client, name: &str) -> bool {
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    let watching = tokio::spawn(async move { records.watch(&|_| {}, &Ledgers, &stop).await });
    let hears = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)
                 JOIN pg_replication_slots ON active_pid = pid WHERE database = $1";
    let encrypted = loop {
        if let Some(row) = client.query_opt(hears, &[&name]).await.unwrap() {
            break row.get(0);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    shutdown.cancel();
    watching.await.unwrap();
    while client.query_opt(hears, &[&name]).await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    encrypted
}

#[tokio::test]
async fn with_the_servers_certificate_every_connection_is_encrypted() {
    let Some((url, roots)) = server() else { return };
    let name = format!("sillok_tls_{:x}", rand::random::<u64>());
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let (base, _) = url.rsplit_once('/').unwrap();
    for mode in ["", "?sslmode=prefer", "?sslmode=require"] {
        let records = open(&settings(&format!("{base}/{name}{mode}"), Some(&roots))).await.unwrap();
        records.ready().await.unwrap();
        let (encrypted, plain) = sessions(&url, &name).await;
        assert!(encrypted > 0 && plain == 0, "{mode}: {encrypted} and {plain}");
        let heard = watched(records, &client, &name).await;
        assert!(heard, "{mode}: the watch, too");
    }
    client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}

#[tokio::test]
async fn another_authority_and_another_name_are_refused() {
    let Some((url, roots)) = server() else { return };
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other.pem");
    let stranger = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(&other, stranger.cert.pem()).unwrap();
    let wrong_authority = settings(&url, other.to_str());
    // The certificate is for the address alone.
    let wrong_name = settings(&url.replace("@127.0.0.1:", "@localhost:"), Some(&roots));
    for settings in [wrong_authority, wrong_name] {
        let told = error(&settings).await;
        assert!(matches!(told, OpenError::Records(_)), "{told}");
        assert!(!told.to_string().contains(url.split([':', '@']).nth(2).unwrap()), "no password: {told}");
    }
}

/// Whoever is in between and says that there is no TLS here does not get plaintext.
#[tokio::test]
async fn a_server_without_tls_is_refused_where_there_are_roots() {
    let directory = tempfile::tempdir().unwrap();
    let roots = directory.path().join("roots.pem");
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(&roots, own.cert.pem()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://sillok@{}/records", listener.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 8];
        stream.read_exact(&mut asked).await.unwrap();
        stream.write_all(b"N").await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        (asked, rest)
    });
    let told = error(&settings(&url, roots.to_str())).await;
    assert!(matches!(told, OpenError::Records(_)), "{told}");
    let (asked, rest) = heard.await.unwrap();
    assert_eq!(&asked[4..], &80_877_103_u32.to_be_bytes(), "it asks for TLS");
    assert!(rest.is_empty(), "and says nothing more without: {rest:?}");
}

#[tokio::test]
async fn plaintext_stays_on_this_machine() {
    for (url, roots, key) in [
        ("postgres://sillok@records.example/records", None, "records.root_certificates"),
        ("postgres://sillok@192.0.2.1/records", None, "records.root_certificates"),
        ("postgres://sillok@127.0.0.1,192.0.2.1/records", None, "records.root_certificates"),
        ("postgres://sillok@127.0.0.1/records?sslmode=require", None, "records.root_certificates"),
        (
            "postgres://sillok@127.0.0.1/records?sslmode=disable",
            Some("roots.pem"),
            "records.root_certificates",
        ),
        ("postgres://sillok@127.0.0.1/records", Some("nowhere.pem"), "records.root_certificates nowhere.pem"),
    ] {
        let told = error(&settings(url, roots)).await;
        assert!(matches!(told, OpenError::Setting(_)) && told.to_string().starts_with(key), "{told}");
    }
    let explicit = error(&settings("postgres://sillok@127.0.0.1:1/records?sslmode=disable", None)).await;
    assert!(matches!(explicit, OpenError::Records(_)), "it is tried: {explicit}");
}
