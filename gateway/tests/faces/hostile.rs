//! Bodies made to cost more than they are worth: too long, too deep, compressed. Each is refused with a code, on both
//! faces, and the gateway goes on.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Client, Response, header};
use serde_json::json;
use sillok_contract::request::query_hash;
use sillok_gateway::keys::SignedQueries;
use sillok_proto::gateway::{SubmitRequestRequest, gateway_client::GatewayClient};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tonic::Code;

use crate::{
    grpc,
    rest::problem,
    running::{PATIENCE, Running, start},
    school::School,
};

/// Deeper than any of it may nest; what follows it stack by stack would overflow.
const DEEP: usize = 50_000;

async fn post(gateway: &Running, encoding: Option<&str>, body: impl Into<reqwest::Body>) -> Response {
    let mut request = Client::new()
        .post(gateway.url("/v1/requests"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(body);
    if let Some(encoding) = encoding {
        request = request.header(header::CONTENT_ENCODING, encoding);
    }
    request.send().await.unwrap()
}

async fn code(response: Response) -> String {
    problem(response).await["code"].as_str().unwrap().to_owned()
}

/// The code over REST; gRPC must answer the same.
async fn refused(gateway: &Running, sent: SignedQueries) -> String {
    let body = json!({ "request": sent.request, "queries": sent.queries }).to_string();
    let over_rest = code(post(gateway, None, body).await).await;
    let message = SubmitRequestRequest { request: sent.request, queries: sent.queries };
    let mut client = GatewayClient::new(grpc::channel(gateway).await);
    let over_grpc = grpc::problem(&client.submit_request(message).await.unwrap_err()).code;
    assert_eq!(over_rest, over_grpc);
    over_rest
}

/// A request that nobody signed, whose payload signs for these queries.
fn unsigned(header: &str, payload: &str, queries: Vec<String>) -> SignedQueries {
    let parts = [header.as_bytes(), payload.as_bytes(), &[1; 64]].map(|part| URL_SAFE_NO_PAD.encode(part));
    SignedQueries { request: parts.join("."), queries }
}

fn for_query(query: &str) -> SignedQueries {
    let header = json!({
        "typ": "sillok-request+jws", "alg": "ES256", "x5t#S256": URL_SAFE_NO_PAD.encode([7; 32]),
    });
    let payload = json!({
        "jti": "0123456789abcdef", "iat": 1, "aud": "sillok", "school": "north",
        "queries": [URL_SAFE_NO_PAD.encode(query_hash(query.as_bytes()))],
    });
    unsigned(&header.to_string(), &payload.to_string(), vec![query.to_owned()])
}

fn nested(open: &str, close: &str) -> String {
    format!("{}{}", open.repeat(DEEP), close.repeat(DEEP))
}

#[tokio::test]
async fn nested_json() {
    let gateway = start(|_| {}).await;
    for body in
        [nested("[", "]"), nested("{\"request\":", "}"), format!("{{\"queries\":{}", "[".repeat(DEEP))]
    {
        assert_eq!(code(post(&gateway, None, body).await).await, "body.malformed");
    }
    let nested = nested("[", "]");
    let usual = for_query("{}");
    let (header, payload) =
        (r#"{"typ":"x","alg":"#.to_owned() + &nested + "}", format!("{{\"jti\":{nested}}}"));
    for (header, payload) in [(header.as_str(), "{}"), ("{}", payload.as_str()), (&nested, &nested)] {
        let code = refused(&gateway, unsigned(header, payload, Vec::new())).await;
        assert!(["request.malformed", "request.too_large"].contains(&code.as_str()), "{code}");
    }
    assert_eq!(refused(&gateway, usual).await, "query.malformed");
    let query = format!("{{\"learner\":\"L1\",\"sql\":\"\",\"salt\":\"\",\"params\":{nested}}}");
    let code = refused(&gateway, for_query(&query)).await;
    assert!(["query.malformed", "query.too_large"].contains(&code.as_str()), "{code}");
    gateway.stop().await;
}

#[tokio::test]
async fn nested_sql() {
    let gateway = start(|_| {}).await;
    let school = School::found(&gateway.ledger).await;
    for (open, close) in [("(", ")"), ("-", ""), ("NOT ", ""), ("CASE WHEN ", "")] {
        let depth = 15_000 / (open.len() + close.len());
        let sql = format!("SELECT {}1{} FROM grades", open.repeat(depth), close.repeat(depth));
        let code = refused(&gateway, school.asks(&sql)).await;
        assert!(
            ["policy.syntax", "policy.size", "policy.expression", "query.statement_too_large"]
                .contains(&code.as_str()),
            "{code}"
        );
    }
    gateway.stop().await;
}

/// A group that no message here has, with another in it, and so on.
#[derive(Clone, PartialEq, prost::Message)]
struct Nested {
    #[prost(group, optional, boxed, tag = "15")]
    within: Option<Box<Nested>>,
}

#[tokio::test]
async fn nested_protobuf() {
    let gateway = start(|_| {}).await;
    let deep = (0..1_000).fold(Nested::default(), |within, _| Nested { within: Some(Box::new(within)) });
    let mut client = tonic::client::Grpc::new(grpc::channel(&gateway).await);
    client.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<Nested, Nested>::default();
    let path = "/sillok.v1.Gateway/SubmitRequest".parse().unwrap();
    let status = client.unary(tonic::Request::new(deep), path, codec).await.unwrap_err();
    assert_eq!(
        (status.code(), grpc::problem(&status).code.as_str()),
        (Code::InvalidArgument, "message.malformed")
    );
    gateway.stop().await;
}

/// No body is inflated, so none can swell.
#[tokio::test]
async fn compressed_bodies() {
    let gateway = start(|_| {}).await;
    for encoding in ["gzip", "br", "zstd", "deflate"] {
        // The head of a gzip stream.
        let bomb = [&[0x1f, 0x8b, 8, 0][..], &[0; 1_000]].concat();
        assert_eq!(code(post(&gateway, Some(encoding), bomb).await).await, "body.malformed");
    }
    let message = SubmitRequestRequest { request: "x".to_owned(), queries: Vec::new() };
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("grpc-encoding", "gzip".parse().unwrap());
    let mut client = GatewayClient::new(grpc::channel(&gateway).await);
    let status = client.submit_request(request).await.unwrap_err();
    assert_eq!(
        (status.code(), grpc::problem(&status).code.as_str()),
        (Code::Unimplemented, "method.unknown")
    );
    gateway.stop().await;
}

/// Without Content-Length nobody knows beforehand how long a body is.
#[tokio::test]
async fn a_body_that_does_not_end() {
    let gateway = start(|settings| settings.limits.body_bytes = 10_000).await;
    let mut caller = TcpStream::connect(gateway.host()).await.unwrap();
    let head = "POST /v1/requests HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("3e8\r\n{}\r\n", " ".repeat(1_000));
    caller.write_all(format!("{head}{}", chunk.repeat(20)).as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let read = timeout(PATIENCE, caller.read(&mut answer)).await.expect("there is an answer").unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    gateway.stop().await;
}
