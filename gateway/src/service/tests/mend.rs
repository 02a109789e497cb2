//! The gateway's own tables are a cache of the ledger: what somebody changes in them is found and put back.

use tokio_util::sync::CancellationToken;

use super::{
    audit::{audited, recorded},
    officers::appoint,
    town::{AUDIENCE, Sent, Town, mark, officer as caller, settings, until},
};
use crate::{
    keys::Asked,
    service::{Audit, Mended, Service},
};
use sillok_contract::purpose::Purpose;

/// Puts back what can be; how much of each school it was.
async fn mend(service: &Service) -> Vec<Mended> {
    let auditor = service.auditor(std::time::Duration::ZERO).await.unwrap();
    let mut mended = Vec::new();
    for (school, _) in auditor.schools() {
        mended.push(auditor.mend(school, &|| ()).await.unwrap());
    }
    mended
}

/// The tables of Sillok's own in which something is found, each once.
fn tables(audit: &Audit) -> Vec<String> {
    let schools = audit.schools.values();
    let reports = schools.clone().flat_map(|school| &school.reports).flat_map(|report| &report.differences);
    let all = schools.flat_map(|school| &school.kept).chain(reports).chain(&audit.astray);
    let mut tables: Vec<_> = all.map(|found| format!("{} {}", found.code.as_str(), found.table)).collect();
    tables.extend(audit.cut.iter().map(|_| "outbox.cut".to_owned()));
    tables.sort();
    tables.dedup();
    tables
}

const BATCH: &str = "WHERE school = 'north' AND sequence = 1";
const FORGED: &str =
    "INSERT INTO sillok_batches (school, sequence, header, entries, transaction_id, receipt, block)
    SELECT school, 99, header, entries, transaction_id, receipt, block FROM sillok_batches";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_changed_in_the_gateways_tables_is_found_and_put_back() {
    let (town, service, end) = recorded().await;
    // Another batch, so that the first is not the last; and a gateway that records would act on what it finds.
    town.schools[0].marks(1, "last", 1).to(&service).await.unwrap();
    until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0).await;
    end().await;
    let clean = audited(&service).await;
    assert_eq!(clean.findings(), 0, "{clean:#?}");
    assert!(mend(&service).await.iter().all(|mended| !mended.is_anything()), "there is nothing to put back");
    let (batches, entries, requests) = ("sillok_batches", "sillok_entries", "sillok_requests");
    let altered = |table: &str| format!("outbox.altered {table}");
    let missing = |table: &str| format!("outbox.missing {table}");
    for (sql, mut found) in [
        (format!("UPDATE sillok_batches SET header = x'00' {BATCH}"), vec![altered(batches)]),
        (format!("UPDATE sillok_batches SET transaction_id = 'x' {BATCH}"), vec![altered(batches)]),
        (format!("UPDATE sillok_batches SET block = block + 1 {BATCH}"), vec![altered(batches)]),
        (format!("UPDATE sillok_batches SET receipt = x'7b7d' {BATCH}"), vec![altered(batches)]),
        // It would be sent again, as one in flight, or dissolved.
        (format!("UPDATE sillok_batches SET receipt = NULL {BATCH}"), vec![altered(batches)]),
        (
            format!("UPDATE sillok_batches SET entries = zeroblob(length(entries)) {BATCH}"),
            vec![altered(batches), altered(entries)],
        ),
        (format!("DELETE FROM sillok_batches {BATCH}"), vec![altered(entries), missing(batches)]),
        (format!("{FORGED} {BATCH}"), vec!["outbox.forged sillok_batches".to_owned()]),
        ("UPDATE sillok_entries SET bytes = x'00' WHERE number = 3".to_owned(), vec![altered(entries)]),
        ("UPDATE sillok_entries SET code = 'x' WHERE number = 3".to_owned(), vec![altered(entries)]),
        (
            "UPDATE sillok_entries SET batch = NULL, leaf = NULL WHERE number = 3".to_owned(),
            vec![altered(entries)],
        ),
        (
            "DELETE FROM sillok_entries WHERE number < 9".to_owned(),
            vec!["outbox.cut".to_owned(), missing(entries)],
        ),
        ("UPDATE sillok_requests SET jti = jti || 'x'".to_owned(), vec![altered(requests)]),
        ("UPDATE sillok_requests SET educator = 'x'".to_owned(), vec![altered(requests)]),
        ("UPDATE sillok_requests SET content = zeroblob(32)".to_owned(), vec![altered(requests)]),
        ("UPDATE sillok_requests SET jws = 'x'".to_owned(), vec!["outbox.cut".to_owned(), altered(requests)]),
        ("UPDATE sillok_requests SET outcome = x'7b7d'".to_owned(), vec![altered(requests)]),
        (
            "UPDATE sillok_requests SET outcome = CAST(replace(CAST(outcome AS TEXT), '90', '91') AS BLOB)"
                .to_owned(),
            vec![altered(requests)],
        ),
        ("DELETE FROM sillok_requests".to_owned(), vec![missing(requests)]),
    ] {
        town.tamper(&sql);
        let audit = audited(&service).await;
        found.sort();
        assert_eq!(tables(&audit), found, "{sql}");
        assert!(mend(&service).await.iter().any(Mended::is_anything), "{sql}");
        let audit = audited(&service).await;
        assert_eq!(audit.findings(), 0, "{sql}: {audit:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_put_back_as_far_as_the_ledger_tells_it_and_the_request_is_not_done_twice() {
    let (town, service, end) = recorded().await;
    let school = &town.schools[0];
    let learner = &school.learners[0];
    let read = Asked { sql: "SELECT * FROM grades".to_owned(), params: vec![], ..mark(learner, "") };
    let sent: Sent = school.educators[0].signs([mark(learner, "greek"), read]).unwrap().into();
    let first = sent.to(&service).await.unwrap();
    until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0).await;
    town.tamper("DELETE FROM sillok_requests; DELETE FROM sillok_entries; DELETE FROM sillok_batches");
    mend(&service).await;
    assert_eq!(audited(&service).await.findings(), 0);
    let again = sent.to(&service).await.unwrap();
    let ids = |state: &crate::service::RequestState| {
        state.results.iter().map(|result| result.entry.entry).collect::<Vec<_>>()
    };
    assert_eq!(ids(&again), ids(&first), "it is answered, not done again");
    assert_eq!(again.results[0].data, first.results[0].data, "what was written is on the ledger");
    assert_eq!(again.results[1].rows, first.results[1].rows);
    assert_eq!(again.results[1].data, Some(Vec::new()), "what was read is not");
    service.proof(&caller(), first.results[0].entry.entry).await.unwrap();
    end().await;
}

