//! One measurement: signatures handed in, and what became of them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use sillok_contract::digest::Digest;
use tokio_util::sync::CancellationToken;

use super::Signing;
use crate::{
    cli::{
        Failure,
        bench::{
            drive::{Driver, Performed, Span, histogram},
            gateway::Gateway,
            machine::{Used, Watch},
            measure::cores,
            plan::Plan,
            report::Quantiles,
            site::{Manner, Site},
        },
    },
    client::Client,
    records::SignatureState,
    service::SignatureStatus,
};

/// How often it is looked how many events the roles have handled.
const INTERVAL: Duration = Duration::from_millis(100);
/// How long nothing may come to rest while something is still to.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many signatures are asked for at once.
const AT_ONCE: usize = 8;
/// The roles that are looked at.
const ROLES: [&str; 2] = ["verifier", "recorder"];

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli::bench) struct Measured {
    pub(in crate::cli::bench) callers: usize,
    /// How many signatures a second were begun; null: each caller sent as soon as it had its last answer.
    pub(in crate::cli::bench) pace: Option<f64>,
    pub(in crate::cli::bench) created_per_second: f64,
    pub(in crate::cli::bench) verified_per_second: f64,
    pub(in crate::cli::bench) recorded_per_second: f64,
    /// From handing a signature in to the answer: it is durable.
    pub(in crate::cli::bench) answer_ms: Quantiles,
    /// From coming in until it is on the ledger and in the archive, by the gateway's clock.
    pub(in crate::cli::bench) recorded_ms: Quantiles,
    /// Signatures that were taken in, warm-up included, and those that were recorded in the end.
    pub(in crate::cli::bench) created: u64,
    pub(in crate::cli::bench) recorded: u64,
    /// Refused ones by code.
    pub(in crate::cli::bench) refused: BTreeMap<String, u64>,
    /// How long after the last signature everything was at rest.
    pub(in crate::cli::bench) drain_seconds: f64,
    /// Processor time of all processes of the system for each signature, while they were handed in.
    pub(in crate::cli::bench) cpu_ms_per_signature: f64,
    pub(in crate::cli::bench) processes: Vec<Used>,
}

/// Measures on a gateway in all roles, and waits until everything is recorded.
pub(super) async fn measure(
    site: &Site,
    mut work: Signing,
    plan: &Plan,
    pace: Option<f64>,
    span: Span,
) -> Result<Measured, Failure> {
    let gateway = site.serve(Manner::Signing).await?;
    work.clients = work.signers.clients(&gateway.client)?;
    let clients = work.clients.clone();
    let driver = Driver::warm_up(Arc::new(work), plan.callers, pace, plan.warm_up(), span).await?;
    let handled = Handling::begin(&gateway);
    let watch = Watch::begin(site.processes(Some(&gateway)));
    let driven = driver.run(span).await?;
    let processes = watch.end();
    let ended = Instant::now();
    let counts = handled.end().await;
    let rested = all_rest(&clients, &driven.performed).await?;
    let drain_seconds = ended.elapsed().as_secs_f64();
    gateway.stop().await?;
    let mut recorded_ms = histogram();
    // Of those that were begun in the window: what came before found less to wait behind.
    for (performed, status) in &rested {
        if performed.began >= driven.window.0 && performed.began < driven.window.1 {
            recorded_ms.saturating_record((status.updated_at - status.created_at).unsigned_abs().max(1));
        }
    }
    let rates = ROLES.map(|role| rate(&counts, role, driven.window));
    Ok(Measured {
        callers: plan.callers,
        pace,
        created_per_second: driven.rate(),
        verified_per_second: rates[0],
        recorded_per_second: rates[1],
        answer_ms: Quantiles::of(&driven.latency),
        recorded_ms: Quantiles::of(&recorded_ms),
        created: driven.performed.len() as u64,
        recorded: rested.len() as u64,
        cpu_ms_per_signature: 1_000.0 * cores(&processes) / driven.rate().max(0.001),
        refused: driven.refused,
        drain_seconds,
        processes,
    })
}

/// Each signature with where it came to rest; a failure where one was not recorded.
async fn all_rest(
    clients: &[Client],
    performed: &[Performed<Digest>],
) -> Result<Vec<(Performed<Digest>, SignatureStatus)>, Failure> {
    let asked: Vec<_> = performed.iter().map(|performed| rests(clients, *performed)).collect();
    stream::iter(asked).buffer_unordered(AT_ONCE).try_collect().await
}

async fn rests(
    clients: &[Client],
    performed: Performed<Digest>,
) -> Result<(Performed<Digest>, SignatureStatus), Failure> {
    let (client, began) = (&clients[performed.caller % clients.len()], Instant::now());
    loop {
        let status = client.signature(&performed.done).await?;
        match status.state {
            SignatureState::Recorded => return Ok((performed, status)),
            SignatureState::Created | SignatureState::Valid if began.elapsed() < PATIENCE => {
                tokio::time::sleep(INTERVAL).await;
            }
            state => {
                let detail = format!("the signature {} is {state}, not recorded", performed.done);
                return Err(Failure::failed("bench.unrecorded", detail));
            }
        }
    }
}

/// How many events each role had handled, seen again and again.
type Counts = Vec<(Instant, [u64; 2])>;

/// Looks how many events the roles handle.
struct Handling {
    seen: Arc<Mutex<Counts>>,
    stop: CancellationToken,
    looking: tokio::task::JoinHandle<()>,
}

impl Handling {
    fn begin(gateway: &Gateway) -> Self {
        let (seen, stop) = (Arc::<Mutex<Counts>>::default(), CancellationToken::new());
        let (client, into, until) = (gateway.client.clone(), seen.clone(), stop.clone());
        let looking = tokio::spawn(async move {
            while !until.is_cancelled() {
                if let Ok(counts) = handled(&client, ROLES).await {
                    let mut seen = into.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.push((Instant::now(), counts));
                }
                tokio::time::sleep(INTERVAL).await;
            }
        });
        Self { seen, stop, looking }
    }

    async fn end(self) -> Counts {
        self.stop.cancel();
        // It ends at nothing else.
        let _ = self.looking.await;
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How many events these groups of a process have handled.
pub(super) async fn handled<const N: usize>(client: &Client, groups: [&str; N]) -> Result<[u64; N], Failure> {
    let text = client.get("/metrics").await?.text().await;
    let text = text.map_err(|error| Failure::failed("bench.metrics", error.to_string()))?;
    let of = |group: &str| {
        let name = format!("sillok_events_handled_total{{group=\"{group}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&name)?.trim().parse().ok()).unwrap_or_default()
    };
    Ok(groups.map(of))
}

/// How many a second a role handled in the window.
fn rate(counts: &Counts, role: &str, window: (Instant, Instant)) -> f64 {
    let place = ROLES.iter().position(|known| *known == role).unwrap_or_default();
    let inside = counts.iter().filter(|(at, _)| *at >= window.0 && *at < window.1);
    let inside: Vec<_> = inside.map(|(at, counts)| (*at, counts[place])).collect();
    match (inside.first(), inside.last()) {
        (Some(first), Some(last)) if last.0 > first.0 => {
            (last.1 - first.1) as f64 / last.0.duration_since(first.0).as_secs_f64()
        }
        _ => 0.0,
    }
}
