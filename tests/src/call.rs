//! Calls of a gateway through either face.

use sillok_contract::{
    entry::EntryId,
    id::{LearnerId, SchoolId},
};
use sillok_gateway::{
    client::Client,
    drift::{History, Plan, Selection, SignedReport},
    keys::{AccessToken, Expected, SignedQueries},
    records::{Alert, Evidence, Finding},
    server::Addresses,
    service::{Batch, Digest, EntryState, Place, QueryResult, RequestState, system_clock},
};
use sillok_proto::gateway::{
    self as message, GetEntryRequest, GetHistoryRequest, GetProofRequest, GetRequestRequest,
    ListAlertsRequest, ListBatchesRequest, PlanRestorationRequest, SubmitRequestRequest,
    VerifyLearnerRequest, dead_letters_client::DeadLettersClient, entry_state::Status,
    gateway_client::GatewayClient, signatures_client::SignaturesClient,
};
use tonic::transport::{Channel, Endpoint};

use crate::refusal::{Failed, Refusal};

/// What the gateways of the scenarios call themselves.
pub const AUDIENCE: &str = "sillok";

/// A face of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// HTTP and JSON.
    Rest,
    /// gRPC.
    Grpc,
}

/// A gateway as one caller sees it.
#[derive(Clone)]
pub struct Caller {
    pub(crate) face: Face,
    pub(crate) addresses: Addresses,
    pub(crate) rest: Client,
    pub(crate) grpc: GatewayClient<Channel>,
    pub(crate) signatures: SignaturesClient<Channel>,
    pub(crate) letters: DeadLettersClient<Channel>,
    pub(crate) access: AccessToken,
}

/// What a caller is told.
pub type Answer<T> = Result<T, Failed>;

impl Caller {
    /// Who holds `access`, at the gateway with these addresses. No connection is made yet.
    pub fn new(face: Face, addresses: &Addresses, access: AccessToken) -> Self {
        let rest = Client::new(&addresses.rest, AUDIENCE, None).unwrap().with_access(access.clone());
        let channel = Endpoint::new(addresses.grpc.clone()).unwrap().tcp_nodelay(true).connect_lazy();
        let grpc = GatewayClient::new(channel.clone()).max_decoding_message_size(64 << 20);
        let signatures = SignaturesClient::new(channel.clone());
        let letters = DeadLettersClient::new(channel);
        Self { face, addresses: addresses.clone(), rest, grpc, signatures, letters, access }
    }

    /// Sends a signed request.
    pub async fn submit(&self, signed: &SignedQueries) -> Answer<RequestState> {
        match self.face {
            Face::Rest => Ok(self.rest.submit(signed).await?),
            Face::Grpc => Ok(request(self.submit_by_grpc(signed).await?)),
        }
    }

    async fn submit_by_grpc(&self, signed: &SignedQueries) -> Result<message::RequestState, tonic::Status> {
        let sent = SubmitRequestRequest { request: signed.request.clone(), queries: signed.queries.clone() };
        Ok(self.grpc.clone().submit_request(sent).await?.into_inner())
    }

    /// What both faces answer to a request that must be refused, and that both tell the same.
    pub async fn refusal(&self, signed: &SignedQueries) -> Refusal {
        let body = serde_json::json!({ "request": signed.request, "queries": signed.queries });
        let url = format!("{}/v1/requests", self.addresses.rest);
        let response = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
        assert!(!response.status().is_success(), "taken, and must not be: {signed:?}");
        let by_rest = Refusal::of_document(response).await;
        let by_grpc = Failed::from(self.submit_by_grpc(signed).await.unwrap_err()).refused();
        assert_eq!(by_rest, by_grpc, "G12: both faces tell the same");
        by_rest
    }

