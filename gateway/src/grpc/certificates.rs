//! The service's operations on certificates: each reads its message, asks the service, answers.

use sillok_proto::gateway::{
    ActOnCertificateRequest, CertificateDraft, CertificateFile, CertificateState, CertificateStatus,
    GetCertificateRequest, GetCertificateStatusRequest, ListWaitingCertificatesRequest,
    PrintCertificateRequest, PrintedCertificate, RequestCertificateRequest, WaitingCertificates,
};
use tonic::Request;

use super::{Grpc, message};
use crate::{
    problem::Problem,
    server::{certificate_id, entry_id, language_of, nonce},
    service::{CertificateAct, CertificateRequest},
};

impl Grpc {
    pub(super) async fn certificate_requested(
        &self,
        request: Request<RequestCertificateRequest>,
    ) -> Result<CertificateState, Problem> {
        let caller = self.caller(&request).await?;
        let RequestCertificateRequest { act, wallet } = request.into_inner();
        let wallet = wallet.iter().map(|id| entry_id(id)).collect::<Result<_, _>>()?;
        let asked = CertificateRequest { act, wallet };
        self.service.request_certificate(&caller, asked).await.map(message::certificate)
    }

    pub(super) async fn certificate_of(
        &self,
        request: Request<GetCertificateRequest>,
    ) -> Result<CertificateState, Problem> {
        let caller = self.caller(&request).await?;
        let id = certificate_id(&request.get_ref().certificate)?;
        self.service.certificate(&caller, id).await.map(message::certificate)
    }

    pub(super) async fn certificate_draft_of(
        &self,
        request: Request<GetCertificateRequest>,
    ) -> Result<CertificateDraft, Problem> {
        let caller = self.caller(&request).await?;
        let id = certificate_id(&request.get_ref().certificate)?;
        let draft = self.service.certificate_draft(&caller, id).await?;
        let json = serde_json::to_string(&draft).expect("a draft has string keys only");
        Ok(CertificateDraft { json })
    }

    pub(super) async fn certificate_file_of(
        &self,
        request: Request<GetCertificateRequest>,
    ) -> Result<CertificateFile, Problem> {
        let caller = self.caller(&request).await?;
        let id = certificate_id(&request.get_ref().certificate)?;
        self.service.certificate_file(&caller, id).await.map(|json| CertificateFile { json })
    }

    pub(super) async fn certificate_acted_on(
        &self,
        request: Request<ActOnCertificateRequest>,
    ) -> Result<CertificateState, Problem> {
        let caller = self.caller(&request).await?;
        let ActOnCertificateRequest { certificate, act, credential } = request.into_inner();
        let credential = Some(credential).filter(|jwt| !jwt.is_empty());
        let (id, asked) = (certificate_id(&certificate)?, CertificateAct { act, credential });
        self.service.act_on_certificate(&caller, id, asked).await.map(message::certificate)
    }

    pub(super) async fn certificate_status_of(
        &self,
        asked: &GetCertificateStatusRequest,
    ) -> Result<CertificateStatus, Problem> {
        let id = certificate_id(&asked.certificate)?;
        let receipt = self.service.certificate_status(id, nonce(&asked.nonce)?).await?;
        let json = serde_json::to_string(&receipt).expect("a receipt has string keys only");
        Ok(CertificateStatus { json })
    }

    pub(super) async fn waiting_certificates(
        &self,
        request: Request<ListWaitingCertificatesRequest>,
    ) -> Result<WaitingCertificates, Problem> {
        let caller = self.caller(&request).await?;
        let page = self.service.waiting_certificates(&caller, &request.get_ref().bookmark).await?;
        Ok(message::waiting(&page))
    }

    pub(super) async fn certificate_printed(
        &self,
        request: Request<PrintCertificateRequest>,
    ) -> Result<PrintedCertificate, Problem> {
        let caller = self.caller(&request).await?;
        let PrintCertificateRequest { certificate, language } = request.get_ref();
        let (id, language) = (certificate_id(certificate)?, language_of(language)?);
        self.service.printed_certificate(&caller, id, language).await.map(|pdf| PrintedCertificate { pdf })
    }
}
