//! The audit of everybody.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use sillok_contract::id::LearnerId;
use tokio_util::sync::CancellationToken;

use super::town::{Town, settings, until};
use crate::{
    clock::now,
    records::Finding,
    service::{Audit, Service},
};

/// A town whose service records, with some marks on the ledger.
pub(super) async fn recorded() -> (Town, Service, impl AsyncFnOnce()) {
    let town = Town::found(3, 20).await;
    let service = town.service(settings());
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (service, stop) = (service.clone(), stop.clone());
        async move { service.run(stop).await }
    });
    for school in &town.schools {
        for subject in ["music", "art", "law"] {
            school.marks(0, subject, 6).to(&service).await.unwrap();
        }
    }
    until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0).await;
    let end = async move || {
        stop.cancel();
        running.await.unwrap();
    };
    (town, service, end)
}

pub(super) async fn audited(service: &Service) -> Audit {
    let auditor = service.auditor(Duration::ZERO).await.unwrap();
    let mut audit = Audit::begun(service.now());
    for (school, batches) in auditor.schools() {
        let seen = AtomicU64::new(0);
        let tell = || {
            seen.fetch_add(1, Ordering::Relaxed);
        };
        let of_school = auditor.school(school, &tell).await.unwrap();
        assert!(seen.into_inner() >= *batches, "each batch is told of");
        audit.schools.insert(school.clone(), of_school);
    }
    audit.strangers = auditor.strangers().await.unwrap();
    audit.cut = auditor.cut().await.unwrap();
    audit.astray = auditor.astray().await.unwrap();
    audit
}

