//! One measurement of the gateway: load, what came of it, and when it was recorded.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use serde::Serialize;

use super::{
    drive::{Driven, Driver, Performed, Span, histogram, micros},
    gateway::Gateway,
    machine::{BENCH, OTHERS, Used, Watch},
    recorded::{Recording, Seen},
    report::Quantiles,
    requests::Requests,
    site::Site,
    town::Town,
};
use crate::{
    cli::Failure,
    client::Client,
    service::{Digest, Place},
};

/// How many requests are looked up afterwards to learn when their entries were recorded.
const SAMPLE: usize = 4_000;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Run {
    /// How many entries were recorded before.
    pub(super) history: u64,
    /// How many callers sent.
    pub(super) callers: usize,
    /// Queries under one signature.
    pub(super) queries_per_request: u32,
    /// How many requests a second were begun; null: each caller sent as soon as it had its last answer.
    pub(super) pace: Option<f64>,
    pub(super) requests_per_second: f64,
    pub(super) queries_executed_per_second: f64,
    pub(super) queries_recorded_per_second: f64,
    /// From a request to its answer.
    pub(super) latency_ms: Quantiles,
    /// From a request until the proofs of all its entries can be had, as seen every 100 ms.
    pub(super) proof_ms: Quantiles,
    /// Refused requests by code.
    pub(super) refused: BTreeMap<String, u64>,
    /// Requests of which it is not known whether they were executed.
    pub(super) unclear: u64,
    /// Queries that were answered as executed, warm-up included, and those seen recorded in the end.
    pub(super) executed: u64,
    pub(super) recorded: u64,
    /// How long after the last request everything was recorded.
    pub(super) drain_seconds: f64,
    /// Requests that had to be signed while it was measured.
    pub(super) signed_late: u64,
    /// Processor time of all processes of the system, for each query that was executed; the load generator's not.
    pub(super) cpu_ms_per_query: f64,
    pub(super) processes: Vec<Used>,
}

impl Run {
    /// How many queries a second can go on for ever: what is recorded beyond what is executed was executed before.
    pub(super) fn sustained(&self) -> f64 {
        self.queries_recorded_per_second.min(self.queries_executed_per_second)
    }
}

/// How it is measured.
pub(super) struct Manner {
    pub(super) callers: usize,
    pub(super) queries: u32,
    pub(super) pace: Option<f64>,
    pub(super) impatience: Option<Duration>,
    pub(super) warm_up: Duration,
    pub(super) span: Span,
    /// How many entries are recorded already.
    pub(super) history: u64,
}

/// Measures, waits until everything is recorded, and gives with the results some of the requests that were answered.
pub(super) async fn measure(
    site: &Site,
    gateway: &Gateway,
    requests: Requests,
    manner: Manner,
) -> Result<(Run, Vec<Performed<Digest>>), Failure> {
    let (town, client) = (requests.town.clone(), gateway.client.clone());
    let recording = Recording::begin(&town, &client);
    let Manner { callers, pace, warm_up, span, .. } = manner;
    let driver = Driver::warm_up(Arc::new(requests), callers, pace, warm_up, span).await?;
    let watch = Watch::begin(site.processes(Some(gateway)));
    let driven = driver.run(span).await?;
    let processes = watch.end();
    let ended = Instant::now();
    let executed = driven.performed.len() as u64 * u64::from(manner.queries);
    recording.reach(executed).await?;
    let drain_seconds = ended.elapsed().as_secs_f64();
    let seen = recording.end().await;
    let sample = sample(&driven);
    let proof_ms = proofs(&town, &client, &sample, &seen).await?;
    let rate = driven.rate() * f64::from(manner.queries);
    let run = Run {
        history: manner.history,
        callers,
        queries_per_request: manner.queries,
        pace,
        requests_per_second: driven.rate(),
        queries_executed_per_second: rate,
        queries_recorded_per_second: recorded_rate(&seen, driven.window),
        latency_ms: Quantiles::of(&driven.latency),
        proof_ms,
        refused: driven.refused,
        unclear: driven.unclear,
        executed,
        recorded: seen.iter().map(|seen| u64::from(seen.count)).sum(),
        drain_seconds,
        signed_late: driven.made_late,
        cpu_ms_per_query: 1_000.0 * cores(&processes) / rate.max(0.001),
        processes,
    };
    Ok((run, sample))
}

/// What gateway, database and network keep busy.
pub(super) fn cores(processes: &[Used]) -> f64 {
    let ours = |used: &&Used| used.name != OTHERS && used.name != BENCH;
    processes.iter().filter(ours).map(|used| used.cores).sum()
}

/// How many entries a second came to rest in the window.
fn recorded_rate(seen: &[Seen], (from, until): (Instant, Instant)) -> f64 {
    let inside = seen.iter().filter(|seen| seen.at >= from && seen.at < until);
    inside.map(|seen| u64::from(seen.count)).sum::<u64>() as f64 / until.duration_since(from).as_secs_f64()
}

/// Some of the requests that were begun in the window, evenly.
fn sample(driven: &Driven<Digest>) -> Vec<Performed<Digest>> {
    let inside = |performed: &&Performed<Digest>| {
        performed.began >= driven.window.0 && performed.began < driven.window.1
    };
    let all: Vec<_> = driven.performed.iter().filter(inside).collect();
    all.iter().step_by(all.len().div_ceil(SAMPLE).max(1)).map(|performed| **performed).collect()
}

/// How long it took from these requests until all their entries were seen recorded.
async fn proofs(
    town: &Arc<Town>,
    client: &Client,
    sample: &[Performed<Digest>],
    seen: &[Seen],
) -> Result<Quantiles, Failure> {
    let at: HashMap<_, _> = seen.iter().map(|seen| ((seen.school, seen.sequence), seen.at)).collect();
    let mut states = stream::iter(sample)
        .map(|performed| async move {
            let caller = town.caller(performed.caller);
            let state = client.with_access(caller.educator.access()).request(performed.done).await;
            (performed.began, caller.school, state)
        })
        .buffer_unordered(4);
    let mut times = histogram();
    while let Some((began, school, state)) = states.next().await {
        for result in state?.results {
            let Place::Recorded { sequence, .. } = result.entry.place else {
                let detail = format!("the entry {} is not recorded", result.entry.entry);
                return Err(Failure::failed("bench.unrecorded", detail));
            };
            if let Some(at) = at.get(&(school, sequence)) {
                times.saturating_record(micros(at.saturating_duration_since(began)));
            }
        }
    }
    Ok(Quantiles::of(&times))
}
