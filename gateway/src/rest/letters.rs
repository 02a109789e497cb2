//! `/v1/dead-letters`

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Rest,
    body::Body,
    caller::Authenticated,
    parameters::{After, InPath, InQuery, Limit},
    problem::HttpProblem,
};
use crate::{
    server::{dead_letter_id, dead_letters_wanted},
    service::{DeadLetterDiscard, DeadLetterState},
};

/// Which dead letters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Selection {
    /// Dead letters with a greater number.
    #[serde(default)]
    #[param(value_type = u64, minimum = 0, maximum = 9007199254740991_u64, default = 0)]
    after: After,
    /// At most this many.
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 100, default = 100)]
    limit: Limit<100>,
    /// Of this group of consumers alone, such as `recorder`.
    #[serde(default)]
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9._-]{1,64}$", nullable = false)]
    group: Option<String>,
    /// Of this topic alone, such as `signatures.verified`.
    #[serde(default)]
    #[param(value_type = Option<String>, nullable = false)]
    topic: Option<String>,
}

/// Events that were put aside, in order.
#[derive(Serialize, ToSchema)]
pub(super) struct DeadLetters {
    dead_letters: Vec<DeadLetterState>,
}

/// Events that a group of consumers could not handle and put aside, in order, without their contents.
///
/// For the offices. For the next page, give the last one's number as `after`.
#[utoipa::path(
    get,
    path = "/v1/dead-letters",
    tag = "dead letters",
    params(Selection),
    responses((status = 200, description = "Dead letters.", body = DeadLetters))
)]
pub(super) async fn list(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InQuery(Selection { after, limit, group, topic }): InQuery<Selection>,
) -> Result<Json<DeadLetters>, HttpProblem> {
    // Fits: it is below 2^53.
    let after = after.get() as i64;
    let wanted = dead_letters_wanted(after, limit.get(), group.as_deref(), topic.as_deref())?;
    let dead_letters = rest.service.dead_letters(&caller, wanted).await?;
    Ok(Json(DeadLetters { dead_letters }))
}

/// A dead letter, with what was put aside.
///
/// For the offices.
#[utoipa::path(
    get,
    path = "/v1/dead-letters/{letter}",
    tag = "dead letters",
    params(("letter" = String, Path, description = "The dead letter's number.", pattern = "^[0-9]{1,18}$")),
    responses((status = 200, description = "The dead letter.", body = DeadLetterState))
)]
pub(super) async fn letter(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath<String>,
) -> Result<Json<DeadLetterState>, HttpProblem> {
    Ok(Json(rest.service.dead_letter(&caller, dead_letter_id(&id)?).await?))
}

/// Has a dead letter handled once more, by its group.
///
/// Handled, it is gone; where it cannot be handled it is put aside again, under the same number. For the offices.
#[utoipa::path(
    post,
    path = "/v1/dead-letters/{letter}/replay",
    tag = "dead letters",
    params(("letter" = String, Path, description = "The dead letter's number.", pattern = "^[0-9]{1,18}$")),
    responses((status = 200, description = "It is about to be handled once more.", body = DeadLetterState))
)]
pub(super) async fn replay(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath<String>,
) -> Result<Json<DeadLetterState>, HttpProblem> {
    Ok(Json(rest.service.replay_dead_letter(&caller, dead_letter_id(&id)?).await?))
}

/// Takes a dead letter away unhandled, for a reason.
///
/// It is told who did, and why, in the topic `dead-letters`. For the offices.
#[utoipa::path(
    post,
    path = "/v1/dead-letters/{letter}/discard",
    tag = "dead letters",
    params(("letter" = String, Path, description = "The dead letter's number.", pattern = "^[0-9]{1,18}$")),
    request_body = DeadLetterDiscard,
    responses((status = 200, description = "The dead letter as it was.", body = DeadLetterState))
)]
pub(super) async fn discard(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath<String>,
    Body(asked): Body<DeadLetterDiscard>,
) -> Result<Json<DeadLetterState>, HttpProblem> {
    Ok(Json(rest.service.discard_dead_letter(&caller, dead_letter_id(&id)?, asked).await?))
}
