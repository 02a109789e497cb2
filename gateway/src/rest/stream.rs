//! `/v1/schools/{school}/entries` and `/v1/learners/{learner}/entries/stream`: server-sent events.

use std::convert::Infallible;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{Stream, StreamExt as _, stream::BoxStream};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

use super::{
    Rest,
    caller::Authenticated,
    parameters::{InPath, InQuery},
    problem::HttpProblem,
};
use crate::{
    problem::{Kind, Problem},
    server::{bearer, learner_id, school_id},
    service::{EntryRecorded, LearnerEntry},
};

/// Where to begin.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Beginning {
    /// The cursor of the last event seen; without it, the school's first entry. The header Last-Event-ID goes first.
    #[serde(default)]
    #[param(value_type = Option<String>, pattern = "^[0-9]+:[0-9]+$", nullable = false)]
    after: Option<String>,
}

/// A school's entries as they are recorded.
///
/// Each event is named `entry`; its id is the cursor, its data an EntryRecorded in JSON. A comment now and then says
/// that the stream is alive. A problem on the way is an event named `problem` with a problem's members, and ends the
/// stream. A stream that ended goes on with Last-Event-ID, without a gap and without a repetition.
#[utoipa::path(
    get,
    path = "/v1/schools/{school}/entries",
    tag = "schools",
    params(
        ("school" = String, Path, description = "The school's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
        ("Last-Event-ID" = Option<String>, Header, description = "The cursor of the last event seen.", pattern = "^[0-9]+:[0-9]+$", nullable = false),
        Beginning
    ),
    responses((status = 200, description = "Server-sent events, until the caller or the gateway stops.", body = String, content_type = "text/event-stream"))
)]
pub(super) async fn entries(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(school): InPath<String>,
    InQuery(beginning): InQuery<Beginning>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, HttpProblem> {
    let school = school_id(&school)?;
    let after = last_seen(&headers, beginning.after).map(|text| text.parse()).transpose()?;
    let place = rest.gate.open_stream()?;
    let entries = rest.service.entries(&caller, &school, after).await?;
    events(&rest, &headers, place, entries, of_entry)
}

/// Where to begin with a learner's entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct BeginningNumber {
    /// The number of the last entry seen; without it, all are told. The header Last-Event-ID goes first.
    #[serde(default)]
    #[param(value_type = Option<u64>, nullable = false)]
    after: Option<String>,
}

/// A learner's entries as they are recorded.
///
/// Each event is named `entry`; its id is the entry's number, its data a LearnerEntry in JSON. Otherwise as the stream of
/// a school's entries.
#[utoipa::path(
    get,
    path = "/v1/learners/{learner}/entries/stream",
    tag = "learners",
    params(
        ("learner" = String, Path, description = "The learner's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The number of the last entry seen.", nullable = false),
        BeginningNumber
    ),
    responses((status = 200, description = "Server-sent events, until the caller or the gateway stops.", body = String, content_type = "text/event-stream"))
)]
pub(super) async fn learner_entries(
    State(rest): State<Rest>,
    Authenticated(caller): Authenticated,
    InPath(learner): InPath<String>,
    InQuery(beginning): InQuery<BeginningNumber>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, HttpProblem> {
    let learner = learner_id(&learner)?;
    let after = last_seen(&headers, beginning.after).map(|text| number(&text)).transpose()?;
    let place = rest.gate.open_stream()?;
    let entries = rest.service.follow_learner(&caller, &learner, after.unwrap_or(0)).await?;
    events(&rest, &headers, place, entries, of_learner_entry)
}

/// A stream as events, for as long as the gateway runs and the caller stands.
pub(super) fn events<T: Send + 'static>(
    rest: &Rest,
    headers: &HeaderMap,
    place: OwnedSemaphorePermit,
    stream: BoxStream<'static, Result<T, Problem>>,
    event: fn(&T) -> Event,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<T>>, HttpProblem> {
    let events = rest
        .service
        .while_standing(bearer(headers)?, stream)?
        .map(move |item| {
            // The place is held for as long as the stream is.
            let _held = &place;
            Ok(item.map_or_else(|problem| of_problem(&problem), |item| event(&item)))
        })
        .take_until(rest.stopping.clone().cancelled_owned());
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(rest.heartbeat)))
}

/// Last-Event-ID if it is there, as the browser sends it when it connects again; else the parameter.
fn last_seen(headers: &HeaderMap, after: Option<String>) -> Option<String> {
    let last = headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?").to_owned());
    last.or(after).filter(|text| !text.is_empty())
}

fn number(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| {
        let detail = "the cursor of a learner's entries is the number of the last one seen";
        Problem::new(Kind::Invalid, "cursor.malformed", detail)
    })
}

fn of_learner_entry(entry: &LearnerEntry) -> Event {
    let data = serde_json::to_string(entry).expect("an entry has string keys only");
    Event::default().event("entry").id(entry.number.to_string()).data(data)
}

fn of_entry(entry: &EntryRecorded) -> Event {
    let data = serde_json::to_string(entry).expect("an entry has string keys only");
    Event::default().event("entry").id(entry.cursor.to_string()).data(data)
}

/// A problem on the way.
fn of_problem(problem: &Problem) -> Event {
    let data = serde_json::to_string(problem).expect("a problem has string keys only");
    Event::default().event("problem").data(data)
}
