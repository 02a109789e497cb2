//! Every operation of both faces, called as somebody.

use reqwest::Method;
use serde_json::{Value, json};
use sillok_gateway::service::{Digest, Place};
use sillok_proto::gateway::{
    ActOnCertificateRequest, ActOnDocumentRequest, CertificateFile, ClaimWorkRequest, DecideObjectionRequest,
    DiscardDeadLetterRequest, EraseLearnerRequest, FileObjectionRequest, GetCertificateRequest,
    GetCertificateStatusRequest, GetClaimRequest, GetDeadLetterRequest, GetDocumentRequest, GetEntryRequest,
    GetErasureRequest, GetHistoryRequest, GetObjectionRequest, GetProofRequest, GetRequestRequest,
    GetSignatureRequest, GetTrailRequest, ListAlertsRequest, ListBatchesRequest, ListDeadLettersRequest,
    ListDocumentsRequest, ListLearnerEntriesRequest, ListLearnersRequest, ListObjectionsRequest,
    ListSignaturesRequest, ListWaitingCertificatesRequest, OpenDocumentRequest, PlanRestorationRequest,
    PrintCertificateRequest, ReplayDeadLetterRequest, RequestCertificateRequest, RequestSigningRequest,
    StreamAlertsRequest, StreamEntriesRequest, StreamLearnerEntriesRequest, SubmitRequestRequest,
    SubmitSignatureRequest, VerifyLearnerRequest, dead_letters_client::DeadLettersClient,
    gateway_client::GatewayClient, signatures_client::SignaturesClient,
};
use tokio::time::timeout;
use tonic::{Code, Request, Status};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest,
};

use super::{Flaw, Role, Whose, World};
use crate::{
    grpc::problem,
    running::{PATIENCE, Running},
    school::School,
};

/// What the offices are asked with.
const NONCE: &str = "00112233445566778899aabbccddeeff";

/// What is asked about: a recorded request of the sender's, and its first entry.
pub(super) struct Subject {
    request: String,
    entry: String,
}

