//! `/v1/signatures`, `/v1/signings` and `/v1/hashes/{hash}/signatures`

use super::{
    Rest,
    body::Body,
    caller::Authenticated,
    parameters::{InPath, InQuery, Page},
    problem::HttpProblem,
};
use crate::{
    server::digest,
    service::{RecordedSignatures, SignatureStatus, SignatureSubmission, SigningRequest},
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};

/// Hands a signature of a document in.
///
/// The document stays where it is: the signature, a JAdES baseline signature, holds its hash. Its form is checked at once; that
/// it is verified and recorded on the ledger follows. The same signature again is answered with where it stands.
#[utoipa::path(
    post,
    path = "/v1/signatures",
    tag = "signatures",
    request_body = SignatureSubmission,
    responses((status = 202, description = "Taken in, now or when it was first sent.", body = SignatureStatus))
)]
pub(super) async fn submit(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    Body(sent): Body<SignatureSubmission>,
) -> Result<(StatusCode, Json<SignatureStatus>), HttpProblem> {
    Ok((StatusCode::ACCEPTED, Json(rest.service.submit_signature(&caller, sent).await?)))
}

/// Has the office sign that holds the signer's key.
///
/// What is sent is the signer's own approval of this one signature: the act `signature.approve`, signed with the key of theirs
/// that the office has not. The signature's id is told at once; that it is made, verified and recorded follows. The same
/// approval again is answered with where it stands.
#[utoipa::path(
    post,
    path = "/v1/signings",
    tag = "signatures",
    request_body = SigningRequest,
    responses((status = 202, description = "Taken in, now or when it was first sent.", body = SignatureStatus))
)]
pub(super) async fn request_signing(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    Body(sent): Body<SigningRequest>,
) -> Result<(StatusCode, Json<SignatureStatus>), HttpProblem> {
    Ok((StatusCode::ACCEPTED, Json(rest.service.request_signing(&caller, sent).await?)))
}

/// Where a signature stands.
///
/// With the verdict, check by check, once it was verified. For its signer and the offices.
#[utoipa::path(
    get,
    path = "/v1/signatures/{signature}",
    tag = "signatures",
    params(("signature" = String, Path, description = "SHA-256 of what was signed.", pattern = "^[0-9a-f]{64}$")),
    responses((status = 200, description = "Where it stands.", body = SignatureStatus))
)]
pub(super) async fn signature(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(signature): InPath<String>,
) -> Result<Json<SignatureStatus>, HttpProblem> {
    Ok(Json(rest.service.signature(&caller, digest(&signature)?).await?))
}

/// The proof of a recorded signature.
///
/// It verifies offline, with the offices' root certificates alone. For anybody.
#[utoipa::path(
    get,
    path = "/v1/signatures/{signature}/proof",
    tag = "signatures",
    params(("signature" = String, Path, description = "SHA-256 of what was signed.", pattern = "^[0-9a-f]{64}$")),
    responses((status = 200, description = "The proof file.", body = Object)),
    security(())
)]
pub(super) async fn proof(
    State(rest): State<Rest>,
    InPath(signature): InPath<String>,
) -> Result<Response, HttpProblem> {
    let json = rest.service.signature_proof(&digest(&signature)?).await?;
    Ok(([(CONTENT_TYPE, "application/json")], json).into_response())
}

/// The signatures that the ledger has of a document.
///
/// For anybody who has the document: it is named by the SHA-256 of its bytes.
#[utoipa::path(
    get,
    path = "/v1/hashes/{hash}/signatures",
    tag = "signatures",
    params(Page, ("hash" = String, Path, description = "SHA-256 of the document.", pattern = "^[0-9a-f]{64}$")),
    responses((status = 200, description = "Who signed it, and when.", body = RecordedSignatures)),
    security(())
)]
pub(super) async fn of_hash(
    State(rest): State<Rest>,
    InPath(hash): InPath<String>,
    InQuery(page): InQuery<Page>,
) -> Result<Json<RecordedSignatures>, HttpProblem> {
    Ok(Json(rest.service.recorded_signatures(&digest(&hash)?, &page.bookmark).await?))
}
