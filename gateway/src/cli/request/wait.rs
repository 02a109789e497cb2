//! Waiting until a request's entries are on the ledger.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    cli::{Exit, Failure, Program, progress},
    client::{Client, ClientError},
    service::{Place, QueryResult, RequestState},
};

/// The first pause between two questions; each is half as long again as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Asks until no entry is pending, for as long as patience lasts. The rows that were told stay in the answer. A gateway
/// that is away or overloaded meanwhile is asked again.
pub(in crate::cli) async fn until_recorded(
    program: &Program,
    client: &Client,
    executed: RequestState,
    patience: Duration,
) -> Result<RequestState, Failure> {
    let deadline = Instant::now() + patience;
    let bar = progress::bar(&program.output, executed.results.len() as u64, "entries on the ledger");
    let mut state = executed;
    let mut pause = FIRST_PAUSE;
    let mut trouble = None;
    while pending(&state) > 0 {
        if Instant::now() + pause > deadline {
            return Err(out_of_patience(&state, patience, trouble));
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        match client.request(state.request).await {
            Ok(now) => (state, trouble) = (with_rows(now, state), None),
            Err(error) => {
                pause = pause.max(pause_for(&error)?);
                trouble = Some(error);
            }
        }
        bar.set_position((state.results.len() - pending(&state)) as u64);
    }
    Ok(state)
}

fn pending(state: &RequestState) -> usize {
    state.results.iter().filter(|result| result.entry.place == Place::Pending).count()
}

/// How long to wait at least, where asking again may help.
fn pause_for(error: &ClientError) -> Result<Duration, Failure> {
    match error {
        ClientError::Unreachable(_) => Ok(Duration::ZERO),
        ClientError::Refused(refused) if refused.retry => {
            Ok(Duration::from_secs(refused.retry_after.unwrap_or(0)))
        }
        error => Err(error.clone().into()),
    }
}

/// The new state with the rows that only the answer to the submission had.
fn with_rows(now: RequestState, before: RequestState) -> RequestState {
    let data = before.results.into_iter().map(|result| result.data).chain(std::iter::repeat(None));
    let results =
        now.results.into_iter().zip(data).map(|(result, data)| QueryResult { data, ..result }).collect();
    RequestState { results, ..now }
}

fn out_of_patience(state: &RequestState, patience: Duration, trouble: Option<ClientError>) -> Failure {
    let trouble = trouble.map(|error| format!(" ({error})")).unwrap_or_default();
    let detail = format!(
        "the request {} is executed, but after {} s {} of its {} entries are not on the ledger yet{trouble}; they will be: ask again later",
        state.request,
        patience.as_secs(),
        pending(state),
        state.results.len()
    );
    Failure::new(Exit::Unavailable, "request.not_recorded_yet", detail)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use sillok_contract::{
        entry::EntryId,
        id::{LearnerId, SchoolId},
    };

    use super::*;
    use crate::{
        client::Refused,
        service::{Digest, EntryState},
    };

    fn state(places: Vec<Place>, data: Option<Vec<serde_json::Value>>) -> RequestState {
        let result = |place| QueryResult {
            entry: EntryState {
                entry: EntryId([1; 32]),
                school: SchoolId::new("s").unwrap(),
                learner: LearnerId::new("l").unwrap(),
                place,
            },
            rows: 1,
            data: data.clone(),
        };
        RequestState { request: Digest([2; 32]), results: places.into_iter().map(result).collect() }
    }

    #[test]
    fn rows_are_kept_and_what_is_set_aside_is_not_waited_for() {
        let rows = Some(vec![serde_json::json!({"score": 1})]);
        let aside = Place::SetAside { refusal: "x.y".into() };
        let now =
            with_rows(state(vec![Place::Pending, aside], None), state(vec![Place::Pending; 2], rows.clone()));
        assert_eq!((pending(&now), &now.results[1].data), (1, &rows));
    }

    #[test]
    fn only_what_may_help_is_asked_again() {
        let refused = |status, retry, retry_after| {
            ClientError::Refused(Refused {
                status,
                retry,
                retry_after,
                code: "x.y".into(),
                ..Refused::default()
            })
        };
        assert_eq!(pause_for(&refused(503, true, Some(3))).unwrap(), Duration::from_secs(3));
        assert_eq!(pause_for(&ClientError::Unreachable("away".into())).unwrap(), Duration::ZERO);
        assert_eq!(pause_for(&refused(403, false, None)).unwrap_err().exit, Exit::Refused);
    }
}
