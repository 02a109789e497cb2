//! What follows recording, for people: audit, verification, wallets, certificates, writes past the gateway.

use super::{
    audit::Audited,
    certificates::Certificates,
    past::{Past, Share},
    platform,
    report::{Quantiles, Report},
    table::{number, quantiles, used},
    verification::Verification,
    wallets::Wallets,
};
use crate::cli::table::table;

/// All of it.
pub(super) fn of(report: &Report) -> Vec<String> {
    let mut parts = vec![learners(report)];
    parts.extend(report.platform.as_ref().map(platform::told::of));
    parts.extend(report.past.as_ref().map(past));
    parts.extend(report.audit.as_ref().map(audit));
    parts
}

fn learners(report: &Report) -> String {
    let wallets = report.wallets.iter().flat_map(of_wallets);
    let verified = report.verification.iter().map(of_verification);
    let certificates = report.certificates.iter().flat_map(of_certificates);
    table(
        &["of one learner", "a second", "ms p50 p99 p99.9"],
        wallets.chain(verified).chain(certificates),
        "",
    )
}

fn row(what: String, rate: Option<f64>, times: &Quantiles) -> Vec<String> {
    vec![what, rate.map(number).unwrap_or_default(), quantiles(times)]
}

fn of_verification(of: &Verification) -> Vec<String> {
    let what = format!("verified, {} entries each, {} at once", of.entries, of.callers);
    row(what, Some(of.learners_per_second), &of.latency_ms)
}

fn of_wallets(of: &Wallets) -> [Vec<String>; 2] {
    let each = of.entries.max(1) as f64;
    let rate = |entries: f64| Some(entries / each);
    let what = |what: &str| format!("{what}, {} entries each", of.entries);
    [
        row(what("wallet in step with the ledger"), rate(of.entries_synchronised_per_second), &of.sync_ms),
        row(what("wallet verified offline"), rate(of.entries_verified_per_second), &of.verify_ms),
    ]
}

fn of_certificates(of: &Certificates) -> [Vec<String>; 6] {
    let (proofs, kib) = (of.proofs, of.bytes / 1024);
    let made = format!("certificate, {} at once: asked for to countersigned", of.at_once);
    let offline = format!("certificate verified offline: {proofs} proofs, {kib} KiB");
    let per_second = |times: &Quantiles| (times.p50 > 0.0).then(|| 1_000.0 / times.p50);
    [
        row(made, Some(of.per_second), &of.whole_ms),
        row("  asked for".to_owned(), None, &of.request_ms),
        row("  drafted, signed, issued".to_owned(), None, &of.issue_ms),
        row("  countersigned".to_owned(), None, &of.countersign_ms),
        row(offline, per_second(&of.offline_ms), &of.offline_ms),
        row("certificate verified with its status".to_owned(), None, &of.with_status_ms),
    ]
}

fn past(of: &Past) -> String {
    let share = |what: &str, share: &Share| {
        vec![
            format!("{} a request, {what}", share.queries_per_request),
            number(share.queries_executed_per_second),
            quantiles(&share.latency_ms),
            number(share.cpu_ms_per_query),
        ]
    };
    let header = ["the watch", "executed/s", "answer ms p50 p99 p99.9", "CPU ms/query"];
    let rows = [share("watched, with writes past the gateway", &of.with), share("not watched", &of.without)];
    let decoding = of
        .decoding_cores
        .map_or_else(String::new, |cores| format!("; PostgreSQL's decoding takes {cores:.2} cores"));
    let false_alarms: u64 = of.false_alarms.values().sum();
    format!(
        "{}\n{} writes past the gateway, {} told, after {} ms (p50 p99 p99.9), {} at most; {false_alarms} false alarms{decoding}",
        table(&header, rows.into_iter(), ""),
        of.written,
        of.told,
        quantiles(&of.delay_ms),
        number(of.delay_ms.most),
    )
}

fn audit(of: &Audited) -> String {
    let of_core = |rate: Option<f64>| rate.map(number).unwrap_or_default();
    let rows = [
        ("entries", of.entries, of.entries_per_second, of.entries_per_core_second),
        ("rows", of.rows, of.rows_per_second, of.rows_per_core_second),
    ];
    let rows = rows.map(|(what, count, rate, of_own)| {
        vec![what.to_owned(), count.to_string(), number(rate), of_core(of_own)]
    });
    let head = format!(
        "audit of {} of {} schools: {} batches, {} learners, {:.1} s; the auditing process is this one",
        of.schools, of.of_schools, of.batches, of.learners, of.seconds
    );
    let header = ["audited", "", "a second", "for each second of its processor time"];
    format!(
        "{head}\n{}\n{}",
        table(&header, rows.into_iter(), ""),
        used(&of.processes, of.entries_per_second, "entry")
    )
}
