//! `/v1/learners`

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Rest,
    caller::Authenticated,
    parameters::{InPath, InQuery, Limit},
    problem::HttpProblem,
};
use crate::{
    drift::{History, Plan, SignedReport},
    server::{learner_id, rows},
    service::{LearnerWithRows, MOST_LEARNERS},
};

/// Which learners.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Learners with greater ids, by their bytes.
    #[serde(default)]
    after: String,
    /// At most this many.
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 1000, default = 1000)]
    limit: Limit<MOST_LEARNERS>,
}

/// Learners who have rows in the database, in the order of their ids.
#[derive(Serialize, ToSchema)]
pub(super) struct Learners {
    learners: Vec<LearnerWithRows>,
}

/// Learners who have rows in the database.
///
/// Whether the ledger knows them or not, in the order of their ids. For the next page, give the last one's id as `after`.
/// For the offices' people.
#[utoipa::path(
    get,
    path = "/v1/learners",
    tag = "learners",
    params(Page),
    responses((status = 200, description = "Learners.", body = Learners))
)]
pub(super) async fn list(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InQuery(page): InQuery<Page>,
) -> Result<Json<Learners>, HttpProblem> {
    let learners = rest.service.learners(&caller, &page.after, page.limit.get()).await?;
    Ok(Json(Learners { learners }))
}

/// Whether database and ledger agree about a learner.
///
/// Compares every row of the protected tables with its last recorded image, the outbox with the learner's entries, and
/// the ledger with itself. Each difference is named to the column, with what the database says, what the ledger says,
/// and the entry it rests on. For the offices' people.
#[utoipa::path(
    post,
    path = "/v1/learners/{learner}/verification",
    tag = "learners",
    params(("learner" = String, Path, description = "The learner's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")),
    responses((status = 200, description = "The report, signed by the office.", body = SignedReport))
)]
pub(super) async fn verification(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(learner): InPath<String>,
) -> Result<Json<SignedReport>, HttpProblem> {
    Ok(Json(rest.service.verification(&caller, &learner_id(&learner)?).await?))
}

/// How a learner's rows would be put back to their last recorded images.
///
/// Nothing is done: an officer looks at the plan, signs for its statements in their order (`POST /v1/requests`, purpose
/// `restore`), and each is recorded as any query. A plan that is not the present one any more is refused with
/// `restore.stale`. For the offices' people.
#[utoipa::path(
    post,
    path = "/v1/learners/{learner}/restoration",
    tag = "learners",
    params(("learner" = String, Path, description = "The learner's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")),
    responses((status = 200, description = "The plan; without statements where there is nothing to put back.", body = Plan))
)]
pub(super) async fn restoration(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(learner): InPath<String>,
) -> Result<Json<Plan>, HttpProblem> {
    Ok(Json(rest.service.restoration(&caller, &learner_id(&learner)?).await?))
}

/// Which rows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Rows {
    /// Of this table; without it, of all.
    #[serde(default)]
    table: String,
    /// With these columns in their keys, as a JSON object, such as `{"year":2026,"subject":"music"}`; without it, all.
    #[serde(default)]
    key: String,
}

/// The lives of a learner's rows.
///
/// Entry by entry, who and when, and each column before and after: from the ledger alone. For the offices' people.
#[utoipa::path(
    get,
    path = "/v1/learners/{learner}/history",
    tag = "learners",
    params(
        ("learner" = String, Path, description = "The learner's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
        Rows
    ),
    responses((status = 200, description = "Each row with its changes.", body = History))
)]
pub(super) async fn history(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(learner): InPath<String>,
    InQuery(Rows { table, key }): InQuery<Rows>,
) -> Result<Json<History>, HttpProblem> {
    let (learner, selection) = (learner_id(&learner)?, rows(&table, &key)?);
    Ok(Json(rest.service.history(&caller, &learner, &selection).await?))
}
