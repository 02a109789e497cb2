//! `/v1/documents` and `/v1/claims`

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Rest,
    body::Body,
    caller::Authenticated,
    parameters::{InPath, InQuery},
    problem::HttpProblem,
};
use crate::{
    server::{digest, document_id, signer_id},
    service::{ClaimState, DocumentState, Documents, SignerAct},
};

/// Whose documents.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Selection {
    /// The signer. A signer gets their own without it.
    #[serde(default)]
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", nullable = false)]
    signer: Option<String>,
    /// The bookmark that the page before ended with.
    #[serde(default)]
    bookmark: String,
}

/// Opens a document for several parties to sign.
///
/// The act names the parties, their order if there is one, the deadline and the purpose. The same act again answers as the
/// first time.
#[utoipa::path(
    post,
    path = "/v1/documents",
    tag = "signatures",
    request_body = SignerAct,
    responses((status = 200, description = "Opened, now or when it was first sent.", body = DocumentState))
)]
pub(super) async fn open(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    Body(sent): Body<SignerAct>,
) -> Result<Json<DocumentState>, HttpProblem> {
    Ok(Json(rest.service.open_document(&caller, sent).await?))
}

/// The documents that a signer opened or is a party of, page by page.
///
/// A signer gets their own; the offices name whose.
#[utoipa::path(
    get,
    path = "/v1/documents",
    tag = "signatures",
    params(Selection),
    responses((status = 200, description = "Documents.", body = Documents))
)]
pub(super) async fn list(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InQuery(Selection { signer, bookmark }): InQuery<Selection>,
) -> Result<Json<Documents>, HttpProblem> {
    let signer = signer.as_deref().map(signer_id).transpose()?;
    Ok(Json(rest.service.documents(&caller, signer, &bookmark).await?))
}

/// A document of several parties.
///
/// For who opened it, its parties and the offices.
#[utoipa::path(
    get,
    path = "/v1/documents/{document}",
    tag = "signatures",
    params(("document" = String, Path, description = "The document's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")),
    responses((status = 200, description = "Where it stands, and who has signed.", body = DocumentState))
)]
pub(super) async fn document(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath<String>,
) -> Result<Json<DocumentState>, HttpProblem> {
    Ok(Json(rest.service.document(&caller, &document_id(&id)?).await?))
}

/// A party declines a document, or who opened it withdraws it.
#[utoipa::path(
    post,
    path = "/v1/documents/{document}/acts",
    tag = "signatures",
    params(("document" = String, Path, description = "The document's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")),
    request_body = SignerAct,
    responses((status = 200, description = "Done, now or when it was first sent.", body = DocumentState))
)]
pub(super) async fn act(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath<String>,
    Body(sent): Body<SignerAct>,
) -> Result<Json<DocumentState>, HttpProblem> {
    Ok(Json(rest.service.act_on_document(&caller, &document_id(&id)?, sent).await?))
}

/// Claims that a work was the signer's to show at this time.
///
/// By its hash alone. The first claim stands, and there is no other.
#[utoipa::path(
    post,
    path = "/v1/claims",
    tag = "signatures",
    request_body = SignerAct,
    responses((status = 200, description = "Claimed, now or when it was first sent.", body = ClaimState))
)]
pub(super) async fn claim(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    Body(sent): Body<SignerAct>,
) -> Result<Json<ClaimState>, HttpProblem> {
    Ok(Json(rest.service.claim_work(&caller, sent).await?))
}

/// Who first claimed a work, and when.
///
/// For anybody who has the work: it is named by the SHA-256 of its bytes.
#[utoipa::path(
    get,
    path = "/v1/claims/{hash}",
    tag = "signatures",
    params(("hash" = String, Path, description = "SHA-256 of the work.", pattern = "^[0-9a-f]{64}$")),
    responses((status = 200, description = "The claim.", body = ClaimState)),
    security(())
)]
pub(super) async fn claim_of(
    State(rest): State<Rest>,
    InPath(hash): InPath<String>,
) -> Result<Json<ClaimState>, HttpProblem> {
    Ok(Json(rest.service.claim(&digest(&hash)?).await?))
}