    /// The state of a request.
    pub async fn request(&self, digest: Digest) -> Answer<RequestState> {
        match self.face {
            Face::Rest => Ok(self.rest.request(digest).await?),
            Face::Grpc => {
                let call = self.with_token("GetRequest", GetRequestRequest { request: digest.to_string() });
                Ok(request(self.grpc.clone().get_request(call).await?.into_inner()))
            }
        }
    }

    /// The state of an entry.
    pub async fn entry(&self, id: EntryId) -> Answer<EntryState> {
        match self.face {
            Face::Rest => Ok(self.rest.entry(id).await?),
            Face::Grpc => {
                let call = self.with_token("GetEntry", GetEntryRequest { entry: id.to_string() });
                Ok(entry(self.grpc.clone().get_entry(call).await?.into_inner()))
            }
        }
    }

    /// The proof of an entry: the bytes of its file.
    pub async fn proof(&self, id: EntryId) -> Answer<Vec<u8>> {
        match self.face {
            Face::Rest => Ok(self.rest.proof(id).await?),
            Face::Grpc => {
                let call = self.with_token("GetProof", GetProofRequest { entry: id.to_string() });
                Ok(self.grpc.clone().get_proof(call).await?.into_inner().json.into_bytes())
            }
        }
    }

    /// Whether database and ledger agree about a learner.
    pub async fn verification(&self, learner: &LearnerId) -> Answer<SignedReport> {
        match self.face {
            Face::Rest => Ok(self.rest.verification(learner).await?),
            Face::Grpc => {
                let call =
                    self.with_token("VerifyLearner", VerifyLearnerRequest { learner: learner.to_string() });
                let message::Report { json, jws } =
                    self.grpc.clone().verify_learner(call).await?.into_inner();
                Ok(SignedReport { report: serde_json::from_str(&json).unwrap(), jws })
            }
        }
    }

    /// How a learner's rows would be put back.
    pub async fn restoration(&self, learner: &LearnerId) -> Answer<Plan> {
        match self.face {
            Face::Rest => Ok(self.rest.restoration(learner).await?),
            Face::Grpc => {
                let wanted = PlanRestorationRequest { learner: learner.to_string() };
                let call = self.with_token("PlanRestoration", wanted);
                let plan = self.grpc.clone().plan_restoration(call).await?.into_inner();
                Ok(serde_json::from_str(&plan.json).unwrap())
            }
        }
    }

    /// The lives of a learner's rows.
    pub async fn history(&self, learner: &LearnerId, rows: &Selection) -> Answer<History> {
        match self.face {
            Face::Rest => Ok(self.rest.history(learner, rows).await?),
            Face::Grpc => {
                let key = serde_json::to_string(&rows.key).unwrap();
                let (learner, table) = (learner.to_string(), rows.table.clone().unwrap_or_default());
                let call = self.with_token("GetHistory", GetHistoryRequest { learner, table, key });
                let history = self.grpc.clone().get_history(call).await?.into_inner();
                Ok(serde_json::from_str(&history.json).unwrap())
            }
        }
    }

