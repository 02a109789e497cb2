//! The service `sillok.v1.Gateway`: each operation reads its message, asks the service, answers.

use futures_util::{StreamExt as _, stream::BoxStream};
use sillok_proto::gateway::{
    ActOnCertificateRequest, Alert, CertificateDraft, CertificateFile, CertificateState, CertificateStatus,
    CertificateVerdict, DecideObjectionRequest, EntryRecorded, EntryState, EraseLearnerRequest, Erasure,
    FileObjectionRequest, GetCertificateRequest, GetCertificateStatusRequest, GetEntryRequest,
    GetErasureRequest, GetHistoryRequest, GetObjectionRequest, GetProofRequest, GetRequestRequest,
    GetTrailRequest, History, LearnerEntry, ListAlertsReply, ListAlertsRequest, ListBatchesReply,
    ListBatchesRequest, ListLearnerEntriesReply, ListLearnerEntriesRequest, ListLearnersReply,
    ListLearnersRequest, ListObjectionsRequest, ListWaitingCertificatesRequest, Objection, Objections,
    PlanRestorationRequest, PrintCertificateRequest, PrintedCertificate, Proof, Report,
    RequestCertificateRequest, RequestState, RestorationPlan, StreamAlertsRequest, StreamEntriesRequest,
    StreamLearnerEntriesRequest, SubmitRequestRequest, TrailReceipt, VerifyLearnerRequest,
    WaitingCertificates, gateway_server::Gateway,
};
use tokio::sync::OwnedSemaphorePermit;
use tonic::{Request, Response, Status};

use super::{Grpc, message, problem::status};
use crate::{
    problem::Problem,
    server::{
        Target, bearer, entry_id, learner_id, nonce, objection_id, objections_wanted, request_digest, rows,
        school_id,
    },
    service::{Caller, ErasureRequest, MOST_LEARNERS, ObjectionDecision, ObjectionFiling},
};

type Answer<T> = Result<Response<T>, Status>;
type Messages<M> = BoxStream<'static, Result<M, Status>>;

impl Grpc {
    /// Who calls, by the access token in the call's metadata.
    pub(super) async fn caller<T: Sync>(&self, request: &Request<T>) -> Result<Caller, Problem> {
        let token = bearer(request.metadata().as_ref())?;
        let target = request.extensions().get::<Target>().map_or("", |target| &target.0);
        self.service.authenticate(token, "POST", target).await
    }

    async fn state_of(&self, request: Request<GetRequestRequest>) -> Result<RequestState, Problem> {
        let caller = self.caller(&request).await?;
        let digest = request_digest(&request.get_ref().request)?;
        self.service.request(&caller, digest).await.map(message::request)
    }

    async fn entry_of(&self, request: Request<GetEntryRequest>) -> Result<EntryState, Problem> {
        let caller = self.caller(&request).await?;
        let id = entry_id(&request.get_ref().entry)?;
        self.service.entry(&caller, id).await.map(message::entry)
    }

    async fn proof_of(&self, request: Request<GetProofRequest>) -> Result<Proof, Problem> {
        let caller = self.caller(&request).await?;
        let id = entry_id(&request.get_ref().entry)?;
        self.service.proof(&caller, id).await.map(|json| Proof { json })
    }

    async fn batches_of(&self, request: Request<ListBatchesRequest>) -> Result<ListBatchesReply, Problem> {
        let caller = self.caller(&request).await?;
        let wanted = request.get_ref();
        let school = school_id(&wanted.school)?;
        let batches =
            self.service.batches(&caller, &school, wanted.after, message::limit(wanted.limit, 100)?).await?;
        Ok(ListBatchesReply { batches: batches.into_iter().map(message::batch).collect() })
    }

    async fn report_of(&self, request: Request<VerifyLearnerRequest>) -> Result<Report, Problem> {
        let caller = self.caller(&request).await?;
        let learner = learner_id(&request.get_ref().learner)?;
        self.service.verification(&caller, &learner).await.map(message::report)
    }

    async fn plan_of(&self, request: Request<PlanRestorationRequest>) -> Result<RestorationPlan, Problem> {
        let caller = self.caller(&request).await?;
        let learner = learner_id(&request.get_ref().learner)?;
        self.service.restoration(&caller, &learner).await.map(message::plan)
    }