/// Who differs, and in how many things.
fn found(audit: &Audit) -> Vec<(String, usize)> {
    let reports = audit.schools.values().flat_map(|school| &school.reports);
    reports.map(|report| (report.learner.to_string(), report.differences.len())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_who_was_meddled_with_is_found_among_all() {
    let (town, service, end) = recorded().await;
    let clean = audited(&service).await;
    assert_eq!((clean.findings(), clean.sum(|school| school.suspects)), (0, 0), "{clean:#?}");
    let sums = [clean.sum(|s| s.entries), clean.sum(|s| s.rows), clean.sum(|s| s.learners)];
    assert_eq!(sums, [36, 36, 12]);

    let name = |school: usize, learner: usize| town.schools[school].learners[learner].to_string();
    town.tamper(&format!(
        "UPDATE grades SET score = 99 WHERE learner = '{}' AND subject = 'art'",
        name(0, 1)
    ));
    town.tamper(&format!("DELETE FROM grades WHERE learner = '{}'", name(0, 2)));
    town.tamper(&format!(
        "INSERT INTO notes (learner, year, area, number, content) VALUES ('{}', 1, 'a', 1, '')",
        name(1, 0)
    ));
    town.tamper(&format!("UPDATE sillok_entries SET executed_at = 1 WHERE learner = '{}'", name(1, 4)));
    town.tamper("INSERT INTO learner (learner, name) VALUES ('somebody', 'x'), ('not an id', 'y')");
    let audit = audited(&service).await;
    assert_eq!(found(&audit), [(name(0, 1), 1), (name(0, 2), 3), (name(1, 0), 1), (name(1, 4), 3)]);
    assert_eq!(audit.sum(|school| school.suspects), 4, "nobody else is looked at");
    let strangers: Vec<_> = audit.strangers.iter().map(|stranger| stranger.learner.as_str()).collect();
    assert_eq!(strangers, ["not an id", "somebody"]);
    assert_eq!(audit.findings(), 10);
    let json = serde_json::to_vec(&audit).unwrap();
    assert_eq!(serde_json::from_slice::<Audit>(&json).unwrap(), audit, "it can be kept and gone on with");
    end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_meanwhile_and_who_moved_raise_no_alarm() {
    let (town, service, end) = recorded().await;
    let (here, there) = (&town.schools[0], &town.schools[1].id);
    let mover: &LearnerId = &here.learners[5];
    let support = crate::ledger::consortium::Consortium::Embedded(town.ledger.clone());
    let support = support.administrator("SupportMSP").unwrap();
    support.move_learner(mover, there, now()).await.unwrap();
    let asked = super::town::mark(mover, "after");
    let sent: super::town::Sent = town.schools[1].educators[0].signs([asked]).unwrap().into();
    // The service hears of the move a moment later.
    until("the learner is there", async || sent.to(&service).await.is_ok()).await;
    let writing = async {
        for subject in 0..30 {
            here.marks(subject % 2, &format!("{subject}"), 5).to(&service).await.unwrap();
        }
    };
    let (audit, ()) = tokio::join!(audited(&service), writing);
    assert_eq!(audit.findings(), 0, "{audit:#?}");
    town.tamper(&format!("UPDATE grades SET score = 1 WHERE learner = '{mover}' AND subject = 'music'"));
    assert_eq!(
        found(&audited(&service).await),
        [(mover.to_string(), 1)],
        "at whichever school it was recorded"
    );
    end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_audits_by_itself_if_it_is_told_to() {
    let (town, _, end) = recorded().await;
    let mut settings = settings();
    (settings.audit.every_s, settings.audit.pause_ms) = (1, 0);
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let value = |name: &str| {
        let text = metrics.render();
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).map(str::to_owned);
        line.and_then(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
    };
    town.tamper(&format!("UPDATE grades SET score = 1 WHERE learner = '{}'", town.schools[0].learners[0]));
    let (service, stop) = (town.service(settings), CancellationToken::new());
    let _recording = metrics::set_default_local_recorder(&recorder);
    let auditing = super::super::audit::run(service.core.clone(), stop.clone());
    let watching = async {
        until("it has found it", async || value("sillok_audit_findings") == Some(3.0)).await;
        until("it audits again", async || value("sillok_audit_schools_total") >= Some(4.0)).await;
        assert_eq!(value("sillok_audit_suspects_total"), Some(2.0));
        // Each is an alert once, however often it is found; what is found again after it was gone is one again.
        let raised = async || town.records.alerts(0, 100).await.unwrap();
        let first = raised().await;
        let learner = town.schools[0].learners[0].as_str();
        let tells = |alert: &crate::records::Alert| {
            let Finding { kind, table, key, detail, .. } = &alert.finding;
            let (key, detail) = (key.as_ref().unwrap(), detail.as_ref().unwrap());
            (kind.as_str(), table.as_deref()) == ("row.changed", Some("grades"))
                && key["learner"] == learner
                && detail.contains("score")
        };
        assert!(first.len() == 3 && first.iter().all(tells), "{first:?}");
        town.tamper("UPDATE grades SET score = 90");
        until("it is well again", async || value("sillok_audit_findings") == Some(0.0)).await;
        assert_eq!(raised().await.len(), 3);
        town.tamper(&format!("UPDATE grades SET score = 1 WHERE learner = '{learner}' AND subject = 'art'"));
        until("it is told again", async || raised().await.len() == 4).await;
        stop.cancel();
    };
    tokio::join!(auditing, watching);
    end().await;
}

/// A read leaves no row: only the request tells that there was an entry, on its way to the ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_whose_entry_was_deleted_before_the_ledger_had_it_is_missed() {
    let town = Town::found(40, 60_000).await;
    let service = town.service(settings());
    let school = &town.schools[0];
    let read = |learner: &LearnerId| crate::keys::Asked {
        learner: learner.clone(),
        sql: "SELECT * FROM grades".to_owned(),
        params: Vec::new(),
    };
    let asked = school.learners.iter().take(3).map(read);
    let sent: super::town::Sent = school.educators[0].signs(asked).unwrap().into();
    let state = sent.to(&service).await.unwrap();
    school.marks(1, "music", 2).to(&service).await.unwrap();
    assert_eq!(audited(&service).await.findings(), 0);
    town.tamper(&format!(
        "DELETE FROM sillok_entries WHERE learner = '{}' AND number <= 3",
        school.learners[1]
    ));
    let audit = audited(&service).await;
    assert_eq!((audit.findings(), audit.cut[0].missing), (1, Some(1)));
    assert_eq!(audit.cut[0].request, state.request.to_string());
    town.tamper("UPDATE sillok_requests SET jws = 'x'");
    assert_eq!(audited(&service).await.cut.iter().filter(|cut| cut.missing.is_none()).count(), 2);
}
