//! gRPC: the same codes as REST, in the status' details; health and reflection.

use prost::Message as _;
use reqwest::Client;
use serde_json::Value;
use sillok_proto::gateway::{
    GetEntryRequest, GetProofRequest, GetRequestRequest, ListBatchesRequest, Problem, StreamEntriesRequest,
    SubmitRequestRequest, gateway_client::GatewayClient,
};
use tokio_stream::StreamExt as _;
use tonic::{Code, Status, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::running::{Running, start};

/// `google.rpc.Status`, as far as it is read here.
#[derive(Clone, PartialEq, prost::Message)]
struct RichStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// The problem in a status' details.
pub(crate) fn problem(status: &Status) -> Problem {
    let rich = RichStatus::decode(status.details()).unwrap();
    assert_eq!(rich.code, i32::from(status.code()));
    let packed = rich.details.iter().find(|any| any.type_url == "type.googleapis.com/sillok.v1.Problem");
    Problem::decode(packed.expect("every error tells its problem").value.as_slice()).unwrap()
}

pub(crate) async fn channel(gateway: &Running) -> Channel {
    Channel::from_shared(gateway.addresses.grpc.clone()).unwrap().connect().await.unwrap()
}

async fn rest_code(gateway: &Running, path: &str) -> String {
    let document: Value = Client::new().get(gateway.url(path)).send().await.unwrap().json().await.unwrap();
    document["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_codes_are_those_of_rest() {
    let gateway = start(|_| {}).await;
    let mut client = GatewayClient::new(channel(&gateway).await);
    let hash = "0".repeat(64);
    let entry = client.get_entry(GetEntryRequest { entry: hash.clone() }).await.unwrap_err();
    let proof = client.get_proof(GetProofRequest { entry: hash.clone() }).await.unwrap_err();
    let request = client.get_request(GetRequestRequest { request: hash.clone() }).await.unwrap_err();
    let school = "school-1".to_owned();
    let batches = client
        .list_batches(ListBatchesRequest { school: school.clone(), ..Default::default() })
        .await
        .unwrap_err();
    let entries =
        client.stream_entries(StreamEntriesRequest { school, ..Default::default() }).await.unwrap_err();
    for (status, path) in [
        (entry, format!("/v1/entries/{hash}")),
        (proof, format!("/v1/entries/{hash}/proof")),
        (request, format!("/v1/requests/{hash}")),
        (batches, "/v1/schools/school-1/batches".to_owned()),
        (entries, "/v1/schools/school-1/entries".to_owned()),
    ] {
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(problem(&status).code, rest_code(&gateway, &path).await, "{path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_submission_is_refused_with_the_code_of_rest() {
    let gateway = start(|_| {}).await;
    let mut client = GatewayClient::new(channel(&gateway).await);
    for request in ["", "x", "a.b.c", "\u{0}"] {
        let submission = SubmitRequestRequest { request: request.to_owned(), queries: vec!["{}".to_owned()] };
        let status = client.submit_request(submission).await.unwrap_err();
        let body = serde_json::json!({ "request": request, "queries": ["{}"] });
        let response = Client::new().post(gateway.url("/v1/requests")).json(&body).send().await.unwrap();
        let document: Value = response.json().await.unwrap();
        assert_eq!(problem(&status).code, document["code"].as_str().unwrap());
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_library_refuses_has_a_code_too() {
    let gateway = start(|settings| settings.limits.body_bytes = 1_000).await;
    let channel = channel(&gateway).await;
    let large = SubmitRequestRequest { request: "x".repeat(1_001), queries: Vec::new() };
    let status = GatewayClient::new(channel.clone()).submit_request(large).await.unwrap_err();
    assert_eq!((status.code(), problem(&status).code.as_str()), (Code::OutOfRange, "limit.body"));
    for path in ["/sillok.v1.Gateway/Nothing", "/nothing.v1.Nothing/Nothing"] {
        let mut grpc = tonic::client::Grpc::new(channel.clone());
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<GetEntryRequest, GetEntryRequest>::default();
        let call = tonic::Request::new(GetEntryRequest::default());
        let status = grpc.unary(call, path.parse().unwrap(), codec).await.unwrap_err();
        assert_eq!((status.code(), problem(&status).code.as_str()), (Code::Unimplemented, "method.unknown"));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn health_follows_readiness_and_a_stop() {
    let gateway = start(|_| {}).await;
    gateway.ready().await;
    let mut client = HealthClient::new(channel(&gateway).await);
    let ask = |service: &str| HealthCheckRequest { service: service.to_owned() };
    for service in ["", "sillok.v1.Gateway"] {
        let status = client.check(ask(service)).await.unwrap().into_inner().status();
        assert_eq!(status, ServingStatus::Serving);
    }
    let unknown = client.check(ask("nothing")).await.unwrap_err();
    assert_eq!((unknown.code(), problem(&unknown).code.as_str()), (Code::NotFound, "service.unknown"));
    let mut watch = client.watch(ask("")).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    gateway.shutdown.cancel();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert!(watch.next().await.is_none(), "a watch does not hold up the stop");
    gateway.stop().await;
}

#[tokio::test]
async fn a_watch_counts_as_a_stream() {
    let gateway = start(|settings| settings.limits.streams = 1).await;
    let mut client = HealthClient::new(channel(&gateway).await);
    let ask = || HealthCheckRequest { service: String::new() };
    let first = client.watch(ask()).await.unwrap();
    let refused = client.watch(ask()).await.unwrap_err();
    assert_eq!((refused.code(), problem(&refused).code.as_str()), (Code::Unavailable, "limit.streams"));
    drop(first);
    gateway.stop().await;
}

#[tokio::test]
async fn reflection_names_the_services() {
    let gateway = start(|_| {}).await;
    let mut client = ServerReflectionClient::new(channel(&gateway).await);
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = client.server_reflection_info(tokio_stream::once(ask)).await.unwrap().into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        answers.next().await.unwrap().unwrap().message_response
    else {
        panic!("the services are listed");
    };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    for name in ["sillok.v1.Gateway", "grpc.health.v1.Health"] {
        assert!(names.iter().any(|known| known == name), "{names:?}");
    }
    gateway.stop().await;
}
