//! What the figures ought to be. A target is a ratio of one run, or a limit; one that is not met fails nothing.

use serde::Serialize;

use super::{measure::Run, report::Report};

/// The longest a batch waits for company, in milliseconds, and what may come to it until the proof can be had.
const AGE_MS: f64 = 2_000.0;
const PROOF_MS: f64 = 1_500.0;

/// A target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Target {
    pub(super) name: String,
    /// Whether less is better.
    pub(super) at_most: bool,
    pub(super) wanted: f64,
    pub(super) measured: f64,
    pub(super) met: bool,
}

impl Target {
    fn at_least(name: impl Into<String>, wanted: f64, measured: f64) -> Self {
        Self { name: name.into(), at_most: false, wanted, measured, met: measured >= wanted }
    }

    fn at_most(name: impl Into<String>, wanted: f64, measured: f64) -> Self {
        Self { name: name.into(), at_most: true, wanted, measured, met: measured <= wanted }
    }
}

/// The targets of which something was measured.
pub(super) fn all(report: &Report) -> Vec<Target> {
    let mut targets = Vec::new();
    targets.extend(against_single(report));
    targets.extend(against_straight(report));
    targets.extend(report.paced.iter().map(proof_in_time));
    targets.extend(over_history(report));
    targets.extend(memory(report));
    if let Some(slowest) = report.proofs.iter().map(|proofs| proofs.check_ms.p50).reduce(f64::max) {
        targets.push(Target::at_most("an offline proof is checked within (ms, median)", 1.0, slowest));
    }
    targets.extend(overload(report));
    targets
}

/// The first run of each number of queries a request: what was measured closest to the comparisons.
fn compared(report: &Report) -> impl Iterator<Item = &Run> {
    let runs = &report.saturated;
    let first = |run: &Run| runs.iter().find(|other| other.queries_per_request == run.queries_per_request);
    runs.iter().filter(move |run| first(run).is_some_and(|first| first.history == run.history))
}

fn against_single(report: &Report) -> Vec<Target> {
    let Some(single) = report.single.as_ref().filter(|single| single.queries_recorded_per_second > 0.0)
    else {
        return Vec::new();
    };
    let wanted = |run: &Run| match run.queries_per_request {
        1 => Some(10.0),
        30 => Some(25.0),
        _ => None,
    };
    let target = |run: &Run| {
        let name = format!("recorded / one transaction a query, {} a request", run.queries_per_request);
        let measured = run.queries_recorded_per_second / single.queries_recorded_per_second;
        Some(Target::at_least(name, wanted(run)?, measured))
    };
    compared(report).filter_map(target).collect()
}

fn against_straight(report: &Report) -> Vec<Target> {
    let wanted = |run: &Run| match run.queries_per_request {
        1 => Some(0.5),
        30 => Some(1.0),
        _ => None,
    };
    let target = |run: &Run| {
        let queries = run.queries_per_request;
        // One statement after the other, as programs send them.
        let straight = report.straight.iter();
        let straight = straight
            .filter(|straight| straight.queries_per_transaction == queries && straight.ahead == 1)
            .find(|straight| straight.queries_per_second > 0.0)?;
        let name = format!("executed / the same SQL straight to the database, {queries} a request");
        let measured = run.queries_executed_per_second / straight.queries_per_second;
        Some(Target::at_least(name, wanted(run)?, measured))
    };
    compared(report).filter_map(target).collect()
}

fn proof_in_time(run: &Run) -> Target {
    let name = format!("proof can be had within (ms, p99), {} a request", run.queries_per_request);
    Target::at_most(name, AGE_MS + PROOF_MS, run.proof_ms.p99)
}

/// The longest history against the shortest, for each number of queries a request.
fn over_history(report: &Report) -> Vec<Target> {
    let last = |first: &Run| {
        let runs = report.saturated.iter();
        runs.rev().find(|run| run.queries_per_request == first.queries_per_request).cloned()
    };
    let pairs = compared(report).filter_map(|first| Some((first, last(first)?)));
    pairs
        .filter(|(first, last)| first.history < last.history && first.queries_recorded_per_second > 0.0)
        .map(|(first, last)| {
            let name = format!(
                "recorded with {} entries / with {}, {} a request",
                last.history, first.history, last.queries_per_request
            );
            let measured = last.queries_recorded_per_second / first.queries_recorded_per_second;
            Target::at_least(name, 0.9, measured)
        })
        .collect()
}

fn memory(report: &Report) -> Vec<Target> {
    let runs = report.saturated.iter().chain(&report.overload);
    let used: Vec<_> = runs.flat_map(|run| &run.processes).collect();
    let most = |name: &str| {
        let of = used.iter().filter(|used| used.name.starts_with(name));
        of.map(|used| used.memory_mib).reduce(f64::max)
    };
    [("sillok serve", 128.0), ("chaincode", 32.0)]
        .into_iter()
        .filter_map(|(name, limit)| {
            Some(Target::at_most(format!("{name}: memory (MiB)"), limit, most(name)?))
        })
        .collect()
}

/// Throughput is kept: nine tenths of what was executed without the overload.
fn overload(report: &Report) -> Option<Target> {
    let overload = report.overload.as_ref()?;
    let usual = compared(report).find(|run| run.queries_per_request == overload.queries_per_request)?;
    let name = format!("executed with {} callers / with {}", overload.callers, usual.callers);
    let measured = overload.queries_executed_per_second / usual.queries_executed_per_second.max(0.001);
    Some(Target::at_least(name, 0.9, measured))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_from_its_limit_on() {
        assert!(Target::at_least("x", 10.0, 10.0).met && !Target::at_least("x", 10.0, 9.9).met);
        assert!(Target::at_most("x", 32.0, 32.0).met && !Target::at_most("x", 32.0, 32.1).met);
    }
}
