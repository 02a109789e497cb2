//! Alerts through both faces: listed by pages, followed, and for the offices alone.

use reqwest::{Client as Http, RequestBuilder, Response};
use serde_json::{Value, json};
use sillok_gateway::{
    client::Client,
    clock::now,
    keys::{AccessToken, Expected, Validity},
    records::{Finding, NewAlert},
};
use sillok_proto::gateway::{Alert, ListAlertsRequest, StreamAlertsRequest, gateway_client::GatewayClient};
use tokio_stream::StreamExt as _;

use crate::{
    grpc::channel,
    journey::Events,
    running::{Running, start},
    school::{AUDIENCE, School},
};

/// A gateway with a school, and an officer.
struct Office {
    gateway: Running,
    school: School,
    access: AccessToken,
}

impl Office {
    async fn open() -> Self {
        let gateway = start(|_| {}).await;
        let school = School::found(&gateway.ledger).await;
        let authority = gateway.ledger.authority("OfficeMSP").unwrap();
        let officer = authority.issue("Officer", "client", Validity::days(now(), 1)).unwrap();
        let access = AccessToken::of_officer(&officer.certificate, officer.key).unwrap();
        Self { gateway, school, access }
    }

    async fn raise(&self, numbers: std::ops::RangeInclusive<u64>) {
        let alert = |number: u64| NewAlert {
            fingerprint: number.to_string(),
            finding: Finding {
                table: Some("grades".to_owned()),
                key: json!({ "learner": number.to_string() }).as_object().cloned(),
                operation: Some("UPDATE".to_owned()),
                rows: 1,
                xid: Some(7),
                ..Finding::new("write.unrecorded")
            },
        };
        let alerts: Vec<_> = numbers.map(alert).collect();
        self.gateway.service.raise_alerts(&alerts).await.unwrap();
    }

    fn token(&self, method: &str, uri: &str) -> String {
        self.access.sign(&Expected { audience: AUDIENCE, method, uri, now: now() }, 60)
    }

    async fn get(&self, path: &str, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Response {
        let url = self.gateway.url(path);
        let request = Http::new().get(&url).bearer_auth(self.token("GET", &url));
        change(request).send().await.unwrap()
    }

    fn call<T>(&self, method: &str, message: T) -> tonic::Request<T> {
        let uri = format!("{}/sillok.v1.Gateway/{method}", self.gateway.addresses.grpc);
        let mut request = tonic::Request::new(message);
        let bearer = format!("Bearer {}", self.token("POST", &uri));
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        request
    }
}

#[tokio::test]
async fn alerts_are_listed_by_pages_each_once() {
    let office = Office::open().await;
    let client = Client::new(&office.gateway.addresses.rest, AUDIENCE, None).unwrap();
    let client = client.with_access(office.access.clone());
    assert!(client.alerts(0).await.unwrap().is_empty());
    office.raise(1..=120).await;
    office.raise(100..=130).await;
    let first = client.alerts(0).await.unwrap();
    let rest = client.alerts(first[99].id).await.unwrap();
    assert_eq!((first.len(), rest.len()), (100, 30), "what was raised before is not raised again");
    let learner =
        |alert: &sillok_gateway::records::Alert| alert.finding.key.clone().unwrap()["learner"].clone();
    let learners: Vec<_> = first.iter().chain(&rest).map(learner).collect();
    assert_eq!(learners, (1..=130).map(|number| json!(number.to_string())).collect::<Vec<_>>());
    assert!(client.alerts(rest[29].id).await.unwrap().is_empty());

    let mut grpc = GatewayClient::new(channel(&office.gateway).await);
    let asked = ListAlertsRequest { after: first[99].id, limit: 1 };
    let listed = grpc.list_alerts(office.call("ListAlerts", asked)).await.unwrap().into_inner().alerts;
    let [Alert { id, kind, table, key_json, operation, rows, xid, .. }] = &listed[..] else {
        panic!("one is asked for: {listed:?}")
    };
    assert_eq!((*id, *rows, *xid), (rest[0].id, 1, 7));
    assert_eq!((kind.as_str(), table.as_str(), operation.as_str()), ("write.unrecorded", "grades", "UPDATE"));
    assert_eq!(serde_json::from_str::<Value>(key_json).unwrap(), json!({ "learner": "101" }));

    for (path, status) in [("after=x", 400), ("limit=0", 400), ("limit=101", 400), ("after=0&limit=1", 200)] {
        let answered = office.get(&format!("/v1/alerts?{path}"), |request| request).await;
        assert_eq!(answered.status().as_u16(), status, "{path}");
    }
    let refused = office.school.client(&office.gateway).alerts(0).await.unwrap_err();
    assert_eq!(refused.code(), Some("access.offices_only"));
    office.gateway.stop().await;
}

#[tokio::test]
async fn alerts_are_followed_and_resumed_without_a_gap() {
    let office = Office::open().await;
    office.raise(1..=2).await;
    let events = |request: RequestBuilder| request.header("Accept", "text/event-stream");
    let mut stream = Events::of(office.get("/v1/alerts", events).await);
    let (first, data) = stream.next().await.unwrap();
    assert_eq!(
        (data["key"].clone(), data["kind"].clone()),
        (json!({"learner": "1"}), json!("write.unrecorded"))
    );
    assert_eq!(data["id"].to_string(), first);
    let resumed = |request: RequestBuilder| events(request).header("Last-Event-ID", &first);
    let mut resumed = Events::of(office.get("/v1/alerts", resumed).await);
    for stream in [&mut stream, &mut resumed] {
        assert_eq!(stream.next().await.unwrap().1["key"], json!({"learner": "2"}));
    }
    let mut client = GatewayClient::new(channel(&office.gateway).await);
    let after = first.parse().unwrap();
    let by_grpc = client.stream_alerts(office.call("StreamAlerts", StreamAlertsRequest { after })).await;
    let mut by_grpc = by_grpc.unwrap().into_inner();
    assert_eq!(by_grpc.next().await.unwrap().unwrap().key_json, r#"{"learner":"2"}"#);
    office.raise(3..=3).await;
    for stream in [&mut stream, &mut resumed] {
        assert_eq!(stream.next().await.unwrap().1["key"], json!({"learner": "3"}));
    }
    assert_eq!(by_grpc.next().await.unwrap().unwrap().key_json, r#"{"learner":"3"}"#);
    office.gateway.stop().await;
}