    async fn history_of(&self, request: Request<GetHistoryRequest>) -> Result<History, Problem> {
        let caller = self.caller(&request).await?;
        let GetHistoryRequest { learner, table, key } = request.get_ref();
        let (learner, selection) = (learner_id(learner)?, rows(table, key)?);
        self.service.history(&caller, &learner, &selection).await.map(message::history)
    }

    async fn entries_of(
        &self,
        request: Request<StreamEntriesRequest>,
    ) -> Result<Messages<EntryRecorded>, Problem> {
        let caller = self.caller(&request).await?;
        let wanted = request.get_ref();
        let school = school_id(&wanted.school)?;
        let after =
            Some(&wanted.after).filter(|text| !text.is_empty()).map(|text| text.parse()).transpose()?;
        let place = self.gate.open_stream()?;
        let entries = self.service.entries(&caller, &school, after).await?;
        self.messages(&request, place, entries, message::recorded)
    }

    async fn trail_of(&self, request: Request<GetTrailRequest>) -> Result<TrailReceipt, Problem> {
        let caller = self.caller(&request).await?;
        let wanted = request.get_ref();
        let learner = learner_id(&wanted.learner)?;
        let receipt = self.service.trail(&caller, &learner, nonce(&wanted.nonce)?).await?;
        let json = serde_json::to_string(&receipt).expect("a receipt has string keys only");
        Ok(TrailReceipt { json })
    }

    async fn learner_entries_of(
        &self,
        request: Request<ListLearnerEntriesRequest>,
    ) -> Result<ListLearnerEntriesReply, Problem> {
        let caller = self.caller(&request).await?;
        let wanted = request.get_ref();
        let (learner, limit) = (learner_id(&wanted.learner)?, message::limit(wanted.limit, 100)?);
        let page = self.service.learner_entries(&caller, &learner, wanted.after, limit).await?;
        let entries = page.entries.into_iter().map(message::numbered).collect();
        Ok(ListLearnerEntriesReply { learner: page.learner.into(), count: page.count, entries })
    }

    async fn follow_learner_of(
        &self,
        request: Request<StreamLearnerEntriesRequest>,
    ) -> Result<Messages<LearnerEntry>, Problem> {
        let caller = self.caller(&request).await?;
        let wanted = request.get_ref();
        let learner = learner_id(&wanted.learner)?;
        let place = self.gate.open_stream()?;
        let entries = self.service.follow_learner(&caller, &learner, wanted.after).await?;
        self.messages(&request, place, entries, message::numbered)
    }

    async fn erasure_of(&self, request: Request<GetErasureRequest>) -> Result<Erasure, Problem> {
        let caller = self.caller(&request).await?;
        let learner = learner_id(&request.get_ref().learner)?;
        self.service.erasure(&caller, &learner).await.map(message::erasure)
    }

    async fn erased(&self, request: Request<EraseLearnerRequest>) -> Result<Erasure, Problem> {
        let caller = self.caller(&request).await?;
        let EraseLearnerRequest { learner, act } = request.into_inner();
        let wanted = ErasureRequest { act: Some(act).filter(|act| !act.is_empty()) };
        self.service.erase(&caller, &learner_id(&learner)?, wanted).await.map(message::erasure)
    }

    async fn filed(&self, request: Request<FileObjectionRequest>) -> Result<Objection, Problem> {
        let caller = self.caller(&request).await?;
        let FileObjectionRequest { act, reason } = request.into_inner();
        let filing = ObjectionFiling { act, reason };
        self.service.file_objection(&caller, filing).await.map(message::objection)
    }

    async fn objections_of(&self, request: Request<ListObjectionsRequest>) -> Result<Objections, Problem> {
        let caller = self.caller(&request).await?;
        let asked = request.get_ref();
        let learner = Some(asked.learner.as_str()).filter(|learner| !learner.is_empty());
        let wanted = objections_wanted(message::open(asked.state()), learner, &asked.bookmark)?;
        self.service.objections(&caller, wanted).await.map(message::objections)
    }

    async fn objection_of(&self, request: Request<GetObjectionRequest>) -> Result<Objection, Problem> {
        let caller = self.caller(&request).await?;
        let id = objection_id(&request.get_ref().objection)?;
        self.service.objection(&caller, &id).await.map(message::objection)
    }

