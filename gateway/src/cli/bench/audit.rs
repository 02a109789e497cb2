//! The audit of everything that was recorded: each batch and each row of the town's schools read once.
//!
//! It is made in this process, which does nothing else meanwhile, on engines that it opens itself as `sillok audit` does.

use std::time::{Duration, Instant};

use serde::Serialize;
use sillok_contract::id::SchoolId;

use super::{
    machine::{BENCH, Used, Watch},
    site::Site,
};
use crate::{
    cli::Failure,
    service::{Audit, SchoolAudit},
};

/// What an audit took.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Audited {
    /// Of how many schools, and how many there are.
    pub(super) schools: usize,
    pub(super) of_schools: usize,
    pub(super) batches: u64,
    pub(super) entries: u64,
    pub(super) learners: u64,
    pub(super) rows: u64,
    pub(super) seconds: f64,
    pub(super) entries_per_second: f64,
    pub(super) rows_per_second: f64,
    /// For each second of processor time of the auditing process itself; null where that is not known.
    pub(super) entries_per_core_second: Option<f64>,
    pub(super) rows_per_core_second: Option<f64>,
    /// The auditing process is this one: `sillok bench`.
    pub(super) processes: Vec<Used>,
}

/// Audits school after school; begins no other once so much time has passed.
pub(super) async fn measure(
    site: &Site,
    schools: &[SchoolId],
    longest: Duration,
    told: impl Fn(&SchoolAudit),
) -> Result<Audited, Failure> {
    let auditor = site.service().await?.auditor(Duration::ZERO).await?;
    let mut audit = Audit::default();
    let watch = Watch::begin(site.processes(None));
    let began = Instant::now();
    for school in schools {
        if began.elapsed() > longest {
            break;
        }
        let of_school = auditor.school(school, &|| ()).await?;
        told(&of_school);
        audit.schools.insert(school.clone(), of_school);
    }
    let (seconds, processes) = (began.elapsed().as_secs_f64(), watch.end());
    if audit.findings() > 0 {
        let detail = format!("database and ledger differ in {} things", audit.findings());
        return Err(Failure::failed("bench.drift", detail));
    }
    let (entries, rows) = (audit.sum(|school| school.entries), audit.sum(|school| school.rows));
    let own = processes.iter().find(|used| used.name == BENCH).map(|used| used.cpu_seconds);
    let own = own.filter(|seconds| *seconds > 0.0);
    Ok(Audited {
        schools: audit.schools.len(),
        of_schools: schools.len(),
        batches: audit.sum(|school| school.batches),
        entries,
        learners: audit.sum(|school| school.learners),
        rows,
        seconds,
        entries_per_second: entries as f64 / seconds,
        rows_per_second: rows as f64 / seconds,
        entries_per_core_second: own.map(|own| entries as f64 / own),
        rows_per_core_second: own.map(|own| rows as f64 / own),
        processes,
    })
}
