//! The audit that the gateway makes by itself.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Auditor, alerts::Told};
use crate::{
    problem::Problem,
    service::{Core, metrics, problems},
};

/// Audits over and over, until `shutdown`; not at all, if the settings say so.
pub(in crate::service) async fn run(core: Arc<Core>, shutdown: CancellationToken) {
    let settings = core.settings.audit.clone();
    if settings.every_s == 0 {
        return;
    }
    let mut told = Told::default();
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

/// One audit of all. What is found is raised school by school, and is an alert once.
async fn round(core: &Arc<Core>, told: &mut Told) -> Result<(), Problem> {
    let pause = Duration::from_millis(core.settings.audit.pause_ms);
    let auditor = Auditor::begin(core.clone(), pause).await?;
    let (mut findings, now) = (0, (core.clock)());
    told.begin();
    for (school, _) in auditor.schools() {
        let audit = auditor.school(school, &|| ()).await?;
        findings += audit.findings();
        metrics::audited(&audit);
        told.school(&audit, now);
        raise(core, told).await?;
    }
    let (strangers, cut, astray) =
        (auditor.strangers().await?, auditor.cut().await?, auditor.astray().await?);
    findings += (strangers.len() + cut.len() + astray.len()) as u64;
    strangers.iter().for_each(|stranger| told.stranger(stranger, now));
    cut.iter().for_each(|cut| told.cut(cut, now));
    astray.iter().for_each(|astray| told.astray(astray, now));
    raise(core, told).await?;
    told.end();
    metrics::audit_ended(findings, (core.clock)());
    Ok(())
}

async fn raise(core: &Core, told: &mut Told) -> Result<(), Problem> {
    match told.due() {
        due if due.is_empty() => Ok(()),
        due => core.raise(&due).await.map_err(problems::of_records),
    }
}
