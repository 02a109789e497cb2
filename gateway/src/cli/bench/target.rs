//! What the figures ought to be. A target is a ratio of one run, or a limit; one that is not met fails nothing.

use serde::Serialize;

use super::{direct::Way, measure::Run, proofs::Proofs, report::Report};

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
    targets.extend(report.proofs.iter().map(check_in_time));
    targets.extend(overload(report));
    targets.extend(greedy(report));
    targets.extend(audit(report));
    targets.extend(certificate(report));
    targets.extend(past(report));
    targets
}

/// The first run of each number of queries a request: what was measured closest to the comparisons.
fn compared(report: &Report) -> impl Iterator<Item = &Run> {
    let runs = &report.saturated;
    let first = |run: &Run| runs.iter().find(|other| other.queries_per_request == run.queries_per_request);
    runs.iter().filter(move |run| first(run).is_some_and(|first| first.history == run.history))
}

fn against_single(report: &Report) -> Vec<Target> {
    let Some(single) = report.single.as_ref().filter(|single| single.holds()) else {
        return Vec::new();
    };
    let wanted = |run: &Run| match run.queries_per_request {
        1 => Some(10.0),
        30 => Some(25.0),
        _ => None,
    };
    let target = |run: &Run| {
        let name = format!("recorded / one transaction a query, {} a request", run.queries_per_request);
        let measured = run.sustained() / single.queries_recorded_per_second;
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
    let target = |run: &Run, way: Way| {
        let queries = run.queries_per_request;
        let mut straight = report.straight.iter().filter(|straight| straight.holds());
        let straight =
            straight.find(|straight| straight.queries_per_request == queries && straight.way == way)?;
        let name =
            format!("executed / the same SQL straight to the database, {queries} a request, {}", way.name());
        let measured = run.queries_executed_per_second / straight.queries_per_second;
        Some(Target::at_least(name, wanted(run)?, measured))
    };
    // One statement after the other, as programs send them.
    let ways = [Way::EachItsOwn, Way::Together];
    compared(report).flat_map(|run| ways.iter().filter_map(move |way| target(run, *way))).collect()
}

fn check_in_time(proofs: &Proofs) -> Target {
    let name = format!(
        "an offline proof is checked within (ms, median), batches of {}{}",
        proofs.batch_entries,
        if proofs.pace.is_some() { "" } else { ", saturated" },
    );
    Target::at_most(name, 1.0, proofs.check_ms.p50)
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
        .filter(|(first, last)| first.history < last.history && first.sustained() > 0.0)
        .map(|(first, last)| {
            let name = format!(
                "recorded with {} entries / with {}, {} a request",
                last.history, first.history, last.queries_per_request
            );
            let measured = last.sustained() / first.sustained();
            Target::at_least(name, 0.9, measured)
        })
        .collect()
}

fn memory(report: &Report) -> Vec<Target> {
    let runs = report.saturated.iter().chain(&report.paced).chain(&report.overload);
    let used = runs.flat_map(|run| &run.processes);
    let used: Vec<_> = used.chain(report.greedy.iter().flat_map(|beside| &beside.processes)).collect();
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

/// Throughput is kept: nine tenths of what was executed without the overload, with as much history.
fn overload(report: &Report) -> Option<Target> {
    let overload = report.overload.as_ref()?;
    let same = |run: &&Run| run.queries_per_request == overload.queries_per_request;
    let usual = report.saturated.iter().rev().find(same)?;
    let name = format!("executed with {} callers / with {}", overload.callers, usual.callers);
    let measured = overload.queries_executed_per_second / usual.queries_executed_per_second.max(0.001);
    Some(Target::at_least(name, 0.9, measured))
}

/// The usual callers keep nine tenths of what they had without a greedy one beside them.
fn greedy(report: &Report) -> Option<Target> {
    let beside = report.greedy.as_ref()?;
    let name = format!("executed by {} callers with a greedy one beside / without", beside.with.callers);
    let without = beside.without.queries_executed_per_second.max(0.001);
    Some(Target::at_least(name, 0.9, beside.with.queries_executed_per_second / without))
}

/// An audit costs what is read, once; counted is the auditing process's own processor time, not the database's or the
/// peers'.
fn audit(report: &Report) -> Option<Target> {
    let rate = report.audit.as_ref()?.entries_per_core_second?;
    Some(Target::at_least("entries audited for each second of the auditor's processor time", 20_000.0, rate))
}

fn certificate(report: &Report) -> Option<Target> {
    let of = report.certificates.as_ref()?;
    let name = format!("a certificate of {} proofs is verified offline within (ms, median)", of.proofs);
    Some(Target::at_most(name, 10.0, of.offline_ms.p50))
}

/// Each write is told in time; one that never was counts as a false alarm does.
fn past(report: &Report) -> Vec<Target> {
    let Some(of) = &report.past else { return Vec::new() };
    let wrong = of.false_alarms.values().sum::<u64>() + (of.written - of.told);
    vec![
        Target::at_most(
            "a write past the gateway is told within (ms, the longest)",
            5_000.0,
            of.delay_ms.most,
        ),
        Target::at_most("such writes not told, and others told as such", 0.0, wrong as f64),
    ]
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
