//! What stands in paths and query strings: whatever it cannot be is a problem document.

use axum::extract::{FromRequestParts, Path, Query};

use super::problem::HttpProblem;

/// A path's one parameter.
#[derive(FromRequestParts)]
#[from_request(via(Path), rejection(HttpProblem))]
pub(super) struct InPath<T>(pub(super) T);

/// The parameters of the query string.
#[derive(FromRequestParts)]
#[from_request(via(Query), rejection(HttpProblem))]
pub(super) struct InQuery<T>(pub(super) T);
