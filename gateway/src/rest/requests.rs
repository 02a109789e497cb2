//! `/v1/requests`

use axum::{Json, extract::State};

use super::{
    Rest,
    body::{Body, Submission},
    caller::Authenticated,
    parameters::InPath,
    problem::HttpProblem,
};
use crate::{server::request_digest, service::RequestState};

/// Executes a signed request.
///
/// The answer comes as soon as the database has committed the effect and its entries together; the entries are then on
/// their way to the ledger. The same request sent again answers as the first time, so sending it again is safe.
/// No access token is needed: the signature says who asks.
#[utoipa::path(
    post,
    path = "/v1/requests",
    tag = "requests",
    request_body = Submission,
    responses((status = 200, description = "Executed, now or when it was first sent.", body = RequestState)),
    security(())
)]
pub(super) async fn submit(
    State(rest): State<Rest>,
    Body(submission): Body<Submission>,
) -> Result<Json<RequestState>, HttpProblem> {
    let queries = submission.queries.into_iter().map(String::into_bytes).collect();
    Ok(Json(rest.service.submit(&submission.request, queries).await?))
}

/// The state of a request, entry by entry.
#[utoipa::path(
    get,
    path = "/v1/requests/{digest}",
    tag = "requests",
    params(("digest" = String, Path, description = "SHA-256 of the request's compact JWS.", pattern = "^[0-9a-f]{64}$")),
    responses((status = 200, description = "Where each entry stands. Rows are not told again.", body = RequestState))
)]
pub(super) async fn request(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(digest): InPath<String>,
) -> Result<Json<RequestState>, HttpProblem> {
    Ok(Json(rest.service.request(&caller, request_digest(&digest)?).await?))
}
