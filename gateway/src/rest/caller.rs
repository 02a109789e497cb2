//! Who calls, by their access token.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{Rest, problem::HttpProblem};
use crate::{
    server::{Target, bearer},
    service::Caller,
};

/// The caller, once their access token has been verified for this very call.
pub(super) struct Authenticated(pub(super) Caller);

impl FromRequestParts<Rest> for Authenticated {
    type Rejection = HttpProblem;

    async fn from_request_parts(parts: &mut Parts, rest: &Rest) -> Result<Self, HttpProblem> {
        let token = bearer(&parts.headers)?;
        let target = parts.extensions.get::<Target>().map_or("", |target| &target.0);
        let caller = rest.service.authenticate(token, parts.method.as_str(), target).await?;
        Ok(Self(caller))
    }
}
