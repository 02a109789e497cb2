//! `/v1/learners/{learner}`: what was recorded about a learner, for them and the offices.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Rest,
    caller::Authenticated,
    parameters::{After, InPath, InQuery, Limit},
    problem::HttpProblem,
};
use crate::{
    ledger::Receipt,
    server::{learner_id, nonce},
    service::LearnerEntries,
};

/// What the question is marked with.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Question {
    /// 16 to 64 bytes in hexadecimal digits, drawn at random by who asks. They stand in the answer: it is none from before.
    #[param(pattern = "^([0-9a-f]{2}){16,64}$")]
    pub(super) nonce: String,
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Selection {
    /// Entries with a greater number.
    #[serde(default)]
    #[param(value_type = u64, default = 0, maximum = 9007199254740991i64)]
    after: After,
    /// At most this many.
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 100, default = 100)]
    limit: Limit<100>,
}

/// How many entries a learner has, attested by both offices.
///
/// Both offices are asked now, and sign count, last place and nonce; nothing is recorded. The answer is a receipt in no
/// block (its number is 0), which `sillok wallet` checks against the offices' root certificates.
#[utoipa::path(
    get,
    path = "/v1/learners/{learner}/trail",
    tag = "learners",
    params(("learner" = String, Path, description = "The learner's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"), Question),
    responses((status = 200, description = "The offices' receipt.", body = Object))
)]
pub(super) async fn trail(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(learner): InPath<String>,
    InQuery(question): InQuery<Question>,
) -> Result<Json<Receipt>, HttpProblem> {
    Ok(Json(rest.service.trail(&caller, &learner_id(&learner)?, nonce(&question.nonce)?).await?))
}

/// A learner's recorded entries, in the order of their numbers.
///
/// For the next page, give the last entry's number as `after`. An entry that the ledger has had for a moment only may be
/// counted and not be listed yet.
#[utoipa::path(
    get,
    path = "/v1/learners/{learner}/entries",
    tag = "learners",
    params(("learner" = String, Path, description = "The learner's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"), Selection),
    responses((status = 200, description = "Recorded entries.", body = LearnerEntries))
)]
pub(super) async fn entries(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(learner): InPath<String>,
    InQuery(selection): InQuery<Selection>,
) -> Result<Json<LearnerEntries>, HttpProblem> {
    let learner = learner_id(&learner)?;
    let Selection { after, limit } = selection;
    Ok(Json(rest.service.learner_entries(&caller, &learner, after.get(), limit.get()).await?))
}
