//! Each limit refuses with a code of its own.

use std::{num::NonZeroU32, time::Duration};

use reqwest::{Client, StatusCode, header};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    grpc::channel,
    rest::problem,
    running::{PATIENCE, start},
};

#[tokio::test]
async fn a_head_that_is_too_large() {
    let gateway = start(|settings| settings.limits.header_bytes = 1_024).await;
    for (path, header) in
        [("/healthz".to_owned(), "x".repeat(1_024)), (format!("/{}", "x".repeat(1_024)), String::new())]
    {
        let response = Client::new().get(gateway.url(&path)).header("x-large", header).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        assert_eq!(problem(response).await["code"], "limit.headers");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn too_many_requests_of_one_caller() {
    let gateway = start(|settings| {
        settings.limits.rate = NonZeroU32::MIN;
        settings.limits.burst = NonZeroU32::new(3).unwrap();
    })
    .await;
    let client = Client::new();
    let mut refused = None;
    for _ in 0..4 {
        let response = client.get(gateway.url("/healthz")).send().await.unwrap();
        refused = Some(response).filter(|response| response.status() == StatusCode::TOO_MANY_REQUESTS);
    }
    let refused = refused.expect("the fourth within a moment is refused");
    assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    let document = problem(refused).await;
    assert_eq!((document["code"].as_str(), document["retry"].as_bool()), (Some("limit.rate"), Some(true)));
    gateway.stop().await;
}

/// Connects, says this much, and waits until the other end is tired of it.
async fn is_cut_off(host: &str, said: &[u8]) {
    let mut slow = TcpStream::connect(host).await.unwrap();
    slow.write_all(said).await.unwrap();
    let mut rest = Vec::new();
    // Closed or reset: both end the connection.
    let _ = timeout(PATIENCE, slow.read_to_end(&mut rest)).await.expect("the connection is ended");
}

#[tokio::test]
async fn a_caller_that_is_slow_to_say_what_it_wants_is_cut_off() {
    let gateway = start(|settings| settings.limits.header_ms = 100).await;
    for said in ["", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        is_cut_off(gateway.host(), said.as_bytes()).await;
    }
    for said in ["", "PRI * HTTP/2.0\r\n\r\nSM"] {
        is_cut_off(gateway.grpc_host(), said.as_bytes()).await;
    }
    gateway.stop().await;
}

/// The first bytes of a TLS record that announces a handshake message and never brings it.
#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut_off() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let file = files.path().join(name);
        std::fs::write(&file, text).unwrap();
        Some(file)
    };
    let gateway = start(|settings| {
        settings.limits.header_ms = 100;
        settings.tls.certificate = write("certificate.pem", certified.cert.pem());
        settings.tls.key = write("key.pem", certified.signing_key.serialize_pem());
    })
    .await;
    for host in [gateway.host(), gateway.grpc_host()] {
        for said in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
            is_cut_off(host, said).await;
        }
    }
    gateway.stop().await;
}

/// As many as there are places, and more, that say nothing: whoever has something to say waits a moment at most.
#[tokio::test]
async fn silent_connections_do_not_keep_others_out() {
    let gateway = start(|settings| {
        settings.limits.header_ms = 100;
        settings.limits.connections = 8;
    })
    .await;
    let mut silent = Vec::new();
    for host in [gateway.host(), gateway.grpc_host()].repeat(20) {
        silent.push(TcpStream::connect(host).await.unwrap());
    }
    let answer = timeout(PATIENCE, Client::new().get(gateway.url("/healthz")).send()).await;
    assert_eq!(answer.expect("a place is given back").unwrap().status(), StatusCode::OK);
    timeout(PATIENCE, channel(&gateway)).await.expect("a place is given back");
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let gateway = start(|settings| settings.limits.request_ms = 100).await;
    let mut slow = TcpStream::connect(gateway.host()).await.unwrap();
    let head = "POST /v1/requests HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let read = timeout(PATIENCE, slow.read(&mut answer)).await.expect("there is an answer").unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 504 ") && answer.contains("limit.time"), "{answer}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_for_a_place() {
    let gateway = start(|settings| settings.limits.connections = 1).await;
    let first = TcpStream::connect(gateway.host()).await.unwrap();
    let second = Client::new().get(gateway.url("/healthz")).send();
    let second = tokio::spawn(second);
    assert!(
        timeout(Duration::from_millis(300), async {
            while !second.is_finished() {
                tokio::task::yield_now().await
            }
        })
        .await
        .is_err()
    );
    drop(first);
    let response = timeout(PATIENCE, second).await.expect("the place was given back").unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    gateway.stop().await;
}
