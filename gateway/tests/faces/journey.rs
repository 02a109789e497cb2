//! The way of a query through the faces: submitted, followed on its way to the ledger, proved.

use reqwest::Response;
use serde_json::Value;
use sillok_gateway::{client::ClientError, service::RequestState};
use sillok_proto::gateway::{
    GetEntryRequest, GetProofRequest, StreamEntriesRequest, SubmitRequestRequest, entry_state::Status,
    gateway_client::GatewayClient,
};
use tokio::time::timeout;
use tokio_stream::StreamExt as _;
use tonic::Code;

use crate::{
    grpc::{channel, problem},
    rest,
    running::{PATIENCE, Running, start},
    school::School,
};

/// A stream of server-sent events, read event by event.
pub(crate) struct Events {
    response: Response,
    text: String,
}

impl Events {
    async fn open(school: &School, gateway: &Running, last: Option<&str>) -> Self {
        let path = "/v1/schools/north/entries";
        let response = school.get(gateway, path, |request| match last {
            Some(id) => request.header("Last-Event-ID", id),
            None => request,
        });
        let response = response.await.error_for_status().unwrap();
        Self::of(response)
    }

    /// Those of an answer.
    pub(crate) fn of(response: Response) -> Self {
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event's id and data; none at the end of the stream. Comments are skipped.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
                    return Some((id, serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            let chunk =
                timeout(PATIENCE, self.response.chunk()).await.expect("the stream goes on").unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

async fn submitted(school: &School, gateway: &Running, subject: &str) -> RequestState {
    school.client(gateway).submit(&school.marks(subject)).await.unwrap()
}

#[tokio::test]
async fn entries_stream_as_they_are_recorded_and_resume_without_a_gap() {
    let gateway = start(|_| {}).await;
    let school = School::found(&gateway.ledger).await;
    let mut events = Events::open(&school, &gateway, None).await;
    let state = submitted(&school, &gateway, "mathematics").await;
    let mut seen = Vec::new();
    for result in &state.results {
        let (id, data) = events.next().await.unwrap();
        assert_eq!(data["entry"]["entry"], result.entry.entry.to_string());
        assert_eq!(
            (data["entry"]["status"].as_str(), data["cursor"].as_str()),
            (Some("recorded"), Some(id.as_str()))
        );
        seen.push((id, data));
    }
    let mut resumed = Events::open(&school, &gateway, Some(&seen[0].0)).await;
    assert_eq!(resumed.next().await.unwrap(), seen[1]);
    gateway.shutdown.cancel();
    assert!(events.next().await.is_none() && resumed.next().await.is_none(), "a stop ends the streams");
    gateway.stop().await;
}

#[tokio::test]
async fn both_faces_tell_the_same_of_an_entry() {
    let gateway = start(|_| {}).await;
    let school = School::found(&gateway.ledger).await;
    let (rest, mut grpc) = (school.client(&gateway), GatewayClient::new(channel(&gateway).await));
    let signed = school.marks("music");
    let submission =
        SubmitRequestRequest { request: signed.request.clone(), queries: signed.queries.clone() };
    let first = grpc.submit_request(submission).await.unwrap().into_inner();
    let again = rest.submit(&signed).await.unwrap();
    assert_eq!(first.request, again.request.to_string());
    let rows: Value = serde_json::from_str(&first.results[0].rows_json).unwrap();
    assert_eq!(Some(rows), again.results[0].data.clone().map(Value::from));
    let asked = StreamEntriesRequest { school: "north".to_owned(), after: String::new() };
    let mut entries =
        grpc.stream_entries(school.call(&gateway, "StreamEntries", asked)).await.unwrap().into_inner();
    let recorded = timeout(PATIENCE, entries.next()).await.unwrap().unwrap().unwrap().entry.unwrap();
    assert_eq!(
        (recorded.status(), &recorded.entry),
        (Status::Recorded, &again.results[0].entry.entry.to_string())
    );
    let message = GetEntryRequest { entry: recorded.entry.clone() };
    let told = grpc.get_entry(school.call(&gateway, "GetEntry", message)).await.unwrap().into_inner();
    assert_eq!(told, recorded);
    let message = GetProofRequest { entry: recorded.entry.clone() };
    let proof = grpc.get_proof(school.call(&gateway, "GetProof", message)).await.unwrap().into_inner();
    assert_eq!(proof.json.into_bytes(), rest.proof(again.results[0].entry.entry).await.unwrap());
    let batches = school.get(&gateway, "/v1/schools/north/batches?limit=1", |request| request).await;
    let batches: Value = batches.error_for_status().unwrap().json().await.unwrap();
    assert_eq!(
        (batches["batches"][0]["sequence"].as_u64(), batches["batches"][0]["count"].as_u64()),
        (Some(1), Some(2))
    );
    gateway.stop().await;
}

#[tokio::test]
async fn what_the_service_refuses_has_one_code_on_both_faces() {
    let gateway = start(|_| {}).await;
    let school = School::found(&gateway.ledger).await;
    let mut grpc = GatewayClient::new(channel(&gateway).await);
    for (sql, code) in [("DROP TABLE grades", "policy.statement"), ("SELECT 1; SELECT 2", "policy.statement")]
    {
        let signed = school.asks(sql);
        let Err(ClientError::Refused(refused)) = school.client(&gateway).submit(&signed).await else {
            panic!("{sql} is refused");
        };
        let submission = SubmitRequestRequest { request: signed.request, queries: signed.queries };
        let status = grpc.submit_request(submission).await.unwrap_err();
        assert_eq!((refused.code.as_str(), problem(&status).code.as_str()), (code, code), "{sql}");
    }
    let unknown = "0".repeat(64);
    let response = school.get(&gateway, &format!("/v1/entries/{unknown}"), |request| request).await;
    let told = rest::problem(response).await;
    let message = GetEntryRequest { entry: unknown };
    let status = grpc.get_entry(school.call(&gateway, "GetEntry", message)).await.unwrap_err();
    assert_eq!((status.code(), told["status"].as_u64()), (Code::NotFound, Some(404)));
    assert_eq!(problem(&status).code, told["code"].as_str().unwrap());
    gateway.stop().await;
}

#[tokio::test]
async fn parameters_that_cannot_be_are_refused_as_documented() {
    let gateway = start(|_| {}).await;
    let school = School::found(&gateway.ledger).await;
    for (path, code) in [
        ("/v1/requests/xyz", "digest.malformed"),
        ("/v1/entries/ABCDEF", "entry.malformed"),
        ("/v1/entries/0/proof", "entry.malformed"),
        ("/v1/schools/-x/batches", "identifier.malformed"),
        ("/v1/schools/x%20y/entries", "identifier.malformed"),
        ("/v1/schools/north/batches?limit=0", "query.malformed"),
        ("/v1/schools/north/batches?limit=101", "query.malformed"),
        ("/v1/schools/north/batches?after=-1", "query.malformed"),
        ("/v1/schools/north/batches?more=1", "query.malformed"),
        ("/v1/schools/north/batches?limit=1&limit=2", "query.malformed"),
        ("/v1/schools/north/entries?after=x", "cursor.malformed"),
    ] {
        let response = school.get(&gateway, path, |request| request).await;
        assert_eq!(response.status(), 400, "{path}");
        assert_eq!(rest::problem(response).await["code"], code, "{path}");
    }
    let stream = "/v1/schools/north/entries?after=1:0";
    let response = school.get(&gateway, stream, |request| request.header("Last-Event-ID", "nonsense")).await;
    assert_eq!(rest::problem(response).await["code"], "cursor.malformed");
    gateway.stop().await;
}

#[tokio::test]
async fn a_stream_beyond_the_limit_is_refused() {
    let gateway = start(|settings| settings.limits.streams = 1).await;
    let school = School::found(&gateway.ledger).await;
    let first = Events::open(&school, &gateway, None).await;
    let response = school.get(&gateway, "/v1/schools/north/entries", |request| request).await;
    assert!(response.headers().contains_key("retry-after"));
    let told = rest::problem(response).await;
    assert_eq!((told["status"].as_u64(), told["code"].as_str()), (Some(503), Some("limit.streams")));
    drop(first);
    gateway.stop().await;
}
