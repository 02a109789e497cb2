//! The operations on certificates, as the faces call them.

use super::{CertificateAct, CertificateRequest, CertificateState, WaitingCertificates};
use crate::{
    certificate::{CertificateId, Draft, Glance, Language, Verdict},
    ledger::Receipt,
    problem::Problem,
    service::{Caller, Service},
};

impl Service {
    /// A learner asks for a certificate of their record. The answer holds the report on database and ledger; where they do
    /// not agree no officer can issue it. The same act again answers as the first time.
    pub async fn request_certificate(
        &self,
        caller: &Caller,
        asked: CertificateRequest,
    ) -> Result<CertificateState, Problem> {
        self.core.request_certificate(caller, asked).await
    }

    /// Where a certificate stands. For its learner and the offices.
    pub async fn certificate(&self, caller: &Caller, id: CertificateId) -> Result<CertificateState, Problem> {
        self.core.certificate(caller, id).await
    }

    /// What an officer is to sign, with the proofs of it; refused where database and ledger do not agree.
    pub async fn certificate_draft(&self, caller: &Caller, id: CertificateId) -> Result<Draft, Problem> {
        self.core.certificate_draft(caller, id).await
    }

    /// A certificate's file, once it is issued: canonical JSON. For its learner and the offices.
    pub async fn certificate_file(&self, caller: &Caller, id: CertificateId) -> Result<String, Problem> {
        self.core.certificate_file(caller, id).await
    }

    /// The certificates that wait for an office, page by page, those that were asked for first at the front. For the
    /// offices.
    pub async fn waiting_certificates(
        &self,
        caller: &Caller,
        bookmark: &str,
    ) -> Result<WaitingCertificates, Problem> {
        self.core.waiting_certificates(caller, bookmark).await
    }

    /// A certificate as it is printed: a PDF. For its learner and the offices.
    pub async fn printed_certificate(
        &self,
        caller: &Caller,
        id: CertificateId,
        language: Language,
    ) -> Result<Vec<u8>, Problem> {
        self.core.printed_certificate(caller, id, language).await
    }

    /// Whether the certificate with this id and digest is in force: what paper alone lets anybody ask.
    pub async fn certificate_at_a_glance(
        &self,
        id: CertificateId,
        digest: [u8; 32],
    ) -> Result<Glance, Problem> {
        self.core.certificate_at_a_glance(id, digest).await
    }

    /// An officer refuses, issues or revokes a certificate, or its learner countersigns it.
    pub async fn act_on_certificate(
        &self,
        caller: &Caller,
        id: CertificateId,
        asked: CertificateAct,
    ) -> Result<CertificateState, Problem> {
        self.core.act_on_certificate(caller, id, asked).await
    }

    /// What both offices say of a certificate now, with the asker's nonce: a receipt in no block. For anybody.
    pub async fn certificate_status(&self, id: CertificateId, nonce: &str) -> Result<Receipt, Problem> {
        self.core.certificate_status(id, nonce).await
    }

    /// The verdict on a certificate's file. For anybody. Where the offices cannot be asked it is never that it is valid.
    pub async fn judge_certificate(&self, file: Vec<u8>) -> Result<Verdict, Problem> {
        self.core.judge_certificate(file).await
    }
}