impl Subject {
    /// Sends a request and waits until it is on the ledger.
    pub(super) async fn recorded(school: &School, gateway: &Running) -> Self {
        let client = school.client(gateway);
        let sent = client.submit(&school.marks("music")).await.unwrap();
        let entry = sent.results[0].entry.entry;
        let recorded = async {
            while !matches!(client.entry(entry).await.unwrap().place, Place::Recorded { .. }) {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, recorded).await.expect("the entry is recorded");
        let Digest(request) = sent.request;
        Self { request: hex::encode(request), entry: entry.to_string() }
    }
}

/// One that nobody has asked for.
const CERTIFICATE: &str = "6f9619ff-8b86-4011-b42d-00c04fc964ff";

/// What nobody has signed or claimed.
const UNSIGNED: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn certificate() -> GetCertificateRequest {
    GetCertificateRequest { certificate: CERTIFICATE.to_owned() }
}

/// HTTP's status and the problem's code over REST.
pub(super) async fn rest(
    world: &World,
    operation: &str,
    whose: Whose,
    role: Role,
    flaw: Option<Flaw>,
) -> (u16, String) {
    let (method, path) = operation.split_once(' ').unwrap();
    let path = path
        .replace("{digest}", &world.subject.request)
        .replace("{entry}", &world.subject.entry)
        .replace("{school}", "north")
        .replace("{learner}", "L1.north")
        .replace("{certificate}", CERTIFICATE)
        .replace("{objection}", "none")
        .replace("{document}", "none")
        .replace("{letter}", "9")
        .replace("{signature}", UNSIGNED)
        .replace("{hash}", UNSIGNED);
    let question = match path.rsplit('/').next() {
        Some("trail" | "status") => format!("?nonce={NONCE}"),
        Some("page") => format!("?digest={}", "0".repeat(64)),
        _ => String::new(),
    };
    let url = world.gateway.url(&path);
    let mut request = world.http.request(method.parse::<Method>().unwrap(), format!("{url}{question}"));
    if let Some(token) = world.people.token(role, flaw, method, &url) {
        request = request.bearer_auth(token);
    }
    if whose == Whose::Signers {
        let signed = world.people.request(role, flaw);
        request = request.json(&json!({ "request": signed.request, "queries": signed.queries }));
    }
    if method == "POST" && matches!(whose, Whose::Applicants | Whose::Certificates | Whose::Judged) {
        let wallet = (whose == Whose::Applicants).then(Vec::<String>::new);
        let act = json!({ "act": "x", "wallet": wallet });
        let act = if wallet.is_some() { act } else { json!({ "act": "x" }) };
        request = request.json(&act);
    }
    match whose {
        _ if operation.ends_with("/discard") => request = request.json(&json!({ "reason": "none" })),
        Whose::Objectors => request = request.json(&json!({ "act": "none", "reason": "none" })),
        Whose::Deciders | Whose::PaperSigners => request = request.json(&json!({ "act": "none" })),
        Whose::Approvals => request = request.json(&json!({ "approval": "none" })),
        Whose::SignatureSenders => request = request.json(&json!({ "signature": "none" })),
        _ => {}
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    if status < 400 {
        return (status, String::new());
    }
    let document: Value = response.json().await.unwrap();
    (status, document["code"].as_str().unwrap().to_owned())
}

/// The same over gRPC, its code told as HTTP's status.
pub(super) async fn grpc(
    world: &World,
    operation: &str,
    whose: Whose,
    role: Role,
    flaw: Option<Flaw>,
) -> (u16, String) {
    let called = Called { world, operation, whose, role, flaw };
    match called.call().await {
        Ok(()) => (200, String::new()),
        Err(status) => (status_of(status.code()), problem(&status).code),
    }
}

fn status_of(code: Code) -> u16 {
    match code {
        Code::InvalidArgument => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        other => panic!("{other:?} is expected nowhere"),
    }
}

struct Called<'a> {
    world: &'a World,
    operation: &'a str,
    whose: Whose,
    role: Role,
    flaw: Option<Flaw>,
}

impl Called<'_> {
    /// A message with the role's token.
    fn with<T>(&self, message: T) -> Request<T> {
        let uri = format!("{}{}", self.world.gateway.addresses.grpc, self.operation);
        let mut request = Request::new(message);
        if let Some(token) = self.world.people.token(self.role, self.flaw, "POST", &uri) {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        request
    }

    async fn call(&self) -> Result<(), Status> {
        let channel = self.world.channel.clone();
        let (mut gateway, mut health) =
            (GatewayClient::new(channel.clone()), HealthClient::new(channel.clone()));
        let mut signatures = SignaturesClient::new(channel.clone());
        let mut letters = DeadLettersClient::new(channel.clone());
        let Subject { request, entry } = &self.world.subject;
        let (request, entry, school) = (request.clone(), entry.clone(), "north".to_owned());
        match self.operation.rsplit_once('/').unwrap().1 {
            "SubmitRequest" => {
                assert_eq!(self.whose, Whose::Signers);
                let signed = self.world.people.request(self.role, self.flaw);
                let message = SubmitRequestRequest { request: signed.request, queries: signed.queries };
                gateway.submit_request(self.with(message)).await.map(drop)
            }
            "GetRequest" => gateway.get_request(self.with(GetRequestRequest { request })).await.map(drop),
            "GetEntry" => gateway.get_entry(self.with(GetEntryRequest { entry })).await.map(drop),
            "GetProof" => gateway.get_proof(self.with(GetProofRequest { entry })).await.map(drop),
            "ListBatches" => {
                let message = ListBatchesRequest { school, ..Default::default() };
                gateway.list_batches(self.with(message)).await.map(drop)
            }
            "VerifyLearner" => {
                let message = VerifyLearnerRequest { learner: "L1.north".to_owned() };
                gateway.verify_learner(self.with(message)).await.map(drop)
            }
            "PlanRestoration" => {
                let message = PlanRestorationRequest { learner: "L1.north".to_owned() };
                gateway.plan_restoration(self.with(message)).await.map(drop)
            }
            "GetHistory" => {
                let message = GetHistoryRequest { learner: "L1.north".to_owned(), ..Default::default() };
                gateway.get_history(self.with(message)).await.map(drop)
            }
            "GetTrail" => {
                let message = GetTrailRequest { learner: "L1.north".to_owned(), nonce: NONCE.to_owned() };
                gateway.get_trail(self.with(message)).await.map(drop)
            }
            "ListLearnerEntries" => {
                let message =
                    ListLearnerEntriesRequest { learner: "L1.north".to_owned(), ..Default::default() };
                gateway.list_learner_entries(self.with(message)).await.map(drop)
            }
            "StreamLearnerEntries" => {
                let message = StreamLearnerEntriesRequest { learner: "L1.north".to_owned(), after: 0 };
                gateway.stream_learner_entries(self.with(message)).await.map(drop)
            }
            "RequestCertificate" => {
                let message = RequestCertificateRequest { act: "x".to_owned(), wallet: Vec::new() };
                gateway.request_certificate(self.with(message)).await.map(drop)
            }
            "GetCertificate" => gateway.get_certificate(self.with(certificate())).await.map(drop),
            "GetCertificateDraft" => gateway.get_certificate_draft(self.with(certificate())).await.map(drop),
            "GetCertificateFile" => gateway.get_certificate_file(self.with(certificate())).await.map(drop),
            "ListWaitingCertificates" => {
                let message = ListWaitingCertificatesRequest::default();
                gateway.list_waiting_certificates(self.with(message)).await.map(drop)
            }
            "PrintCertificate" => {
                let GetCertificateRequest { certificate } = certificate();
                let message = PrintCertificateRequest { certificate, language: "ko".to_owned() };
                gateway.print_certificate(self.with(message)).await.map(drop)
            }
            "ActOnCertificate" => {
                let GetCertificateRequest { certificate } = certificate();
                let message =
                    ActOnCertificateRequest { certificate, act: "x".to_owned(), ..Default::default() };
                gateway.act_on_certificate(self.with(message)).await.map(drop)
            }
            "GetCertificateStatus" => {
                let GetCertificateRequest { certificate } = certificate();
                let message = GetCertificateStatusRequest { certificate, nonce: NONCE.to_owned() };
                gateway.get_certificate_status(self.with(message)).await.map(drop)
            }
            "VerifyCertificate" => {
                let message = CertificateFile { json: "{}".to_owned() };
                gateway.verify_certificate(self.with(message)).await.map(drop)
            }
            "GetErasure" => {
                let message = GetErasureRequest { learner: "L1.north".to_owned() };
                gateway.get_erasure(self.with(message)).await.map(drop)
            }
            "EraseLearner" => {
                let message = EraseLearnerRequest { learner: "L1.north".to_owned(), act: "none".to_owned() };
                gateway.erase_learner(self.with(message)).await.map(drop)
            }
            "FileObjection" => {
                let message = FileObjectionRequest { act: "none".to_owned(), reason: "none".to_owned() };
                gateway.file_objection(self.with(message)).await.map(drop)
            }
            "ListObjections" => {
                gateway.list_objections(self.with(ListObjectionsRequest::default())).await.map(drop)
            }
            "GetObjection" => {
                let message = GetObjectionRequest { objection: "none".to_owned() };
                gateway.get_objection(self.with(message)).await.map(drop)
            }
            "DecideObjection" => {
                let (objection, act) = ("none".to_owned(), "none".to_owned());
                let message = DecideObjectionRequest { objection, act, reason: String::new() };
                gateway.decide_objection(self.with(message)).await.map(drop)
            }
            "StreamEntries" => {
                let message = StreamEntriesRequest { school, ..Default::default() };
                gateway.stream_entries(self.with(message)).await.map(drop)
            }
            "ListLearners" => {
                gateway.list_learners(self.with(ListLearnersRequest::default())).await.map(drop)
            }
            "ListAlerts" => gateway.list_alerts(self.with(ListAlertsRequest::default())).await.map(drop),
            "ListDeadLetters" => {
                letters.list_dead_letters(self.with(ListDeadLettersRequest::default())).await.map(drop)
            }
            "GetDeadLetter" => {
                letters.get_dead_letter(self.with(GetDeadLetterRequest { id: 9 })).await.map(drop)
            }
            "ReplayDeadLetter" => {
                letters.replay_dead_letter(self.with(ReplayDeadLetterRequest { id: 9 })).await.map(drop)
            }
            "DiscardDeadLetter" => {
                let message = DiscardDeadLetterRequest { id: 9, reason: "none".to_owned() };
                letters.discard_dead_letter(self.with(message)).await.map(drop)
            }
            "StreamAlerts" => {
                gateway.stream_alerts(self.with(StreamAlertsRequest::default())).await.map(drop)
            }
            "SubmitSignature" => {
                let message = SubmitSignatureRequest { signature: "none".to_owned(), ..Default::default() };
                signatures.submit_signature(self.with(message)).await.map(drop)
            }
            "RequestSigning" => {
                let message = RequestSigningRequest { approval: "none".to_owned() };
                signatures.request_signing(self.with(message)).await.map(drop)
            }
            "GetSignature" => {
                let message = GetSignatureRequest { signature: UNSIGNED.to_owned() };
                signatures.get_signature(self.with(message)).await.map(drop)
            }
            "GetSignatureProof" => {
                let message = GetSignatureRequest { signature: UNSIGNED.to_owned() };
                signatures.get_signature_proof(self.with(message)).await.map(drop)
            }
            "ListSignatures" => {
                let message = ListSignaturesRequest { hash: UNSIGNED.to_owned(), ..Default::default() };
                signatures.list_signatures(self.with(message)).await.map(drop)
            }
            "OpenDocument" => {
                let message = OpenDocumentRequest { act: "none".to_owned() };
                signatures.open_document(self.with(message)).await.map(drop)
            }
            "ListDocuments" => {
                signatures.list_documents(self.with(ListDocumentsRequest::default())).await.map(drop)
            }
            "GetDocument" => {
                let message = GetDocumentRequest { document: "none".to_owned() };
                signatures.get_document(self.with(message)).await.map(drop)
            }
            "ActOnDocument" => {
                let (document, act) = ("none".to_owned(), "none".to_owned());
                let message = ActOnDocumentRequest { document, act };
                signatures.act_on_document(self.with(message)).await.map(drop)
            }
            "ClaimWork" => {
                let message = ClaimWorkRequest { act: "none".to_owned() };
                signatures.claim_work(self.with(message)).await.map(drop)
            }
            "GetClaim" => {
                let message = GetClaimRequest { hash: UNSIGNED.to_owned() };
                signatures.get_claim(self.with(message)).await.map(drop)
            }
            "Check" => health.check(self.with(HealthCheckRequest::default())).await.map(drop),
            "Watch" => health.watch(self.with(HealthCheckRequest::default())).await.map(drop),
            "ServerReflectionInfo" => {
                let services = MessageRequest::ListServices(String::new());
                let ask = ServerReflectionRequest { host: String::new(), message_request: Some(services) };
                let mut client = ServerReflectionClient::new(channel);
                client.server_reflection_info(self.with(tokio_stream::once(ask))).await.map(drop)
            }
            other => panic!("{other} is not called here yet"),
        }
    }
}
