//! The service `sillok.v1.Gateway`: each operation reads its message, asks the service, answers.

use futures_util::{StreamExt as _, stream::BoxStream};
use sillok_proto::gateway::{
    EntryRecorded, EntryState, GetEntryRequest, GetHistoryRequest, GetProofRequest, GetRequestRequest,
    History, ListBatchesReply, ListBatchesRequest, Proof, Report, RequestState, StreamEntriesRequest,
    SubmitRequestRequest, VerifyLearnerRequest, gateway_server::Gateway,
};
use tonic::{Request, Response, Status};

use super::{Grpc, message, problem::status};
use crate::{
    problem::Problem,
    server::{Target, bearer, entry_id, learner_id, request_digest, rows, school_id},
    service::Caller,
};

type Answer<T> = Result<Response<T>, Status>;

impl Grpc {
    /// Who calls, by the access token in the call's metadata.
    async fn caller<T: Sync>(&self, request: &Request<T>) -> Result<Caller, Problem> {
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
        let batches = self.service.batches(&caller, &school, wanted.after, message::limit(wanted)?).await?;
        Ok(ListBatchesReply { batches: batches.into_iter().map(message::batch).collect() })
    }

    async fn report_of(&self, request: Request<VerifyLearnerRequest>) -> Result<Report, Problem> {
        let caller = self.caller(&request).await?;
        let learner = learner_id(&request.get_ref().learner)?;
        self.service.verification(&caller, &learner).await.map(message::report)
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
    ) -> Result<BoxStream<'static, Result<EntryRecorded, Status>>, Problem> {
        let caller = self.caller(&request).await?;
        let wanted = request.get_ref();
        let school = school_id(&wanted.school)?;
        let after =
            Some(&wanted.after).filter(|text| !text.is_empty()).map(|text| text.parse()).transpose()?;
        let place = self.gate.open_stream()?;
        let entries = self.service.entries(&caller, &school, after).await?;
        let stream = entries.map(move |entry| {
            // The place is held for as long as the stream is.
            let _held = &place;
            entry.map(message::recorded).map_err(status)
        });
        Ok(stream.take_until(self.stopping.clone().cancelled_owned()).boxed())
    }
}

#[tonic::async_trait]
impl Gateway for Grpc {
    type StreamEntriesStream = BoxStream<'static, Result<EntryRecorded, Status>>;

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
}
