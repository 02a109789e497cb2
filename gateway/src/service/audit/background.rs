//! The audit that the gateway makes by itself.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Auditor, CutRequest, SchoolAudit, Stranger};
use crate::{
    drift::{Difference, Report},
    problem::Problem,
    service::{Core, Digest, metrics},
};

/// Audits over and over, until `shutdown`; not at all, if the settings say so.
pub(in crate::service) async fn run(core: Arc<Core>, shutdown: CancellationToken) {
    let settings = core.settings.audit.clone();
    if settings.every_s == 0 {
        return;
    }
    let mut told = HashSet::new();
    let rounds = async {
        loop {
            if let Err(problem) = round(&core, &mut told).await {
                tracing::warn!(%problem, "the audit could not be made; it is begun anew later");
                metrics::audit_failed();
            }
            tokio::time::sleep(Duration::from_secs(settings.every_s)).await;
        }
    };
    tokio::select! {
        () = rounds => {}
        () = shutdown.cancelled() => {}
    }
}

/// One audit of all. `told` is what was logged before, and is still so.
async fn round(core: &Arc<Core>, told: &mut HashSet<Digest>) -> Result<(), Problem> {
    let pause = Duration::from_millis(core.settings.audit.pause_ms);
    let auditor = Auditor::begin(core.clone(), pause).await?;
    let (mut findings, mut standing) = (0, HashSet::new());
    for (school, _) in auditor.schools() {
        let audit = auditor.school(school, &|| ()).await?;
        findings += audit.findings();
        metrics::audited(&audit);
        tell_school(&audit, told, &mut standing);
    }
    let strangers = auditor.strangers().await?;
    findings += strangers.len() as u64;
    for Stranger { learner } in &strangers {
        if is_new(learner.as_bytes(), told, &mut standing) {
            tracing::error!(%learner, "drift: the database has rows of a learner whom the ledger does not know");
        }
    }
    let cut = auditor.cut().await?;
    findings += cut.len() as u64;
    for CutRequest { request, .. } in &cut {
        if is_new(request.as_bytes(), told, &mut standing) {
            tracing::error!(%request, "drift: entries of a request that was executed are gone from the outbox");
        }
    }
    *told = standing;
    metrics::audit_ended(findings, (core.clock)());
    Ok(())
}

/// Each thing that was found is logged once, for as long as it is so.
fn tell_school(audit: &SchoolAudit, told: &mut HashSet<Digest>, standing: &mut HashSet<Digest>) {
    let school = &audit.school;
    for fault in &audit.faults {
        if is_new(&as_json(fault), told, standing) {
            tracing::error!(%school, code = fault.code.as_str(), batch = fault.sequence, "the ledger contradicts itself: {}", fault.detail);
        }
    }
    for Report { learner, differences, faults, .. } in &audit.reports {
        for Difference { code, table, columns, detail, .. } in
            differences.iter().filter(|difference| is_new(&as_json(&(learner, difference)), told, standing))
        {
            // Without the values: they are the learner's.
            let columns: Vec<_> = columns.iter().map(|column| column.column.as_str()).collect();
            tracing::error!(%learner, %school, code = code.as_str(), table, ?columns, "drift: {detail}");
        }
        for fault in faults.iter().filter(|fault| is_new(&as_json(&(learner, fault)), told, standing)) {
            tracing::error!(%learner, %school, code = fault.code.as_str(), "the ledger contradicts itself: {}", fault.detail);
        }
    }
}

fn is_new(what: &[u8], told: &HashSet<Digest>, standing: &mut HashSet<Digest>) -> bool {
    let digest = Digest::of(what);
    standing.insert(digest);
    !told.contains(&digest)
}

fn as_json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("what is found has only text, numbers, lists and images")
}
