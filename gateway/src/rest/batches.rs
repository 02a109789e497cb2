//! `/v1/schools/{school}/batches`

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Rest,
    caller::Authenticated,
    parameters::{After, InPath, InQuery, Limit},
    problem::HttpProblem,
};
use crate::{server::school_id, service::Batch};

/// Which batches.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Selection {
    /// Batches with a greater sequence.
    #[serde(default)]
    #[param(value_type = u64, default = 0, maximum = 9007199254740991i64)]
    after: After,
    /// At most this many.
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 100, default = 100)]
    limit: Limit<100>,
}

/// A school's batches, in order.
#[derive(Serialize, ToSchema)]
pub(super) struct Batches {
    batches: Vec<Batch>,
}

/// A school's batches, in order.
///
/// For the next page, give the last batch's sequence as `after`.
#[utoipa::path(
    get,
    path = "/v1/schools/{school}/batches",
    tag = "schools",
    params(("school" = String, Path, description = "The school's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"), Selection),
    responses((status = 200, description = "Recorded batches.", body = Batches))
)]
pub(super) async fn list(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(school): InPath<String>,
    InQuery(selection): InQuery<Selection>,
) -> Result<Json<Batches>, HttpProblem> {
    let school = school_id(&school)?;
    let batches =
        rest.service.batches(&caller, &school, selection.after.get(), selection.limit.get()).await?;
    Ok(Json(Batches { batches }))
}
