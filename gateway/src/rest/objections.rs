//! `/v1/objections`

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    Rest,
    body::Body,
    caller::Authenticated,
    parameters::{InPath, InQuery},
    problem::HttpProblem,
};
use crate::{
    server::{objection_id, objections_wanted},
    service::{ObjectionDecision, ObjectionFiling, ObjectionState, Objections},
};

/// Which objections.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Selection {
    /// `open`: only those that are not decided. Without a learner the offices get only these.
    #[param(inline)]
    state: Option<Wanted>,
    /// Those of this learner. A learner gets their own without it.
    #[serde(default)]
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", nullable = false)]
    learner: Option<String>,
    /// The bookmark that the page before ended with.
    #[serde(default)]
    bookmark: String,
}

/// In what state.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Wanted {
    /// Not decided.
    Open,
    /// Any.
    All,
}

/// A learner objects to an entry about themselves.
///
/// The same act sent again answers as the first time. An office has to decide within 30 days.
#[utoipa::path(
    post,
    path = "/v1/objections",
    tag = "objections",
    request_body = ObjectionFiling,
    responses((status = 200, description = "Filed, now or when it was first sent.", body = ObjectionState))
)]
pub(super) async fn file(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    Body(filing): Body<ObjectionFiling>,
) -> Result<Json<ObjectionState>, HttpProblem> {
    Ok(Json(rest.service.file_objection(&caller, filing).await?))
}

/// Objections, page by page.
///
/// For the offices those that are not decided, the ones that are due first at the front, or a learner's; for a learner their
/// own. Without the reasons.
#[utoipa::path(
    get,
    path = "/v1/objections",
    tag = "objections",
    params(Selection),
    responses((status = 200, description = "Objections.", body = Objections))
)]
pub(super) async fn list(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InQuery(selection): InQuery<Selection>,
) -> Result<Json<Objections>, HttpProblem> {
    let open = selection.state.map(|state| state == Wanted::Open);
    let wanted = objections_wanted(open, selection.learner.as_deref(), &selection.bookmark)?;
    Ok(Json(rest.service.objections(&caller, wanted).await?))
}

/// An objection with its reasons.
///
/// For its learner and the offices.
#[utoipa::path(
    get,
    path = "/v1/objections/{objection}",
    tag = "objections",
    params(("objection" = String, Path, description = "The objection's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")),
    responses((status = 200, description = "Where it stands, and why.", body = ObjectionState))
)]
pub(super) async fn objection(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath<String>,
) -> Result<Json<ObjectionState>, HttpProblem> {
    Ok(Json(rest.service.objection(&caller, &objection_id(&id)?).await?))
}

/// An officer upholds an objection or dismisses it.
///
/// Upheld, the act names the entry that puts it right: a correction that an officer signed and that is recorded. Dismissed,
/// the reason travels beside the act. For the offices' people.
#[utoipa::path(
    post,
    path = "/v1/objections/{objection}/decision",
    tag = "objections",
    params(("objection" = String, Path, description = "The objection's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")),
    request_body = ObjectionDecision,
    responses((status = 200, description = "Decided, now or when it was first sent.", body = ObjectionState))
)]
pub(super) async fn decide(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(id): InPath<String>,
    Body(decision): Body<ObjectionDecision>,
) -> Result<Json<ObjectionState>, HttpProblem> {
    Ok(Json(rest.service.decide_objection(&caller, &objection_id(&id)?, decision).await?))
}
