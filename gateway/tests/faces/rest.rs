//! REST: every failure is a problem document.

use reqwest::{Client, Method, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::running::{Running, start};

/// The problem document of a response, checked against its own status.
pub(crate) async fn problem(response: Response) -> Value {
    let status = response.status().as_u16();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    assert!(response.headers().contains_key("x-request-id"));
    let document: Value = response.json().await.unwrap();
    assert_eq!(document["status"], status);
    assert_eq!(document["type"], format!("urn:sillok:problem:{}", document["code"].as_str().unwrap()));
    for text in ["title", "detail"] {
        assert!(!document[text].as_str().unwrap().is_empty());
    }
    assert!(document["retry"].is_boolean());
    document
}

async fn expect(gateway: &Running, method: Method, path: &str, status: u16, code: &str) {
    let response = Client::new().request(method.clone(), gateway.url(path)).send().await.unwrap();
    assert_eq!(response.status().as_u16(), status, "{method} {path}");
    assert_eq!(problem(response).await["code"], code, "{method} {path}");
}

async fn post(gateway: &Running, media_type: &str, body: impl Into<reqwest::Body>) -> Response {
    let request = Client::new().post(gateway.url("/v1/requests"));
    request.header(header::CONTENT_TYPE, media_type).body(body).send().await.unwrap()
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let gateway = start(|_| {}).await;
    for path in ["/", "/v1", "/v1/nothing", "/v1/requests/", "/v1/entries/x/y", "/docs/nothing.js", "/v1/%ff"]
    {
        expect(&gateway, Method::GET, path, 404, "path.unknown").await;
    }
    for (method, path, allow) in [
        (Method::DELETE, "/v1/requests", "POST"),
        (Method::POST, "/healthz", "GET,HEAD"),
        (Method::PUT, "/v1/schools/s/batches", "GET,HEAD"),
    ] {
        let response = Client::new().request(method, gateway.url(path)).send().await.unwrap();
        assert_eq!(response.headers()[header::ALLOW], allow);
        assert_eq!(problem(response).await["code"], "method.not_allowed");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn nothing_is_read_without_an_access_token() {
    let gateway = start(|_| {}).await;
    let hash = "0".repeat(64);
    for path in [
        format!("/v1/requests/{hash}"),
        format!("/v1/entries/{hash}"),
        format!("/v1/entries/{hash}/proof"),
        "/v1/schools/school-1/batches".to_owned(),
        "/v1/schools/school-1/entries".to_owned(),
        "/v1/alerts".to_owned(),
    ] {
        for authorization in ["", "Basic eDp5", "Bearer", "Bearer ", "\u{7f}"] {
            let mut request = Client::new().get(gateway.url(&path));
            if let Ok(value) = header::HeaderValue::from_str(authorization) {
                request = request.header(header::AUTHORIZATION, value);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
            assert_eq!(problem(response).await["code"], "access.missing");
        }
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificates_file_may_be_longer_than_other_bodies() {
    let gateway = start(|settings| {
        settings.limits.body_bytes = 2_000;
        settings.limits.certificate_bytes = 4_000;
    })
    .await;
    for (path, size, code) in [
        ("/v1/verify", 3_000, "certificate.file"),
        ("/v1/verify", 5_000, "limit.body"),
        ("/v1/requests", 3_000, "limit.body"),
    ] {
        let request = Client::new().post(gateway.url(path)).header("content-type", "application/json");
        let answer = request.body("x".repeat(size)).send().await.unwrap();
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], code, "{path}, {size} bytes");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_cannot_be_taken() {
    let gateway = start(|settings| settings.limits.body_bytes = 2_000).await;
    let good = json!({ "request": "a.b.c", "queries": [] }).to_string();
    let large = json!({ "request": "a.b.c", "queries": ["x".repeat(2_000)] }).to_string();
    for (media_type, body, status, code) in [
        ("text/plain", good.clone(), 415, "body.media_type"),
        ("application/json", "{".to_owned(), 400, "body.malformed"),
        ("application/json", "\u{0}".to_owned(), 400, "body.malformed"),
        ("application/json", "[]".to_owned(), 400, "body.malformed"),
        ("application/json", "{}".to_owned(), 400, "body.malformed"),
        ("application/json", json!({ "request": 1, "queries": [] }).to_string(), 400, "body.malformed"),
        (
            "application/json",
            json!({ "request": "", "queries": [], "more": 1 }).to_string(),
            400,
            "body.malformed",
        ),
        ("application/json", large, 413, "limit.body"),
    ] {
        let response = post(&gateway, media_type, body.clone()).await;
        assert_eq!(response.status().as_u16(), status, "{body}");
        assert_eq!(problem(response).await["code"], code, "{body}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_an_operator_asks() {
    let gateway = start(|_| {}).await;
    gateway.ready().await;
    let get = async |path: &str| {
        let response = Client::new().get(gateway.url(path)).send().await.unwrap().error_for_status().unwrap();
        response.text().await.unwrap()
    };
    assert_eq!(get("/healthz").await, "ok");
    let readiness: Value = serde_json::from_str(&get("/readyz").await).unwrap();
    assert_eq!(readiness["ready"], true, "{readiness}");
    assert!(get("/docs/").await.contains("swagger-ui"));
    let metrics = get("/metrics").await;
    assert!(
        metrics.contains("sillok_requests_total{face=\"rest\",operation=\"GET /readyz\",status=\"200\""),
        "{metrics}"
    );
    assert!(metrics.contains("# HELP sillok_schools_stuck "), "the batcher's are described too: {metrics}");
    gateway.stop().await;
}

#[tokio::test]
async fn metrics_are_for_nobody_where_the_configuration_says_so() {
    let gateway = start(|settings| settings.listen.metrics = sillok_gateway::config::Metrics::Nobody).await;
    expect(&gateway, Method::GET, "/metrics", 403, "metrics.forbidden").await;
    gateway.stop().await;
}
