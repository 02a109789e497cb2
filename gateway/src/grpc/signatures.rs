//! The service `sillok.v1.Signatures`: each operation reads its message, asks the service, answers.

use sillok_proto::gateway::{
    ActOnDocumentRequest, Claim, ClaimWorkRequest, Document, Documents, GetClaimRequest, GetDocumentRequest,
    GetSignatureRequest, ListDocumentsRequest, ListSignaturesRequest, OpenDocumentRequest,
    RequestSigningRequest, Signature, SignatureProof, SignaturesOfDocument, SubmitSignatureRequest,
    signatures_server::Signatures,
};
use tonic::{Request, Response, Status};

use super::{Grpc, message::json, problem::status};
use crate::{
    problem::Problem,
    server::{digest, document_id, signer_id},
    service::{SignatureSubmission, SignerAct, SigningRequest},
};

type Answer<T> = Result<Response<T>, Status>;

impl Grpc {
    async fn signature_submitted(
        &self,
        request: Request<SubmitSignatureRequest>,
    ) -> Result<Signature, Problem> {
        let caller = self.caller(&request).await?;
        let SubmitSignatureRequest { signature, approval } = request.into_inner();
        let approval = Some(approval).filter(|approval| !approval.is_empty());
        let status =
            self.service.submit_signature(&caller, SignatureSubmission { signature, approval }).await?;
        Ok(Signature { json: json(&status) })
    }

    async fn signing_requested(&self, request: Request<RequestSigningRequest>) -> Result<Signature, Problem> {
        let caller = self.caller(&request).await?;
        let approval = request.into_inner().approval;
        let status = self.service.request_signing(&caller, SigningRequest { approval }).await?;
        Ok(Signature { json: json(&status) })
    }

    async fn signature_of(&self, request: Request<GetSignatureRequest>) -> Result<Signature, Problem> {
        let caller = self.caller(&request).await?;
        let status = self.service.signature(&caller, digest(&request.get_ref().signature)?).await?;
        Ok(Signature { json: json(&status) })
    }

    async fn signature_proof_of(&self, asked: &GetSignatureRequest) -> Result<SignatureProof, Problem> {
        let json = self.service.signature_proof(&digest(&asked.signature)?).await?;
        Ok(SignatureProof { json })
    }

    async fn signatures_of(&self, asked: &ListSignaturesRequest) -> Result<SignaturesOfDocument, Problem> {
        let page = self.service.recorded_signatures(&digest(&asked.hash)?, &asked.bookmark).await?;
        Ok(SignaturesOfDocument { json: json(&page) })
    }

    async fn document_opened(&self, request: Request<OpenDocumentRequest>) -> Result<Document, Problem> {
        let caller = self.caller(&request).await?;
        let act = request.into_inner().act;
        let document = self.service.open_document(&caller, SignerAct { act }).await?;
        Ok(Document { json: json(&document) })
    }

    async fn document_acted_on(&self, request: Request<ActOnDocumentRequest>) -> Result<Document, Problem> {
        let caller = self.caller(&request).await?;
        let ActOnDocumentRequest { document, act } = request.into_inner();
        let id = document_id(&document)?;
        let document = self.service.act_on_document(&caller, &id, SignerAct { act }).await?;
        Ok(Document { json: json(&document) })
    }

    async fn document_of(&self, request: Request<GetDocumentRequest>) -> Result<Document, Problem> {
        let caller = self.caller(&request).await?;
        let document = self.service.document(&caller, &document_id(&request.get_ref().document)?).await?;
        Ok(Document { json: json(&document) })
    }

    async fn documents_of(&self, request: Request<ListDocumentsRequest>) -> Result<Documents, Problem> {
        let caller = self.caller(&request).await?;
        let ListDocumentsRequest { signer, bookmark } = request.get_ref();
        let signer = Some(signer.as_str()).filter(|signer| !signer.is_empty());
        let signer = signer.map(signer_id).transpose()?;
        let page = self.service.documents(&caller, signer, bookmark).await?;
        Ok(Documents { json: json(&page) })
    }

    async fn work_claimed(&self, request: Request<ClaimWorkRequest>) -> Result<Claim, Problem> {
        let caller = self.caller(&request).await?;
        let act = request.into_inner().act;
        let claim = self.service.claim_work(&caller, SignerAct { act }).await?;
        Ok(Claim { json: json(&claim) })
    }

    async fn claim_of(&self, asked: &GetClaimRequest) -> Result<Claim, Problem> {
        let claim = self.service.claim(&digest(&asked.hash)?).await?;
        Ok(Claim { json: json(&claim) })
    }
}

#[tonic::async_trait]
impl Signatures for Grpc {
    async fn submit_signature(&self, request: Request<SubmitSignatureRequest>) -> Answer<Signature> {
        self.signature_submitted(request).await.map(Response::new).map_err(status)
    }

    async fn request_signing(&self, request: Request<RequestSigningRequest>) -> Answer<Signature> {
        self.signing_requested(request).await.map(Response::new).map_err(status)
    }

    async fn get_signature(&self, request: Request<GetSignatureRequest>) -> Answer<Signature> {
        self.signature_of(request).await.map(Response::new).map_err(status)
    }

    async fn get_signature_proof(&self, request: Request<GetSignatureRequest>) -> Answer<SignatureProof> {
        self.signature_proof_of(request.get_ref()).await.map(Response::new).map_err(status)
    }

    async fn list_signatures(&self, request: Request<ListSignaturesRequest>) -> Answer<SignaturesOfDocument> {
        self.signatures_of(request.get_ref()).await.map(Response::new).map_err(status)
    }

    async fn open_document(&self, request: Request<OpenDocumentRequest>) -> Answer<Document> {
        self.document_opened(request).await.map(Response::new).map_err(status)
    }

    async fn act_on_document(&self, request: Request<ActOnDocumentRequest>) -> Answer<Document> {
        self.document_acted_on(request).await.map(Response::new).map_err(status)
    }

    async fn get_document(&self, request: Request<GetDocumentRequest>) -> Answer<Document> {
        self.document_of(request).await.map(Response::new).map_err(status)
    }

    async fn list_documents(&self, request: Request<ListDocumentsRequest>) -> Answer<Documents> {
        self.documents_of(request).await.map(Response::new).map_err(status)
    }

    async fn claim_work(&self, request: Request<ClaimWorkRequest>) -> Answer<Claim> {
        self.work_claimed(request).await.map(Response::new).map_err(status)
    }

    async fn get_claim(&self, request: Request<GetClaimRequest>) -> Answer<Claim> {
        self.claim_of(request.get_ref()).await.map(Response::new).map_err(status)
    }
}
