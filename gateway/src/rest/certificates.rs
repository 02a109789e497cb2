//! `/v1/certificates` and `/v1/verify`

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Rest,
    body::Body,
    caller::Authenticated,
    parameters::{InPath, InQuery, Page},
    problem::HttpProblem,
    trail::Question,
};
use crate::{
    certificate::{Language, Verdict},
    ledger::Receipt,
    proof::Proofs,
    server::{certificate_id, nonce},
    service::{CertificateAct, CertificateRequest, CertificateState, WaitingCertificates},
};

/// In which language.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Korean, English or both.
    #[serde(default)]
    #[param(inline, default = "both")]
    language: Language,
}

/// The certificates that wait for an office.
///
/// Those that nobody has refused or issued yet, the ones that were asked for first at the front, page by page. For the
/// offices' people.
#[utoipa::path(
    get,
    path = "/v1/certificates",
    tag = "certificates",
    params(Page),
    responses((status = 200, description = "Certificates.", body = WaitingCertificates))
)]
pub(super) async fn waiting(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InQuery(page): InQuery<Page>,
) -> Result<Json<WaitingCertificates>, HttpProblem> {
    Ok(Json(rest.service.waiting_certificates(&caller, &page.bookmark).await?))
}

/// A learner asks for a certificate.
///
/// Database and ledger are compared, and the wallet with the ledger. The answer holds the report: where they do not agree,
/// no officer can issue the certificate. That it was asked for stands on the ledger either way.
#[utoipa::path(
    post,
    path = "/v1/certificates",
    tag = "certificates",
    request_body = CertificateRequest,
    responses((status = 200, description = "Asked for, now or when it was first sent.", body = CertificateState))
)]
pub(super) async fn request(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    Body(asked): Body<CertificateRequest>,
) -> Result<Json<CertificateState>, HttpProblem> {
    Ok(Json(rest.service.request_certificate(&caller, asked).await?))
}

/// Where a certificate stands.
#[utoipa::path(
    get,
    path = "/v1/certificates/{certificate}",
    tag = "certificates",
    params(("certificate" = String, Path, description = "The certificate's id: a random UUID.", pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")),
    responses((status = 200, description = "Its state, and the report.", body = CertificateState))
)]
pub(super) async fn certificate(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath<String>,
) -> Result<Json<CertificateState>, HttpProblem> {
    Ok(Json(rest.service.certificate(&caller, certificate_id(&id)?).await?))
}

/// What an officer is to sign.
///
/// The credential as database and ledger agree on it now, and the proofs by which the officer checks it on their own
/// machine. Refused where they do not agree. For the offices' people.
#[utoipa::path(
    get,
    path = "/v1/certificates/{certificate}/draft",
    tag = "certificates",
    params(("certificate" = String, Path, description = "The certificate's id: a random UUID.", pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")),
    responses((status = 200, description = "`credential` and `proofs`.", body = Object))
)]
pub(super) async fn draft(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath<String>,
) -> Result<Response, HttpProblem> {
    Ok(Json(rest.service.certificate_draft(&caller, certificate_id(&id)?).await?).into_response())
}

/// A certificate's file, once it is issued.
///
/// Canonical JSON (RFC 8785), complete in itself but for its status: `sillok certificate verify` checks it.
#[utoipa::path(
    get,
    path = "/v1/certificates/{certificate}/file",
    tag = "certificates",
    params(("certificate" = String, Path, description = "The certificate's id: a random UUID.", pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")),
    responses((status = 200, description = "Credential, proofs, receipts and countersignature.", body = Object))
)]
pub(super) async fn file(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath<String>,
) -> Result<Response, HttpProblem> {
    let file = rest.service.certificate_file(&caller, certificate_id(&id)?).await?;
    Ok(([(CONTENT_TYPE, "application/json")], file).into_response())
}

