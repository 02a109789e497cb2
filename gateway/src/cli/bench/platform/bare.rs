//! The broker alone: as many bytes an event, acknowledged as the platform has it, and nothing done about them.

use serde::Serialize;
use serde_json::json;
use sillok_contract::signature::Presented;

use super::Signers;
use crate::{
    cli::Failure,
    clock,
    events::{self, Event, NewEvent, Topic, bare},
    service::SignatureCreated,
};

/// How many different events there are, and how often they go through the broker.
const EVENTS: (usize, usize) = (5_000, 20);

/// What the broker does alone.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli::bench) struct Broker {
    pub(in crate::cli::bench) events: usize,
    /// Of one event, as it is produced.
    pub(in crate::cli::bench) bytes: usize,
    /// Until the broker had acknowledged all.
    pub(in crate::cli::bench) produced_per_second: f64,
    /// Until a consumer beside had all, confirmed.
    pub(in crate::cli::bench) consumed_per_second: f64,
    /// Signatures recorded, to events through the bare broker. A signature is three events.
    pub(in crate::cli::bench) recorded_ratio: f64,
}

/// Sends events as large as those of signatures that come in through the broker, with nobody behind them.
pub(super) async fn measure(
    settings: &events::Settings,
    signers: &Signers,
    recorded_per_second: f64,
) -> Result<Broker, Failure> {
    let settings = apart(settings);
    let (different, times) = EVENTS;
    let events = events_like(signers, &settings.source, different);
    let went = bare(&settings, Topic::SignaturesCreated, &events, times).await;
    let went = match went {
        Ok(went) => went,
        Err(error) => return Err(Failure::failed("bench.broker", error.to_string())),
    };
    events::delete_topics(&settings).await.map_err(|error| {
        Failure::failed("bench.broker", format!("the topic of the bare events is not deleted: {error}"))
    })?;
    let count = different * times;
    let consumed_per_second = count as f64 / went.consumed.as_secs_f64();
    Ok(Broker {
        events: count,
        bytes: events.first().map_or(0, |event| event.to_json().len()),
        produced_per_second: count as f64 / went.produced.as_secs_f64(),
        consumed_per_second,
        recorded_ratio: recorded_per_second / consumed_per_second,
    })
}

/// Topics of their own: nobody handles what is in them.
fn apart(settings: &events::Settings) -> events::Settings {
    let mut settings = settings.clone();
    settings.kafka.prefix += "bare.";
    settings
}

/// The event of one signature, under as many names and subjects.
fn events_like(signers: &Signers, source: &str, count: usize) -> Vec<Event> {
    let (_, sent) = signers.sign(0);
    let presented = Presented { jws: sent.signature, approval: sent.approval };
    let created =
        SignatureCreated { presented, source: "signer/bench".to_owned(), received_at: clock::now() };
    let data = json!(created);
    let one = |number: usize| {
        let (subject, now) = (format!("{number:064x}"), clock::now());
        Event::told(
            source,
            NewEvent::new(Topic::SignaturesCreated, subject.clone(), &subject, now, data.clone()),
        )
    };
    (0..count).map(one).collect()
}
