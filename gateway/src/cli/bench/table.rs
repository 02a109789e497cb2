//! The results, for people.

use std::collections::BTreeMap;

use super::{
    greedy::{Beside, Share},
    machine::Used,
    measure::Run,
    report::{Quantiles, Report},
    told,
};
use crate::cli::table::table;

/// All of it.
pub(super) fn of(report: &Report) -> String {
    let machine = &report.machine;
    let head = format!(
        "{}; {} cores ({}), {} GiB; {}{}; {:.0} s",
        report.engines,
        machine.cores,
        machine.processor,
        machine.memory_gib,
        report.began,
        if report.optimised { "" } else { "; built WITHOUT optimisation: the figures mean little" },
        report.seconds,
    );
    let parts = [head, targets(report), runs(report), comparisons(report), contract(report), proofs(report)];
    let parts = parts.into_iter().chain(told::of(report));
    let mut text: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    for run in report.saturated.iter().chain(&report.overload) {
        text.push(format!("{}:\n{}", name(run), processes(run)));
    }
    text.push(format!("{} queries executed, {} recorded", report.executed, report.recorded));
    text.join("\n\n")
}

fn targets(report: &Report) -> String {
    let rows = report.targets.iter().map(|target| {
        let sign = if target.at_most { "<=" } else { ">=" };
        let met = if target.met { "met" } else { "NOT MET" };
        vec![
            target.name.clone(),
            format!("{sign} {}", target.wanted),
            number(target.measured),
            met.to_owned(),
        ]
    });
    table(&["target", "wanted", "measured", ""], rows, "")
}

fn runs(report: &Report) -> String {
    let all = report.saturated.iter().chain(&report.paced).chain(&report.overload);
    let rows = all.map(|run| {
        let refused = refused(&run.refused);
        vec![
            name(run),
            number(run.requests_per_second),
            number(run.queries_executed_per_second),
            number(run.queries_recorded_per_second),
            quantiles(&run.latency_ms),
            quantiles(&run.proof_ms),
            number(run.cpu_ms_per_query),
            refused,
        ]
    });
    let header = [
        "the gateway",
        "requests/s",
        "executed/s",
        "recorded/s",
        "answer ms p50 p99 p99.9",
        "proof ms p50 p99 p99.9",
        "CPU ms/query",
        "refused",
    ];
    table(&header, rows.chain(report.greedy.iter().flat_map(greedy)), "")
}

/// The usual callers without and with the greedy one, and that one.
fn greedy(beside: &Beside) -> [Vec<String>; 3] {
    let (queries, rate) = (beside.queries_per_request, beside.rate);
    let row = |who: String, share: &Share| {
        vec![
            format!("{queries} a request, {who}"),
            number(share.requests_per_second),
            number(share.queries_executed_per_second),
            String::new(),
            quantiles(&share.latency_ms),
            String::new(),
            String::new(),
            refused(&share.refused),
        ]
    };
    let usual = format!("{} callers, at most {rate} requests/s each", beside.with.callers);
    [
        row(usual.clone(), &beside.without),
        row(format!("{usual}, a greedy one beside"), &beside.with),
        row(
            format!("the greedy one, {:.0} requests/s", beside.greedy.pace.unwrap_or_default()),
            &beside.greedy,
        ),
    ]
}

fn refused(codes: &BTreeMap<String, u64>) -> String {
    codes.iter().map(|(code, count)| format!("{code} {count}")).collect::<Vec<_>>().join(", ")
}

fn name(run: &Run) -> String {
    let pace = if run.pace.is_some() { ", paced" } else { "" };
    format!("{} a request, {} callers, after {}{pace}", run.queries_per_request, run.callers, run.history)
}

fn comparisons(report: &Report) -> String {
    let straight = report.straight.iter().map(|straight| {
        vec![
            format!(
                "SQL straight to the database, {} a request, {}",
                straight.queries_per_request,
                straight.way.name()
            ),
            number(straight.queries_per_second),
            quantiles(&straight.latency_ms),
            straight.failed.to_string(),
        ]
    });
    let single = report.single.iter().map(|single| {
        vec![
            format!("one ledger transaction a query, {} schools", single.schools),
            number(single.queries_recorded_per_second),
            quantiles(&single.latency_ms),
            single.failed.to_string(),
        ]
    });
    table(&["without Sillok", "queries/s", "ms p50 p99 p99.9", "failed"], straight.chain(single), "")
}

fn contract(report: &Report) -> String {
    let rows = report.contract.iter().map(|contract| {
        vec![
            format!("{} entries, {} a request", contract.entries, contract.queries_per_request),
            number(contract.batch_ms),
            format!("{} ({})", number(contract.signatures_ms), contract.signatures),
            format!("{} ({})", number(contract.ledger_ms), contract.ledger_calls),
            number(contract.rest_ms),
            number(contract.entries_per_second),
        ]
    });
    let header =
        ["the contract alone", "batch ms", "signatures ms", "ledger calls ms", "rest ms", "entries/s"];
    table(&header, rows, "")
}

fn proofs(report: &Report) -> String {
    let proofs = report.proofs.iter().map(|proofs| {
        format!(
            "{} a request{}: {} proofs of {} bytes from batches of {} entries: fetched in {} ms, checked in {} ms (p50 p99 p99.9), {} a second",
            proofs.queries_per_request,
            if proofs.pace.is_some() { ", paced" } else { "" },
            proofs.count,
            proofs.bytes,
            proofs.batch_entries,
            quantiles(&proofs.fetch_ms),
            quantiles(&proofs.check_ms),
            number(proofs.checked_per_second),
        )
    });
    let disk = report.disk.iter().map(|disk| {
        format!(
            "bytes on disk for each of {} entries: database {}, one office's ledger {}, one ordering node {}",
            disk.entries, disk.bytes.database, disk.bytes.ledger, disk.bytes.orderer
        )
    });
    proofs.chain(disk).collect::<Vec<_>>().join("\n")
}

fn processes(run: &Run) -> String {
    used(&run.processes, run.queries_executed_per_second, "query")
}

/// What processes used while so many of something were done a second.
pub(super) fn used(processes: &[Used], rate: f64, each: &str) -> String {
    let rows = processes.iter().map(|used| {
        vec![
            used.name.clone(),
            format!("{:.2}", used.cores),
            format!("{:.2}", 1024.0 * used.written_mib_per_second / rate.max(0.001)),
            format!("{:.0}", used.memory_mib),
        ]
    });
    table(&["process", "cores", &format!("KiB written/{each}"), "memory MiB"], rows, "")
}

/// Half, 99 and 99.9 of a hundred were no longer.
pub(super) fn quantiles(quantiles: &Quantiles) -> String {
    [quantiles.p50, quantiles.p99, quantiles.p999].map(number).join(" ")
}

/// With three digits that say something.
pub(super) fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let shown = [1_234.5, 12.345, 1.2345, 0.012_345].map(number);
        assert_eq!(shown, ["1234", "12.3", "1.23", "0.012"]);
    }
}