/// A certificate as it is printed.
///
/// A PDF with a QR code that leads to the page which tells whether it is in force. Only what the learner has countersigned
/// is printed, and where the office has a public address.
#[utoipa::path(
    get,
    path = "/v1/certificates/{certificate}/print",
    tag = "certificates",
    params(
        ("certificate" = String, Path, description = "The certificate's id: a random UUID.", pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"),
        Wanted
    ),
    responses((status = 200, description = "The PDF.", body = Vec<u8>, content_type = "application/pdf"))
)]
pub(super) async fn print(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath<String>,
    InQuery(wanted): InQuery<Wanted>,
) -> Result<Response, HttpProblem> {
    let pdf = rest.service.printed_certificate(&caller, certificate_id(&id)?, wanted.language).await?;
    Ok(([(CONTENT_TYPE, "application/pdf")], pdf).into_response())
}

/// What an officer or the learner decides about a certificate.
///
/// An officer refuses, issues or revokes it; the learner countersigns it. The ledger verifies the act itself. Issued is only
/// what database and ledger agree on at that time.
#[utoipa::path(
    post,
    path = "/v1/certificates/{certificate}/acts",
    tag = "certificates",
    params(("certificate" = String, Path, description = "The certificate's id: a random UUID.", pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")),
    request_body = CertificateAct,
    responses((status = 200, description = "Done, now or when it was first sent.", body = CertificateState))
)]
pub(super) async fn act(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath<String>,
    Body(asked): Body<CertificateAct>,
) -> Result<Json<CertificateState>, HttpProblem> {
    Ok(Json(rest.service.act_on_certificate(&caller, certificate_id(&id)?, asked).await?))
}

/// What both offices say of a certificate now.
///
/// A receipt in no block (its number is 0) with the asker's nonce, to be verified against the offices' root certificates.
/// Anybody may ask who knows the id. Where there is no answer, a certificate must not be taken for valid.
#[utoipa::path(
    get,
    path = "/v1/certificates/{certificate}/status",
    tag = "certificates",
    params(
        ("certificate" = String, Path, description = "The certificate's id: a random UUID.", pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"),
        Question
    ),
    responses((status = 200, description = "The offices' answer.", body = Object)),
    security(())
)]
pub(super) async fn status(
    State(rest): State<Rest>,
    InPath(id): InPath<String>,
    InQuery(question): InQuery<Question>,
) -> Result<Json<Receipt>, HttpProblem> {
    let nonce = nonce(&question.nonce)?;
    Ok(Json(rest.service.certificate_status(certificate_id(&id)?, nonce).await?))
}

/// Whether a certificate is to be believed.
///
/// Checks every link of its chain, and asks both offices for its status. Where they cannot be asked the outcome is
/// `cannot_tell`, never `valid`. For anybody; who wants to trust no gateway runs `sillok certificate verify`.
#[utoipa::path(
    post,
    path = "/v1/verify",
    tag = "certificates",
    request_body(content = CertificateFile, description = "The certificate's file, byte for byte.", content_type = "application/json"),
    responses((status = 200, description = "The verdict.", body = Verdict)),
    security(())
)]
pub(super) async fn verify(
    State(rest): State<Rest>,
    file: Result<Bytes, BytesRejection>,
) -> Result<Json<Verdict>, HttpProblem> {
    Ok(Json(rest.service.judge_certificate(file?.into()).await?))
}

/// A certificate's file, as the documentation shows it.
#[derive(utoipa::ToSchema)]
#[schema(as = CertificateFile)]
#[expect(dead_code, reason = "it is read by the schema alone")]
pub(super) struct CertificateFile {
    /// 2.
    #[schema(minimum = 2, maximum = 2)]
    version: u32,
    /// The JWT that an officer signed.
    credential: String,
    /// `proofs`, and the `receipts` that they name.
    #[schema(value_type = Object)]
    proofs: Proofs,
    /// The ledger's receipt of the transaction that took it as issued.
    #[schema(value_type = Object)]
    issued: Receipt,
    /// What the learner signed, and the receipt of that.
    #[schema(value_type = Option<Object>, nullable = false)]
    countersigned: Option<Receipt>,
}
