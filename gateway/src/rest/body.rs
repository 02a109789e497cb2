//! What callers send.

use axum::{Json, extract::FromRequest};
use serde::Deserialize;
use utoipa::ToSchema;

use super::problem::HttpProblem;

/// A JSON body; every way it can be wrong is a problem document.
#[derive(FromRequest)]
#[from_request(via(Json), rejection(HttpProblem))]
pub(super) struct Body<T>(pub(super) T);

/// A signed request and the queries it signs for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Submission {
    /// The compact JWS (RFC 7515), `typ` `sillok-request+jws`, signed with the educator's key (ES256). Its payload
    /// holds `jti`, `iat`, `aud`, `school` and `queries`: the base64url SHA-256 of each query's text.
    #[schema(
        example = "eyJhbGciOiJFUzI1NiIsInR5cCI6InNpbGxvay1yZXF1ZXN0K2p3cyIsIng1dCNTMjU2IjoiLi4uIn0.eyJqdGkiOiIuLi4ifQ.c2ln"
    )]
    pub(super) request: String,
    /// Each query's JSON text of `learner`, `sql`, `params` and `salt`, exactly as it was hashed, in the order of the
    /// hashes.
    #[schema(example = json!([
        "{\"learner\":\"L0001\",\"sql\":\"SELECT subject, score FROM grade WHERE year = $1\",\"params\":[2026],\"salt\":\"q83vEjRWeJCrze8SNFZ4kA\"}"
    ]))]
    pub(super) queries: Vec<String>,
}
