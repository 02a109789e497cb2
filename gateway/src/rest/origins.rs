//! Which web pages may call: what browsers ask before they let one (CORS).

use std::time::Duration;

use axum::{
    Router,
    http::{
        HeaderName, HeaderValue, Method,
        header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER},
    },
};
use tower_http::cors::CorsLayer;

use crate::server::REQUEST_ID;

/// For how long a browser need not ask again.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Lets pages of these origins call. It stands around the edge, so that a page reads the edge's problems, too.
pub(super) fn admit(origins: &[String], router: Router) -> Router {
    // The configuration has checked them.
    let origins: Vec<_> = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    if origins.is_empty() {
        return router;
    }
    let last_event = HeaderName::from_static("last-event-id");
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, last_event])
        .expose_headers([REQUEST_ID, RETRY_AFTER])
        .max_age(REMEMBERED);
    router.layer(layer)
}