    /// A school's recorded batches, all of them.
    pub async fn batches(&self, school: &SchoolId) -> Answer<Vec<Batch>> {
        let mut all: Vec<Batch> = Vec::new();
        loop {
            let after = all.last().map_or(0, |batch| batch.sequence);
            let page = self.batches_after(school, after).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// What was found that did not come through the gateway, all of it. For officers.
    pub async fn alerts(&self) -> Answer<Vec<Alert>> {
        let mut all: Vec<Alert> = Vec::new();
        loop {
            let after = all.last().map_or(0, |alert| alert.id);
            let page = self.alerts_after(after).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    async fn alerts_after(&self, after: i64) -> Answer<Vec<Alert>> {
        match self.face {
            Face::Rest => Ok(self.rest.alerts(after).await?),
            Face::Grpc => {
                let call = self.with_token("ListAlerts", ListAlertsRequest { after, limit: 0 });
                let reply = self.grpc.clone().list_alerts(call).await?;
                Ok(reply.into_inner().alerts.into_iter().map(alert).collect())
            }
        }
    }

    async fn batches_after(&self, school: &SchoolId, after: u64) -> Answer<Vec<Batch>> {
        match self.face {
            Face::Rest => Ok(self.rest.batches(school, after).await?),
            Face::Grpc => {
                let wanted = ListBatchesRequest { school: school.to_string(), after, limit: 0 };
                let reply = self.grpc.clone().list_batches(self.with_token("ListBatches", wanted)).await?;
                Ok(reply.into_inner().batches.into_iter().map(batch).collect())
            }
        }
    }

    pub(crate) fn with_token<T>(&self, method: &str, message: T) -> tonic::Request<T> {
        self.signed_call("Gateway", method, message)
    }

    /// A call of a service's method, with an access token for it.
    pub(crate) fn signed_call<T>(&self, service: &str, method: &str, message: T) -> tonic::Request<T> {
        let uri = format!("{}/sillok.v1.{service}/{method}", self.addresses.grpc);
        let now = (system_clock())();
        let call = Expected { audience: AUDIENCE, method: "POST", uri: &uri, now };
        let bearer = format!("Bearer {}", self.access.sign(&call, 60));
        let mut request = tonic::Request::new(message);
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        request
    }
}

fn request(state: message::RequestState) -> RequestState {
    RequestState {
        request: state.request.parse().unwrap(),
        results: state.results.into_iter().map(result).collect(),
    }
}

fn result(result: message::QueryResult) -> QueryResult {
    let data = Some(result.rows_json).filter(|json| !json.is_empty());
    QueryResult {
        entry: entry(result.entry.unwrap()),
        rows: result.rows,
        data: data.map(|json| serde_json::from_str(&json).unwrap()),
    }
}

/// An entry's state as gRPC tells it.
pub(crate) fn entry(state: message::EntryState) -> EntryState {
    let place = match state.status() {
        Status::Pending => Place::Pending,
        Status::Recorded => Place::Recorded {
            sequence: state.sequence,
            index: state.index,
            transaction: state.transaction.clone(),
            block: state.block,
        },
        Status::SetAside => Place::SetAside { refusal: state.refusal.clone() },
        Status::Unspecified => panic!("an entry without a status"),
    };
    EntryState {
        entry: state.entry.parse().unwrap(),
        school: SchoolId::new(state.school).unwrap(),
        learner: LearnerId::new(state.learner).unwrap(),
        place,
    }
}

fn batch(batch: message::Batch) -> Batch {
    Batch {
        school: SchoolId::new(batch.school).unwrap(),
        sequence: batch.sequence,
        header_hash: batch.header_hash.parse().unwrap(),
        previous: batch.previous.parse().unwrap(),
        root: batch.root.parse().unwrap(),
        count: batch.count,
        first_time: batch.first_time,
        last_time: batch.last_time,
        transaction: batch.transaction,
        block: batch.block,
    }
}

/// An alert as gRPC tells it.
pub(crate) fn alert(alert: message::Alert) -> Alert {
    let told = |text: String| Some(text).filter(|text| !text.is_empty());
    let finding = Finding {
        kind: alert.kind,
        table: told(alert.table),
        key: told(alert.key_json).map(|key| serde_json::from_str(&key).unwrap()),
        operation: told(alert.operation),
        rows: alert.rows,
        committed_at: Some(alert.committed_at).filter(|time| *time != 0),
        xid: Some(alert.xid).filter(|xid| *xid != 0),
        lsn: told(alert.lsn),
        detail: told(alert.detail),
        evidence: alert.evidence.map(|evidence| Evidence {
            count: evidence.count,
            from: evidence.from,
            until: evidence.until,
            events: evidence.events,
        }),
    };
    let told = Alert::new(alert.id, alert.seen_at, finding);
    assert_eq!(told.advice, alert.advice);
    told
}
