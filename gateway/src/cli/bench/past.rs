//! Writes past the gateway while it is saturated: how soon each is told, what the watch for them costs, and that nothing
//! is told that came through the gateway. They go to the bench's own database alone, and each is taken back by the next.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;
use sillok_contract::id::LearnerId;
use tokio_postgres::Client as Database;

use super::{
    drive::{Driven, Driver, Span, histogram},
    gateway::Gateway,
    machine::{OTHERS, Process, Used, Watch},
    measure::cores,
    plan::Plan,
    recorded::Recording,
    report::Quantiles,
    requests::Requests,
    site::Site,
};
use crate::{cli::Failure, client::Client, clock, monitor, records::Alert, service::Digest};

/// How often it is looked whether something is told.
const LOOK: Duration = Duration::from_millis(50);
/// How long the last writes are waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// The process of PostgreSQL that decodes its log for the watch.
const DECODER: &str = "postgres: logical decoding";

/// A mark is confirmed that was not, or the other way: twice, and it is as it was.
const TOGGLE: &str = "UPDATE grades SET confirmed = NOT confirmed WHERE learner = $1 AND subject = $2
    RETURNING pg_current_xact_id()::text";

/// What came of writes past the gateway.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Past {
    pub(super) written: u64,
    /// How many of them were told.
    pub(super) told: u64,
    /// What else was told, by kind, from the gateway's first start on: all of it came through the gateway.
    pub(super) false_alarms: BTreeMap<String, u64>,
    /// From the commit, by PostgreSQL's clock, until `GET /v1/alerts` told it, looked at every 50 ms.
    pub(super) delay_ms: Quantiles,
    /// The gateway saturated with the watch and these writes, and without both.
    pub(super) with: Share,
    pub(super) without: Share,
    /// Of PostgreSQL's processor time, what went into decoding its log: seconds a second.
    pub(super) decoding_cores: Option<f64>,
}

/// What the gateway did while it was saturated.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Share {
    pub(super) queries_per_request: u32,
    pub(super) queries_executed_per_second: f64,
    pub(super) latency_ms: Quantiles,
    /// Processor time of gateway, database and network for each query.
    pub(super) cpu_ms_per_query: f64,
    pub(super) processes: Vec<Used>,
}

impl Share {
    fn of(queries: u32, driven: &Driven<Digest>, processes: Vec<Used>) -> Self {
        let rate = driven.rate() * f64::from(queries);
        Self {
            queries_per_request: queries,
            queries_executed_per_second: rate,
            latency_ms: Quantiles::of(&driven.latency),
            cpu_ms_per_query: 1_000.0 * cores(&processes) / rate.max(0.001),
            processes,
        }
    }
}

/// A load that is measured, and waited for until all of it is recorded; how many queries it executed.
async fn saturated<T>(
    site: &Site,
    gateway: &Gateway,
    requests: Requests,
    (plan, span): (&Plan, Span),
    meanwhile: impl Future<Output = T>,
) -> Result<(u64, Share, T), Failure> {
    let queries = requests.queries;
    let recording = Recording::begin(&requests.town, &gateway.client);
    let driver = Driver::warm_up(Arc::new(requests), plan.callers, None, plan.warm_up(), span).await?;
    let watch = Watch::begin(site.processes(Some(gateway)));
    let (driven, done) = tokio::join!(driver.run(span), meanwhile);
    let (driven, processes) = (driven?, watch.end());
    let executed = driven.performed.len() as u64 * u64::from(queries);
    recording.reach(executed).await?;
    recording.end().await;
    Ok((executed, Share::of(queries, &driven, processes), done))
}

/// The gateway saturated while its watch sees writes past it; how many queries were executed. `learners` have a mark of
/// this subject, which nobody else changes meanwhile.
pub(super) async fn measure_with(
    site: &Site,
    gateway: &Gateway,
    requests: Requests,
    (plan, span): (&Plan, Span),
    (officer, learners, subject): (&Client, &[LearnerId], &str),
) -> Result<(u64, Watched), Failure> {
    let database = site.past_the_gateway().await?;
    let mut alerts = Alerts { officer, after: 0, seen: Vec::new() };
    alerts.look().await?;
    let pause = (span.ramp + span.run).div_f64(plan.past as f64 + 1.0);
    let decoder = decoder(&database).await?;
    let decoding = Watch::begin(vec![decoder]);
    let meddle = async {
        tokio::try_join!(
            write(&database, learners, subject, plan.past, pause),
            alerts.look_for(span.ramp + span.run)
        )
    };
    let (executed, share, done) = saturated(site, gateway, requests, (plan, span), meddle).await?;
    let decoding = decoding.end().into_iter().find(|used| used.name != OTHERS);
    let (written, ()) = done?;
    alerts.wait_for(&written).await?;
    let decoding_cores = decoding.map(|used| used.cores);
    Ok((executed, Watched { written, seen: alerts.seen, share, decoding_cores }))
}

