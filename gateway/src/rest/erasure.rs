//! `/v1/learners/{learner}/erasure`

use axum::{Json, extract::State};

use super::{Rest, body::Body, caller::Authenticated, parameters::InPath, problem::HttpProblem};
use crate::{
    server::learner_id,
    service::{ErasureRequest, ErasureState},
};

/// What of a learner's entries is erased.
///
/// And the batches that still hold bodies of them, which an act names. For the offices' people.
#[utoipa::path(
    get,
    path = "/v1/learners/{learner}/erasure",
    tag = "learners",
    params(("learner" = String, Path, description = "The learner's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")),
    responses((status = 200, description = "What is erased, and what is not.", body = ErasureState))
)]
pub(super) async fn state(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(learner): InPath<String>,
) -> Result<Json<ErasureState>, HttpProblem> {
    Ok(Json(rest.service.erasure(&caller, &learner_id(&learner)?).await?))
}

/// Erases the bodies of a learner's entries.
///
/// On the ledger in the batches that the officer's act names, and in this gateway's own tables. Headers, hashes, places and
/// pseudonyms stay, and so do the rows of the protected tables: those are the office's own. For the offices' people.
#[utoipa::path(
    post,
    path = "/v1/learners/{learner}/erasure",
    tag = "learners",
    params(("learner" = String, Path, description = "The learner's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")),
    request_body = ErasureRequest,
    responses((status = 200, description = "Erased, now or when it was first sent.", body = ErasureState))
)]
pub(super) async fn erase(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(learner): InPath<String>,
    Body(request): Body<ErasureRequest>,
) -> Result<Json<ErasureState>, HttpProblem> {
    Ok(Json(rest.service.erase(&caller, &learner_id(&learner)?, request).await?))
}