    async fn decided(&self, request: Request<DecideObjectionRequest>) -> Result<Objection, Problem> {
        let caller = self.caller(&request).await?;
        let DecideObjectionRequest { objection, act, reason } = request.into_inner();
        let decision = ObjectionDecision { act, reason: Some(reason).filter(|reason| !reason.is_empty()) };
        let id = objection_id(&objection)?;
        self.service.decide_objection(&caller, &id, decision).await.map(message::objection)
    }

    /// A stream as messages, for as long as the gateway runs and the caller stands.
    fn messages<R, T: Send + 'static, M: 'static>(
        &self,
        request: &Request<R>,
        place: OwnedSemaphorePermit,
        stream: BoxStream<'static, Result<T, Problem>>,
        message: fn(T) -> M,
    ) -> Result<Messages<M>, Problem> {
        let token = bearer(request.metadata().as_ref())?;
        let stream = self.service.while_standing(token, stream)?.map(move |item| {
            // The place is held for as long as the stream is.
            let _held = &place;
            item.map(message).map_err(status)
        });
        Ok(stream.take_until(self.stopping.clone().cancelled_owned()).boxed())
    }

    async fn learners_of(&self, request: Request<ListLearnersRequest>) -> Result<ListLearnersReply, Problem> {
        let caller = self.caller(&request).await?;
        let wanted = request.get_ref();
        let limit = message::limit(wanted.limit, MOST_LEARNERS)?;
        let learners = self.service.learners(&caller, &wanted.after, limit).await?;
        Ok(ListLearnersReply { learners: learners.into_iter().map(message::learner).collect() })
    }

    async fn alerts_of(&self, request: Request<ListAlertsRequest>) -> Result<ListAlertsReply, Problem> {
        let caller = self.caller(&request).await?;
        let wanted = request.get_ref();
        let alerts = self.service.alerts(&caller, wanted.after, message::limit(wanted.limit, 100)?).await?;
        Ok(ListAlertsReply { alerts: alerts.into_iter().map(message::alert).collect() })
    }

    async fn following_alerts(
        &self,
        request: Request<StreamAlertsRequest>,
    ) -> Result<Messages<Alert>, Problem> {
        let caller = self.caller(&request).await?;
        let place = self.gate.open_stream()?;
        let alerts = self.service.follow_alerts(&caller, request.get_ref().after).await?;
        self.messages(&request, place, alerts, message::alert)
    }
}

#[tonic::async_trait]
impl Gateway for Grpc {
    type StreamEntriesStream = Messages<EntryRecorded>;
    type StreamLearnerEntriesStream = Messages<LearnerEntry>;
    type StreamAlertsStream = Messages<Alert>;

    async fn submit_request(&self, request: Request<SubmitRequestRequest>) -> Answer<RequestState> {
        let SubmitRequestRequest { request, queries } = request.into_inner();
        let queries = queries.into_iter().map(String::into_bytes).collect();
        let state = self.service.submit(&request, queries).await.map_err(status)?;
        Ok(Response::new(message::request(state)))
    }

    async fn get_request(&self, request: Request<GetRequestRequest>) -> Answer<RequestState> {
        self.state_of(request).await.map(Response::new).map_err(status)
    }

    async fn get_entry(&self, request: Request<GetEntryRequest>) -> Answer<EntryState> {
        self.entry_of(request).await.map(Response::new).map_err(status)
    }

    async fn get_proof(&self, request: Request<GetProofRequest>) -> Answer<Proof> {
        self.proof_of(request).await.map(Response::new).map_err(status)
    }

    async fn list_batches(&self, request: Request<ListBatchesRequest>) -> Answer<ListBatchesReply> {
        self.batches_of(request).await.map(Response::new).map_err(status)
    }

    async fn stream_entries(
        &self,
        request: Request<StreamEntriesRequest>,
    ) -> Answer<Self::StreamEntriesStream> {
        self.entries_of(request).await.map(Response::new).map_err(status)
    }

    async fn verify_learner(&self, request: Request<VerifyLearnerRequest>) -> Answer<Report> {
        self.report_of(request).await.map(Response::new).map_err(status)
    }

    async fn get_history(&self, request: Request<GetHistoryRequest>) -> Answer<History> {
        self.history_of(request).await.map(Response::new).map_err(status)
    }

    async fn get_trail(&self, request: Request<GetTrailRequest>) -> Answer<TrailReceipt> {
        self.trail_of(request).await.map(Response::new).map_err(status)
    }

