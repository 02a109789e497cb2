//! `/v1/entries`

use axum::{
    Json,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};

use super::{Rest, caller::Authenticated, parameters::InPath, problem::HttpProblem};
use crate::{server::entry_id, service::EntryState};

/// The state of an entry.
#[utoipa::path(
    get,
    path = "/v1/entries/{entry}",
    tag = "entries",
    params(("entry" = String, Path, description = "RFC 6962 leaf hash of the entry.", pattern = "^[0-9a-f]{64}$")),
    responses((status = 200, description = "Where the entry stands.", body = EntryState))
)]
pub(super) async fn entry(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath<String>,
) -> Result<Json<EntryState>, HttpProblem> {
    Ok(Json(rest.service.entry(&caller, entry_id(&id)?).await?))
}

/// The proof of a recorded entry.
///
/// Canonical JSON (RFC 8785), complete in itself: `sillok proof verify` checks it offline against the offices' root
/// certificates.
#[utoipa::path(
    get,
    path = "/v1/entries/{entry}/proof",
    tag = "entries",
    params(("entry" = String, Path, description = "RFC 6962 leaf hash of the entry.", pattern = "^[0-9a-f]{64}$")),
    responses((status = 200, description = "Entry, Merkle path, header and receipt.", body = Object))
)]
pub(super) async fn proof(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath<String>,
) -> Result<Response, HttpProblem> {
    let proof = rest.service.proof(&caller, entry_id(&id)?).await?;
    Ok(([(CONTENT_TYPE, "application/json")], proof).into_response())
}