/// The same load on a gateway that does not watch; how many queries were executed.
pub(super) async fn measure_without(
    site: &Site,
    gateway: &Gateway,
    requests: Requests,
    of: (&Plan, Span),
) -> Result<(u64, Share), Failure> {
    let (executed, share, ()) = saturated(site, gateway, requests, of, async {}).await?;
    Ok((executed, share))
}

/// What was seen while the gateway watched.
pub(super) struct Watched {
    /// The transactions that wrote past the gateway.
    written: BTreeSet<u32>,
    seen: Vec<(Alert, i64)>,
    share: Share,
    decoding_cores: Option<f64>,
}

impl Watched {
    /// Beside what the gateway did without.
    pub(super) fn beside(self, without: Share) -> Past {
        let (mut delays, mut told, mut false_alarms) = (histogram(), BTreeSet::new(), BTreeMap::new());
        for (alert, seen_at) in &self.seen {
            let xid = alert.finding.xid.filter(|xid| self.written.contains(xid));
            match xid.filter(|xid| told.insert(*xid)) {
                Some(_) => {
                    let since = seen_at - alert.finding.committed_at.unwrap_or(*seen_at);
                    delays.saturating_record(u64::try_from(since).unwrap_or_default());
                }
                None => *false_alarms.entry(alert.finding.kind.clone()).or_default() += 1,
            }
        }
        Past {
            written: self.written.len() as u64,
            told: told.len() as u64,
            false_alarms,
            delay_ms: Quantiles::of(&delays),
            with: self.share,
            without,
            decoding_cores: self.decoding_cores,
        }
    }
}

/// Writes so many times; the transactions that did.
async fn write(
    database: &Database,
    learners: &[LearnerId],
    subject: &str,
    times: usize,
    pause: Duration,
) -> Result<BTreeSet<u32>, Failure> {
    let mut written = BTreeSet::new();
    for number in 0..times {
        tokio::time::sleep(pause).await;
        // Every second one takes back the one before.
        let learner = learners[number / 2 % learners.len()].as_str();
        let row = database.query_one(TOGGLE, &[&learner, &subject]).await.map_err(unwritten)?;
        let id: String = row.try_get(0).map_err(unwritten)?;
        let id: u64 = id.parse().map_err(|_| unwritten("a transaction has no number"))?;
        // As an alert names it: without the epoch.
        written.insert(id as u32);
    }
    Ok(written)
}

fn unwritten(error: impl std::fmt::Display) -> Failure {
    Failure::failed("bench.past", format!("a write past the gateway failed: {error}"))
}

/// PostgreSQL's process that decodes the log for the watch of this database.
async fn decoder(database: &Database) -> Result<Process, Failure> {
    const ACTIVE: &str =
        "SELECT active_pid FROM pg_replication_slots WHERE database = current_database() AND active";
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(row) = database.query_opt(ACTIVE, &[]).await.map_err(unwritten)? {
            let pid = row.try_get(0).map_err(unwritten)?;
            return Ok(Process { name: DECODER.to_owned(), pid, family: false });
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(Failure::failed("bench.watch", "the gateway does not watch its database"))
}

/// What is told.
struct Alerts<'a> {
    officer: &'a Client,
    /// The last one that was read.
    after: i64,
    /// Each with when it was first seen, in microseconds since the Unix epoch.
    seen: Vec<(Alert, i64)>,
}

impl Alerts<'_> {
    /// Reads those that are new.
    async fn look(&mut self) -> Result<(), Failure> {
        loop {
            let page = self.officer.alerts(self.after).await?;
            let now = clock::now();
            let Some(last) = page.last() else { return Ok(()) };
            self.after = last.id;
            // What the monitor says of the load is not the watch's word.
            let of_watch =
                page.into_iter().filter(|alert| !monitor::KINDS.contains(&alert.finding.kind.as_str()));
            self.seen.extend(of_watch.map(|alert| (alert, now)));
        }
    }

    /// Reads for so long. An answer that does not come is asked for again: the load may have the gateway shed this, too.
    async fn look_for(&mut self, time: Duration) -> Result<(), Failure> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let _ = self.look().await;
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Reads until all of these are told, or nobody waits any more.
    async fn wait_for(&mut self, written: &BTreeSet<u32>) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        loop {
            self.look().await?;
            let told: BTreeSet<_> = self.seen.iter().filter_map(|(alert, _)| alert.finding.xid).collect();
            if written.is_subset(&told) || Instant::now() > end {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