    async fn list_learner_entries(
        &self,
        request: Request<ListLearnerEntriesRequest>,
    ) -> Answer<ListLearnerEntriesReply> {
        self.learner_entries_of(request).await.map(Response::new).map_err(status)
    }

    async fn stream_learner_entries(
        &self,
        request: Request<StreamLearnerEntriesRequest>,
    ) -> Answer<Self::StreamLearnerEntriesStream> {
        self.follow_learner_of(request).await.map(Response::new).map_err(status)
    }

    async fn plan_restoration(&self, request: Request<PlanRestorationRequest>) -> Answer<RestorationPlan> {
        self.plan_of(request).await.map(Response::new).map_err(status)
    }

    async fn list_learners(&self, request: Request<ListLearnersRequest>) -> Answer<ListLearnersReply> {
        self.learners_of(request).await.map(Response::new).map_err(status)
    }

    async fn list_alerts(&self, request: Request<ListAlertsRequest>) -> Answer<ListAlertsReply> {
        self.alerts_of(request).await.map(Response::new).map_err(status)
    }

    async fn stream_alerts(&self, request: Request<StreamAlertsRequest>) -> Answer<Self::StreamAlertsStream> {
        self.following_alerts(request).await.map(Response::new).map_err(status)
    }

    async fn list_waiting_certificates(
        &self,
        request: Request<ListWaitingCertificatesRequest>,
    ) -> Answer<WaitingCertificates> {
        self.waiting_certificates(request).await.map(Response::new).map_err(status)
    }

    async fn print_certificate(
        &self,
        request: Request<PrintCertificateRequest>,
    ) -> Answer<PrintedCertificate> {
        self.certificate_printed(request).await.map(Response::new).map_err(status)
    }

    async fn request_certificate(
        &self,
        request: Request<RequestCertificateRequest>,
    ) -> Answer<CertificateState> {
        self.certificate_requested(request).await.map(Response::new).map_err(status)
    }

    async fn get_certificate(&self, request: Request<GetCertificateRequest>) -> Answer<CertificateState> {
        self.certificate_of(request).await.map(Response::new).map_err(status)
    }

    async fn get_certificate_draft(
        &self,
        request: Request<GetCertificateRequest>,
    ) -> Answer<CertificateDraft> {
        self.certificate_draft_of(request).await.map(Response::new).map_err(status)
    }

    async fn get_certificate_file(&self, request: Request<GetCertificateRequest>) -> Answer<CertificateFile> {
        self.certificate_file_of(request).await.map(Response::new).map_err(status)
    }

    async fn act_on_certificate(
        &self,
        request: Request<ActOnCertificateRequest>,
    ) -> Answer<CertificateState> {
        self.certificate_acted_on(request).await.map(Response::new).map_err(status)
    }

    async fn get_certificate_status(
        &self,
        request: Request<GetCertificateStatusRequest>,
    ) -> Answer<CertificateStatus> {
        self.certificate_status_of(request.get_ref()).await.map(Response::new).map_err(status)
    }

    async fn verify_certificate(&self, request: Request<CertificateFile>) -> Answer<CertificateVerdict> {
        let verdict = self.service.judge_certificate(request.into_inner().json.into_bytes()).await;
        Ok(Response::new(message::verdict(&verdict.map_err(status)?)))
    }

    async fn get_erasure(&self, request: Request<GetErasureRequest>) -> Answer<Erasure> {
        self.erasure_of(request).await.map(Response::new).map_err(status)
    }

    async fn erase_learner(&self, request: Request<EraseLearnerRequest>) -> Answer<Erasure> {
        self.erased(request).await.map(Response::new).map_err(status)
    }

    async fn file_objection(&self, request: Request<FileObjectionRequest>) -> Answer<Objection> {
        self.filed(request).await.map(Response::new).map_err(status)
    }

    async fn list_objections(&self, request: Request<ListObjectionsRequest>) -> Answer<Objections> {
        self.objections_of(request).await.map(Response::new).map_err(status)
    }

    async fn get_objection(&self, request: Request<GetObjectionRequest>) -> Answer<Objection> {
        self.objection_of(request).await.map(Response::new).map_err(status)
    }

    async fn decide_objection(&self, request: Request<DecideObjectionRequest>) -> Answer<Objection> {
        self.decided(request).await.map(Response::new).map_err(status)
    }
}
