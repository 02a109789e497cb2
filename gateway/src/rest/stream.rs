//! `/v1/schools/{school}/entries`: server-sent events.

use std::convert::Infallible;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{Stream, StreamExt as _};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Rest,
    caller::Authenticated,
    parameters::{InPath, InQuery},
    problem::HttpProblem,
};
use crate::{
    problem::Problem,
    server::school_id,
    service::{Cursor, EntryRecorded},
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
    let after = cursor(&headers, beginning.after)?;
    let place = rest.gate.open_stream()?;
    let entries = rest.service.entries(&caller, &school, after).await?;
    let events = entries
        .map(move |entry| {
            // The place is held for as long as the stream is.
            let _held = &place;
            Ok(entry.map_or_else(|problem| of_problem(&problem), |entry| of_entry(&entry)))
        })
        .take_until(rest.stopping.clone().cancelled_owned());
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(rest.heartbeat)))
}

/// Last-Event-ID if it is there, as the browser sends it when it connects again; else the parameter.
fn cursor(headers: &HeaderMap, after: Option<String>) -> Result<Option<Cursor>, Problem> {
    let last = headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?").to_owned());
    last.or(after).filter(|text| !text.is_empty()).map(|text| text.parse()).transpose()
}

fn of_entry(entry: &EntryRecorded) -> Event {
    let data = serde_json::to_string(entry).expect("an entry has string keys only");
    Event::default().event("entry").id(entry.cursor.to_string()).data(data)
}

fn of_problem(problem: &Problem) -> Event {
    let data = serde_json::to_string(problem).expect("a problem has string keys only");
    Event::default().event("problem").data(data)
}
