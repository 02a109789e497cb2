//! `/v1/alerts`: a page, or server-sent events.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header::ACCEPT},
    response::{IntoResponse as _, Response, sse::Event},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Rest,
    caller::Authenticated,
    parameters::{InQuery, Limit},
    problem::HttpProblem,
    stream::events,
};
use crate::{
    problem::{Kind, Problem},
    records::Alert,
};

/// Which alerts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Selection {
    /// Alerts with a greater number. Of events, the header Last-Event-ID goes first.
    #[serde(default)]
    #[param(minimum = 0, default = 0)]
    after: i64,
    /// At most this many; of no meaning for events.
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 100, default = 100)]
    limit: Limit<100>,
}

/// What was found in the database that did not come through the gateway, and what the monitor saw, in order.
#[derive(Serialize, ToSchema)]
pub(super) struct Alerts {
    alerts: Vec<Alert>,
}

/// What was found in the database that did not come through the gateway, and what the monitor saw in the events, in order.
///
/// For officers. For the next page, give the last alert's number as `after`. Where `text/event-stream` is accepted,
/// alerts come as server-sent events, also those to come: each is named `alert`, its id is its number, its data an Alert in
/// JSON. A problem on the way is an event named `problem`, and ends the stream; it goes on with Last-Event-ID.
#[utoipa::path(
    get,
    path = "/v1/alerts",
    tag = "alerts",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "The number of the last alert seen.", pattern = "^[0-9]+$", nullable = false),
        Selection
    ),
    responses((status = 200, description = "Alerts, or server-sent events.", content(
        (Alerts = "application/json"),
        (String = "text/event-stream")
    )))
)]
pub(super) async fn list(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InQuery(selection): InQuery<Selection>,
    headers: HeaderMap,
) -> Result<Response, HttpProblem> {
    if selection.after < 0 {
        return Err(malformed("`after` is an alert's number, or 0").into());
    }
    let after = after(&headers, selection.after)?;
    if wants_events(&headers) {
        let place = rest.gate.open_stream()?;
        let alerts = rest.service.follow_alerts(&caller, after).await?;
        return Ok(events(&rest, &headers, place, alerts, of_alert)?.into_response());
    }
    let alerts = rest.service.alerts(&caller, after, selection.limit.get()).await?;
    Ok(Json(Alerts { alerts }).into_response())
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| {
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
    })
}

/// Last-Event-ID if it is there, as the browser sends it when it connects again; else the parameter.
fn after(headers: &HeaderMap, after: i64) -> Result<i64, Problem> {
    let last = headers.get("last-event-id").filter(|value| !value.is_empty());
    let Some(last) = last else { return Ok(after) };
    let number = last.to_str().ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| malformed("Last-Event-ID is an alert's number"))
}

fn malformed(detail: &str) -> Problem {
    Problem::new(Kind::Invalid, "query.malformed", detail)
}

fn of_alert(alert: &Alert) -> Event {
    let data = serde_json::to_string(alert).expect("an alert has string keys only");
    Event::default().event("alert").id(alert.id.to_string()).data(data)
}