/// A town whose service records until it is stopped.
fn run(town: &Town) -> (Service, impl AsyncFnOnce() + use<>) {
    let (service, stop) = (town.service(settings()), CancellationToken::new());
    let (running, stopped) = (service.clone(), stop.clone());
    let task = tokio::spawn(async move { running.run(stopped).await });
    let end = async move || {
        stop.cancel();
        task.await.unwrap();
    };
    (service, end)
}

/// The database is put back to what it was a while ago, under a gateway that runs or while none does. The gateway records
/// nothing until it is mended; then it goes on where the ledger is, and an officer puts the rows back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_old_backup_was_restored_all_of_it_is_put_back_and_goes_on() {
    for runs in [true, false] {
        let town = Town::found(3, 20).await;
        let han = appoint(&town, "OfficeMSP", "han").await;
        let (mut service, mut end) = run(&town);
        let school = &town.schools[0];
        let recorded = async || {
            until("all is recorded", async || town.records.unrecorded().await.unwrap() == 0).await;
        };
        school.marks(0, "music", 6).to(&service).await.unwrap();
        recorded().await;
        town.back_up();
        let lost = school.marks(0, "art", 6);
        lost.to(&service).await.unwrap();
        recorded().await;
        let head = town.office.head(&school.id).await.unwrap().sequence;
        if !runs {
            end().await;
            town.restore_backup();
            (service, end) = run(&town);
        } else {
            town.restore_backup();
        }
        // It works on: what is done now waits, or goes its way.
        let done = school.marks(1, "law", 2).to(&service).await.unwrap();
        let audit = audited(&service).await;
        assert!(tables(&audit).iter().any(|found| found == "outbox.missing sillok_batches"), "{audit:#?}");
        mend(&service).await;
        recorded().await;
        let after = town.office.head(&school.id).await.unwrap().sequence;
        assert!(after > head, "it goes on after the ledger's last batch: {after}, {head}");
        let state = service.request(&caller(), done.request.0).await.unwrap();
        let is_recorded =
            |place: &crate::service::Place| matches!(place, crate::service::Place::Recorded { .. });
        assert!(state.results.iter().all(|result| is_recorded(&result.entry.place)), "{state:?}");
        // What was done since is not done again, and the rows are put back by an officer.
        lost.to(&service).await.unwrap();
        for learner in &school.learners {
            let plan = service.restoration(&caller(), learner).await.unwrap();
            assert_eq!(plan.statements.len(), 1, "{plan:?}");
            let sent: Sent =
                han.signs(Purpose::Restore, &plan.school, AUDIENCE, plan.asked()).unwrap().into();
            sent.to(&service).await.unwrap();
        }
        recorded().await;
        let audit = audited(&service).await;
        assert_eq!(audit.findings(), 0, "{audit:#?}");
        end().await;
    }
}

/// An entry is taken out of the way before it is recorded: it would never come to the ledger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_was_led_astray_is_found_and_recorded() {
    let town = Town::found(40, 60_000).await;
    let service = town.service(settings());
    town.schools[0].marks(0, "music", 2).to(&service).await.unwrap();
    town.tamper("UPDATE sillok_entries SET batch = 7, leaf = 0 WHERE number = 1");
    let audit = audited(&service).await;
    assert!(audit.astray.len() == 1 && audit.findings() >= 1, "{audit:#?}");
    let mended = mend(&service).await;
    assert_eq!(mended.iter().map(|mended| mended.freed).sum::<u64>(), 1);
    assert_eq!(audited(&service).await.findings(), 0);
}
