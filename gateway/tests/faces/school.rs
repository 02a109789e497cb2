//! A school on the gateway's embedded ledger: one educator, two learners, and calls in the educator's name.

use reqwest::{RequestBuilder, Response};
use serde_json::json;
use sillok_contract::{
    id::{EducatorId, EducatorRole, LearnerId, MspId, SchoolId},
    registry::{BatchSettings, Educator, Enrolment, Learner, Office, School as Registered},
};
use sillok_gateway::{
    client::Client,
    clock::now,
    keys::{AccessToken, Asked, Expected, Issued, RequestSigner, SignedQueries, Validity},
    ledger::{contract::Contract, embedded::Embedded},
};

use crate::running::Running;

/// What the gateway calls itself unless the configuration says otherwise.
const AUDIENCE: &str = "sillok";

pub(crate) struct School {
    educator: Issued,
    signer: RequestSigner,
    learners: [LearnerId; 2],
}

fn authority(ledger: &Embedded, msp: &str) -> String {
    ledger.authority(msp).unwrap().certificate().to_pem()
}

impl School {
    /// Registers `north` and its people; its batches hold two entries.
    pub(crate) async fn found(ledger: &Embedded) -> Self {
        let admin = |msp| Contract::new(ledger.as_identity(msp, "admin").unwrap());
        let (office, support) = (admin("OfficeMSP"), admin("SupportMSP"));
        for msp in ["OfficeMSP", "SupportMSP"] {
            let id = MspId::new(msp).unwrap();
            let registered = Office { id, name: msp.to_owned(), authority: authority(ledger, msp) };
            office.register_office(&registered).await.unwrap();
        }
        let id = SchoolId::new("north").unwrap();
        office.register_school(&Self::registered(&id, ledger)).await.unwrap();
        let name = EducatorId::new("teacher").unwrap();
        let issuer = ledger.authority("SchoolMSP").unwrap();
        let educator = issuer.issue_educator(&name, Validity::days(now(), 30)).unwrap();
        let signer =
            RequestSigner::new(id.clone(), AUDIENCE, &educator.certificate, educator.key.clone()).unwrap();
        office.register_educators(&[Self::teacher(&id, name, &educator)]).await.unwrap();
        let learners = ["learner-1", "learner-2"].map(|name| LearnerId::new(name).unwrap());
        let enrolled = learners.clone().map(|learner| Learner {
            id: learner,
            enrolments: vec![Enrolment { school: id.clone(), since: 0 }],
            wallet_key: None,
        });
        support.register_learners(&enrolled).await.unwrap();
        Self { educator, signer, learners }
    }

    fn registered(id: &SchoolId, ledger: &Embedded) -> Registered {
        Registered {
            id: id.clone(),
            name: id.to_string(),
            district: "town".to_owned(),
            office: None,
            authority: authority(ledger, "SchoolMSP"),
            batch: BatchSettings { max_entries: 2, max_age_ms: 200 },
            closed_since: None,
        }
    }

    fn teacher(school: &SchoolId, id: EducatorId, issued: &Issued) -> Educator {
        Educator {
            id,
            school: school.clone(),
            role: EducatorRole::new("teacher").unwrap(),
            certificate: issued.certificate.to_pem(),
            thumbprint: String::new(),
            from: 0,
            until: None,
            revoked_since: None,
        }
    }

    /// A request that marks both learners in a subject.
    pub(crate) fn marks(&self, subject: &str) -> SignedQueries {
        let asked = self.learners.iter().map(|learner| Asked {
            learner: learner.clone(),
            sql: "INSERT INTO grades (year, term, subject, score) VALUES (2026, 1, $1, 90)".to_owned(),
            params: vec![json!(subject)],
        });
        self.signer.sign(asked, now()).unwrap()
    }

    /// A request with a statement about the first learner.
    pub(crate) fn asks(&self, sql: &str) -> SignedQueries {
        let asked = Asked { learner: self.learners[0].clone(), sql: sql.to_owned(), params: Vec::new() };
        self.signer.sign([asked], now()).unwrap()
    }

    /// A client of REST in the educator's name.
    pub(crate) fn client(&self, gateway: &Running) -> Client {
        Client::new(&gateway.addresses.rest, AUDIENCE, None).unwrap().with_access(self.access())
    }

    fn access(&self) -> AccessToken {
        AccessToken::of_certificate(&self.educator.certificate, self.educator.key.clone()).unwrap()
    }

    /// An access token for one call.
    pub(crate) fn token(&self, method: &str, uri: &str) -> String {
        self.access().sign(&Expected { audience: AUDIENCE, method, uri, now: now() }, 60)
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
