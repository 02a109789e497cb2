//! A caller who sends more requests than one network may, beside the usual callers: each of those has a network of its
//! own, which is an address of the loopback network here.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;

use super::{
    drive::{Driven, Driver, Refused, Span, Work},
    gateway::Gateway,
    machine::{Used, Watch},
    plan::Plan,
    recorded::Recording,
    report::Quantiles,
    requests::{Requests, Signed},
    site::Site,
};
use crate::{
    cli::Failure,
    client::{Client, ClientError},
    service::Digest,
};

/// Where the greedy caller calls from.
const GREEDY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// How many requests the greedy caller has under way at once.
const SENDERS: usize = 32;
/// The least that a network may send a second: who watches what is recorded is one, too.
const LEAST: u32 = 20;

/// The usual callers without and with a greedy one beside them, and that one.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Beside {
    /// How many requests a second one network may send, and at one moment.
    pub(super) rate: u32,
    pub(super) queries_per_request: u32,
    pub(super) without: Share,
    pub(super) with: Share,
    pub(super) greedy: Share,
    /// While the greedy one sent.
    pub(super) processes: Vec<Used>,
}

/// What callers had of the gateway.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Share {
    pub(super) callers: usize,
    /// How many requests a second were begun; null: each caller sent as soon as it had its last answer.
    pub(super) pace: Option<f64>,
    pub(super) requests_per_second: f64,
    pub(super) queries_executed_per_second: f64,
    pub(super) latency_ms: Quantiles,
    /// Refused requests by code.
    pub(super) refused: BTreeMap<String, u64>,
    pub(super) unclear: u64,
}

impl Share {
    fn of(callers: usize, pace: Option<f64>, queries: u32, driven: &Driven<Digest>) -> Self {
        Self {
            callers,
            pace,
            requests_per_second: driven.rate(),
            queries_executed_per_second: driven.rate() * f64::from(queries),
            latency_ms: Quantiles::of(&driven.latency),
            refused: driven.refused.clone(),
            unclear: driven.unclear,
        }
    }
}

/// Whether one can call from another address than 127.0.0.1: not on every system.
pub(super) fn has_addresses() -> bool {
    TcpListener::bind((GREEDY, 0)).is_ok()
}

/// What each network may send a second, where so many callers together sent this many: twice its part.
pub(super) fn rate(requests_per_second: f64, callers: usize) -> u32 {
    ((2.0 * requests_per_second / callers as f64).ceil() as u32).max(LEAST)
}

/// Measures the usual callers alone, then with the greedy one beside them, and waits until everything is recorded. Gives
/// with it how many queries were executed.
pub(super) async fn measure(
    site: &Site,
    gateway: &Gateway,
    requests: impl Fn(Vec<Client>) -> Requests,
    plan: &Plan,
    (rate, times): (u32, u32),
    span: Span,
) -> Result<(u64, Beside), Failure> {
    let from = |address: Ipv4Addr| gateway.client.from_address(IpAddr::V4(address));
    let clients = (0..plan.callers).map(|caller| from(usual(caller))).collect::<Result<_, ClientError>>()?;
    let (usual, callers) = (Arc::new(requests(clients)), plan.callers);
    let queries = usual.queries;
    let recording = Recording::begin(&usual.town, &gateway.client);

    let driver = Driver::warm_up(usual.clone(), callers, None, plan.warm_up(), span).await?;
    let alone = driver.run(span).await?;

    let pace = f64::from(rate) * f64::from(times);
    let greedy = Arc::new(Greedy::new(requests(vec![from(GREEDY)?]), callers));
    let driver = Driver::warm_up(usual.clone(), callers, None, plan.warm_up(), span).await?;
    let beside = Driver::warm_up(greedy, SENDERS, Some(pace), Duration::ZERO, span).await?;
    let watch = Watch::begin(site.processes(Some(gateway)));
    let (with, greedy) = tokio::try_join!(driver.run(span), beside.run(span))?;
    let processes = watch.end();

    let requests = [&alone, &with, &greedy].iter().map(|driven| driven.performed.len() as u64).sum::<u64>();
    let executed = requests * u64::from(queries);
    recording.reach(executed).await?;
    recording.end().await;
    let without = Share::of(callers, None, queries, &alone);
    let with = Share::of(callers, None, queries, &with);
    let greedy = Share::of(1, Some(pace), queries, &greedy);
    Ok((executed, Beside { rate, queries_per_request: queries, without, with, greedy, processes }))
}

/// Where a usual caller calls from: 127.1.0.1 and the following.
fn usual(caller: usize) -> Ipv4Addr {
    let first = Ipv4Addr::new(127, 1, 0, 1);
    Ipv4Addr::from_bits(first.to_bits() + caller as u32)
}

/// Sends the same request again until it is taken: what is refused for the rate has done nothing.
struct Greedy {
    requests: Requests,
    /// As which of the callers: one of its own.
    caller: usize,
    refused: Mutex<Vec<Signed>>,
}

impl Greedy {
    fn new(requests: Requests, caller: usize) -> Self {
        Self { requests, caller, refused: Mutex::default() }
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, Vec<Signed>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work for Greedy {
    type Ready = ();
    type Done = Digest;

    fn ready(&self, _: usize) {}

    async fn perform(&self, _: usize, (): ()) -> Result<Digest, Refused> {
        let again = self.refused().pop();
        let signed = again.unwrap_or_else(|| self.requests.ready(self.caller));
        let sent = self.requests.perform(self.caller, signed.clone()).await;
        if sent.as_ref().is_err_and(|refused| !refused.unclear) {
            self.refused().push(signed);
        }
        sent
    }
}
