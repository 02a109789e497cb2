//! A school on the gateway's embedded ledger: one educator, two learners, and calls in the educator's name.

use reqwest::{RequestBuilder, Response};
use serde_json::json;
use sillok_contract::{
    id::{LearnerId, SchoolId},
    registry::BatchSettings,
};
use sillok_gateway::{
    client::Client,
    clock::now,
    keys::{Asked, Expected, SignedQueries},
    ledger::{
        consortium::Consortium,
        embedded::Embedded,
        school::{self, Educator, Plan},
    },
};

use crate::running::Running;

/// What the gateway calls itself unless the configuration says otherwise.
pub(crate) const AUDIENCE: &str = "sillok";

pub(crate) struct School {
    pub(crate) educator: Educator,
    pub(crate) learners: Vec<LearnerId>,
}

impl School {
    /// Registers `north` and its people; its batches hold two entries.
    pub(crate) async fn found(ledger: &Embedded) -> Self {
        let consortium = Consortium::Embedded(ledger.clone());
        school::register_offices(&consortium).await.unwrap();
        let batch = BatchSettings { max_entries: 2, max_age_ms: 200 };
        let plan = Plan { batch, ..Plan::new(SchoolId::new("north").unwrap(), 1, 2).unwrap() };
        let mut north = school::register(&consortium, &plan, AUDIENCE).await.unwrap();
        Self { educator: north.educators.remove(0), learners: north.learners }
    }

    /// A request that marks both learners in a subject.
    pub(crate) fn marks(&self, subject: &str) -> SignedQueries {
        let asked = self.learners.iter().map(|learner| Asked {
            learner: learner.clone(),
            sql: "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, $1, 90)".to_owned(),
            params: vec![json!(subject)],
        });
        self.educator.signs(asked).unwrap()
    }

    /// A request with a statement about the first learner.
    pub(crate) fn asks(&self, sql: &str) -> SignedQueries {
        let asked = Asked { learner: self.learners[0].clone(), sql: sql.to_owned(), params: Vec::new() };
        self.educator.signs([asked]).unwrap()
    }

    /// A client of REST in the educator's name.
    pub(crate) fn client(&self, gateway: &Running) -> Client {
        Client::new(&gateway.addresses.rest, AUDIENCE, None).unwrap().with_access(self.educator.access())
    }

    /// An access token for one call.
    pub(crate) fn token(&self, method: &str, uri: &str) -> String {
        self.educator.access().sign(&Expected { audience: AUDIENCE, method, uri, now: now() }, 60)
    }

    /// Reads a path of REST in the educator's name.
    pub(crate) async fn get(
        &self,
        gateway: &Running,
        path: &str,
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Response {
        let url = gateway.url(path);
        let token = self.token("GET", &url);
        change(reqwest::Client::new().get(url).bearer_auth(token)).send().await.unwrap()
    }

    /// The same message of gRPC in the educator's name.
    pub(crate) fn call<T>(&self, gateway: &Running, method: &str, message: T) -> tonic::Request<T> {
        let uri = format!("{}/sillok.v1.Gateway/{method}", gateway.addresses.grpc);
        let mut request = tonic::Request::new(message);
        let bearer = format!("Bearer {}", self.token("POST", &uri));
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        request
    }
}
