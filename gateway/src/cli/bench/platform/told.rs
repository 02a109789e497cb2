//! The platform's figures, for people.

use super::{Platform, bare::Broker, parallel::Parallel, run::Measured};
use crate::cli::{
    bench::table::{number, quantiles, used},
    table::table,
};

/// All of them.
pub(in crate::cli::bench) fn of(platform: &Platform) -> String {
    let runs = [Some(&platform.saturated), platform.paced.as_ref()];
    let header = [
        "signatures",
        "created/s",
        "verified/s",
        "recorded/s",
        "answer ms p50 p99 p99.9",
        "created to recorded ms p50 p99 p99.9",
        "CPU ms/signature",
    ];
    let mut parts = vec![
        format!("signatures: {}", platform.engines),
        table(&header, runs.into_iter().flatten().map(run), ""),
    ];
    parts.extend(platform.broker.iter().map(broker));
    let header = ["verified in parallel", "verified/s", "each handled"];
    parts.push(table(&header, platform.parallel.iter().map(parallel), ""));
    parts.extend(platform.parallel_ratio.map(|ratio| {
        let several = platform.parallel.last().map_or(0, |parallel| parallel.verifiers);
        format!("{several} verifiers / 1: {}", number(ratio))
    }));
    parts.push(used(&platform.saturated.processes, platform.saturated.created_per_second, "signature"));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn run(run: &Measured) -> Vec<String> {
    let pace = if run.pace.is_some() { ", paced" } else { ", saturated" };
    vec![
        format!("{} callers{pace}", run.callers),
        number(run.created_per_second),
        number(run.verified_per_second),
        number(run.recorded_per_second),
        quantiles(&run.answer_ms),
        quantiles(&run.recorded_ms),
        number(run.cpu_ms_per_signature),
    ]
}

fn broker(of: &Broker) -> String {
    format!(
        "the same broker alone, {} events of {} bytes: {}/s produced, {}/s consumed; signatures recorded / bare events: {}",
        of.events,
        of.bytes,
        number(of.produced_per_second),
        number(of.consumed_per_second),
        number(of.recorded_ratio),
    )
}

fn parallel(of: &Parallel) -> Vec<String> {
    let shares: Vec<_> = of.shares.iter().map(u64::to_string).collect();
    vec![
        format!("{} of {} signatures", of.verifiers, of.signatures),
        number(of.per_second),
        shares.join(", "),
    ]
}
