//! Each limit refuses with a code of its own.

use std::{num::NonZeroU32, time::Duration};

use reqwest::{Client, StatusCode, header};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
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

#[tokio::test]
async fn a_caller_that_is_slow_to_say_what_it_wants_is_cut_off() {
    let gateway = start(|settings| settings.limits.header_ms = 100).await;
    let grpc = gateway.addresses.grpc.split("//").nth(1).unwrap();
    for (host, said) in [
        (gateway.host(), ""),
        (gateway.host(), "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "),
        (grpc, ""),
        (grpc, "PRI * HTTP/2.0\r\n"),
    ] {
        let mut slow = TcpStream::connect(host).await.unwrap();
        slow.write_all(said.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        // Closed or reset: both end the connection.
        let ended = timeout(PATIENCE, slow.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "the connection to {host} that said {said:?} is ended");
    }
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
