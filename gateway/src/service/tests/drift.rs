//! What is changed behind the ledger's back is found, on a running service.

use tokio_util::sync::CancellationToken;

use super::town::{Town, mark, officer, settings, until};
use crate::{
    drift::{DifferenceCode, Selection, SignedReport},
    ledger::receipt::Roots,
    problem::Kind,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_learner_agrees_from_the_first_moment_on_until_somebody_meddles() {
    let town = Town::found(3, 20).await;
    let service = town.service(settings());
    let school = &town.schools[0];
    let learner = &school.learners[0];
    let verified = async || service.verification(&officer(), learner).await.unwrap().report;

    // Nothing is recorded yet: what is pending counts.
    school.marks(0, "music", 3).to(&service).await.unwrap();
    let report = verified().await;
    assert!(report.agrees, "{report:?}");
    assert_eq!((report.recorded, report.pending), (0, 1));

    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (service, stop) = (service.clone(), stop.clone());
        async move { service.run(stop).await }
    });
    // While batches are on their way there is never a false alarm.
    for subject in 0..20 {
        school.marks(subject % 2, &format!("{subject}"), 2).to(&service).await.unwrap();
        let report = verified().await;
        assert!(report.agrees, "{report:?}");
        assert_eq!(report.recorded + report.pending, subject as u64 + 2);
    }
    until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0).await;
    let report = verified().await;
    assert_eq!((report.agrees, report.recorded, report.pending), (true, 21, 0));

    town.tamper(&format!("UPDATE grades SET score = 100 WHERE learner = '{learner}' AND subject = 'music'"));
    let signed = service.verification(&officer(), learner).await.unwrap();
    let roots = Roots::read_dir(&town.ledger.roots_directory()).unwrap();
    let (report, msp) = SignedReport::verify(&signed.jws, &roots).unwrap();
    assert_eq!((msp.as_str(), report.agrees, report.differences.len()), ("SupportMSP", false, 1));
    let found = &report.differences[0];
    assert_eq!((found.code, found.table.as_str()), (DifferenceCode::RowChanged, "grades"));
    let column = &found.columns[0];
    assert_eq!(
        (column.column.as_str(), column.database.clone(), column.ledger.clone()),
        ("score", Some(100.into()), Some(90.into()))
    );
    assert!(service.verification(&officer(), &school.learners[1]).await.unwrap().report.agrees);
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_offices_ask_and_only_about_those_who_are_registered() {
    let town = Town::found(3, 20).await;
    let service = town.service(settings());
    let school = &town.schools[0];
    let learner = &school.learners[0];
    let rows = Selection::default();
    for refused in [
        service.verification(&school.caller(0), learner).await.map(drop),
        service.history(&school.caller(0), learner, &rows).await.map(drop),
    ] {
        assert_eq!(refused.unwrap_err().code, "access.offices_only");
    }
    let nobody = mark(&"nobody".parse().unwrap(), "x").learner;
    let refused = service.verification(&officer(), &nobody).await.unwrap_err();
    assert_eq!((refused.kind, refused.code), (Kind::NotFound, "not_found"));
    let report = service.verification(&officer(), learner).await.unwrap().report;
    assert_eq!((report.agrees, report.recorded), (true, 0), "a learner without entries and rows");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_needs_no_database() {
    let town = Town::found(2, 20).await;
    let service = town.service(settings());
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (service, stop) = (service.clone(), stop.clone());
        async move { service.run(stop).await }
    });
    let school = &town.schools[0];
    let learner = &school.learners[0];
    school.marks(0, "music", 1).to(&service).await.unwrap();
    school.marks(1, "art", 1).to(&service).await.unwrap();
    until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0).await;
    town.tamper("DELETE FROM grades; DELETE FROM sillok_entries; DELETE FROM sillok_requests");
    let key = [("subject".to_owned(), "art".into())].into_iter().collect();
    let rows = Selection { table: Some("grades".to_owned()), key };
    let history = service.history(&officer(), learner, &rows).await.unwrap();
    assert_eq!((history.rows.len(), history.rows[0].changes.len(), history.faults.len()), (1, 1, 0));
    assert_eq!(history.rows[0].changes[0].by.signer, school.educators[1].id);
    let report = service.verification(&officer(), learner).await.unwrap().report;
    let codes: Vec<_> = report.differences.iter().map(|found| found.code.as_str()).collect();
    assert_eq!(codes, ["row.missing", "row.missing", "outbox.missing", "outbox.missing"]);
    stop.cancel();
    running.await.unwrap();
}
