//! What was changed behind the ledger's back is put back, by an officer, as recorded queries.

use sillok_contract::{id::LearnerId, purpose::Purpose};
use tokio_util::sync::CancellationToken;

use super::{
    officers::appoint,
    town::{AUDIENCE, Sent, Town, officer as caller, settings, until},
};
use crate::{
    drift::Plan,
    keys::Asked,
    ledger::officer::Officer,
    problem::Problem,
    service::{RequestState, Service},
};

/// A town whose service records, an officer, and rows of every kind about a learner.
struct Office {
    town: Town,
    service: Service,
    officer: Officer,
    learner: LearnerId,
    stop: CancellationToken,
}

const ROWS: [&str; 5] = [
    "INSERT INTO learner (name, birth_date) VALUES ('가 ''나''', '2010-02-28')",
    "INSERT INTO grades (year, term, subject, score, confirmed) VALUES (2026, 1, 'music', 70, TRUE)",
    "INSERT INTO grades (year, term, subject, credits) VALUES (2026, 1, 'art', 1152921504606846977)",
    "INSERT INTO notes (year, area, number, content, written_at) VALUES (2026, 'c', 1, '', '2026-03-02T09:00:00.25Z')",
    "INSERT INTO awards (awarded_on, title) VALUES ('2026-05-05', 'x')",
];

impl Office {
    async fn open() -> Self {
        let town = Town::found(40, 20).await;
        let officer = appoint(&town, "OfficeMSP", "han").await;
        let service = town.service(settings());
        let (running, stop) = (service.clone(), CancellationToken::new());
        let stopped = stop.clone();
        tokio::spawn(async move { running.run(stopped).await });
        let learner = town.schools[0].learners[0].clone();
        let office = Self { town, service, officer, learner, stop };
        for sql in ROWS {
            office.teaches(sql).await;
        }
        office
    }

    fn asked(&self, sql: &str) -> Asked {
        Asked { learner: self.learner.clone(), sql: sql.to_owned(), params: Vec::new() }
    }

    /// An educator of the learner's does something, and it is recorded.
    async fn teaches(&self, sql: &str) {
        let sent: Sent = self.town.schools[0].educators[0].signs([self.asked(sql)]).unwrap().into();
        sent.to(&self.service).await.unwrap();
        self.recorded().await;
    }

    async fn recorded(&self) {
        until("all is recorded", async || self.town.records.unrecorded().await.unwrap() == 0).await;
    }

    async fn plan(&self) -> Plan {
        self.service.restoration(&caller(), &self.learner).await.unwrap()
    }

    fn signs(&self, plan: &Plan) -> Sent {
        self.officer.signs(Purpose::Restore, &plan.school, AUDIENCE, plan.asked()).unwrap().into()
    }

    async fn restores(&self, plan: &Plan) -> Result<RequestState, Problem> {
        self.signs(plan).to(&self.service).await
    }

    async fn agrees(&self) -> bool {
        self.service.verification(&caller(), &self.learner).await.unwrap().report.agrees
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_is_put_back_as_it_was_and_recorded() {
    let office = Office::open().await;
    assert_eq!(office.plan().await.statements.len(), 0, "there is nothing to put back");
    office.town.tamper(
        "UPDATE grades SET score = NULL, confirmed = FALSE WHERE subject = 'music';
         UPDATE grades SET credits = 7, achievement = 'A' WHERE subject = 'art';
         UPDATE notes SET content = 'x', written_at = NULL;
         UPDATE learner SET name = 'other', birth_date = NULL;
         DELETE FROM awards",
    );
    let injected = format!(
        "INSERT INTO grades (learner, year, term, subject, score) VALUES ('{0}', 2026, 1, 'law', 99);
         INSERT INTO awards (learner, awarded_on, title, participants) VALUES ('{0}', '2026-05-05', 'y', 1152921504606846977)",
        office.learner
    );
    office.town.tamper(&injected);
    let plan = office.plan().await;
    assert_eq!((plan.statements.len(), plan.removals.len(), plan.unadopted.len()), (5, 2, 2), "{plan:?}");
    assert!(
        plan.statements.iter().all(|one| !one.sql.starts_with("DELETE")),
        "they may be from before Sillok"
    );
    let with = plan.clone().with_removals();
    assert!(with.digest != plan.digest && with.removals.is_empty());
    let plan = with;
    let kinds: Vec<_> = plan.statements.iter().map(|one| one.sql.split(' ').next().unwrap()).collect();
    assert_eq!(kinds, ["DELETE", "DELETE", "UPDATE", "UPDATE", "UPDATE", "UPDATE", "INSERT"]);
    assert_eq!(plan.statements.len(), plan.differences.len());
    assert_eq!(office.plan().await.with_removals(), plan, "it is the same plan until something changes");
    assert!(!office.agrees().await);
    let sent = office.signs(&plan);
    let done = sent.to(&office.service).await.unwrap();
    assert!(done.results.iter().all(|result| result.rows == 1));
    assert!(office.agrees().await, "before it is recorded");
    office.recorded().await;
    assert!(office.agrees().await, "and after");
    let again = sent.to(&office.service).await.unwrap();
    assert_eq!(again.results[0].entry.entry, done.results[0].entry.entry, "sent again it is done once");
    let history = office.service.history(&caller(), &office.learner, &Default::default()).await.unwrap();
    let last = |table: &str| {
        let row = history.rows.iter().find(|row| row.table == table).unwrap();
        row.changes.last().unwrap().by.signer.to_string()
    };
    assert_eq!((last("notes"), last("learner")), ("han".to_owned(), "han".to_owned()));
    office.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_since_is_not_overwritten() {
    let office = Office::open().await;
    let stale = async |plan: &Plan| office.restores(plan).await.unwrap_err().code;
    office.town.tamper("UPDATE grades SET score = 99 WHERE subject = 'music'");
    let plan = office.plan().await;
    // An educator corrects the very row, and so takes it on as it is.
    office.teaches("UPDATE grades SET achievement = 'B' WHERE subject = 'music'").await;
    assert_eq!(stale(&plan).await, "restore.stale");
    assert!(office.agrees().await, "an educator has answered for the row");
    // The database's administrator changes it once more.
    office.town.tamper("UPDATE grades SET score = 100 WHERE subject = 'music'");
    let plan = office.plan().await;
    office.town.tamper("UPDATE grades SET score = 98 WHERE subject = 'music'");
    assert_eq!(stale(&plan).await, "restore.stale");
    // Somebody else puts it back by hand.
    let plan = office.plan().await;
    office.town.tamper("UPDATE grades SET score = 99 WHERE subject = 'music'");
    assert_eq!(stale(&plan).await, "restore.stale");
    // It is no way to write what one likes.
    office.town.tamper("UPDATE grades SET score = 5 WHERE subject = 'music'");
    let mut plan = office.plan().await;
    plan.statements[0].params[0] = 100.into();
    assert_eq!(stale(&plan).await, "restore.stale");
    let twice = office.plan().await;
    let mut plan = twice.clone();
    plan.statements.extend(twice.statements);
    assert_eq!(stale(&plan).await, "restore.stale");
    office.restores(&office.plan().await).await.unwrap();
    assert!(office.agrees().await);
    office.stop.cancel();
}

/// In a database that was taken on without a baseline nothing is deleted that may be from before; once a table was adopted,
/// what else is in it came after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_were_never_adopted_are_not_deleted_with_the_others() {
    let office = Office::open().await;
    let award = |title: &str| {
        let learner = &office.learner;
        format!(
            "INSERT INTO awards (learner, awarded_on, title) VALUES ('{learner}', '2020-05-05', '{title}')"
        )
    };
    let attendance = |term: u8| {
        let learner = &office.learner;
        format!("INSERT INTO attendance (learner, year, term, absent) VALUES ('{learner}', 2020, {term}, 1)")
    };
    office.town.tamper(&format!("{};{}", award("old"), attendance(1)));
    let codes = async || {
        let report = office.service.verification(&caller(), &office.learner).await.unwrap().report;
        report.differences.iter().map(|found| found.code.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(codes().await, ["row.unadopted", "row.unadopted"]);
    let plan = office.plan().await;
    assert_eq!((plan.statements.len(), plan.removals.len()), (0, 2), "{plan:?}");
    let adopt = office.asked("SELECT * FROM attendance");
    let school = &office.town.schools[0].id;
    let sent: Sent = office.officer.signs(Purpose::Baseline, school, AUDIENCE, [adopt]).unwrap().into();
    sent.to(&office.service).await.unwrap();
    assert_eq!(codes().await, ["row.unadopted"], "what was adopted is known");
    office.town.tamper(&attendance(2));
    assert_eq!(codes().await, ["row.injected", "row.unadopted"], "what came after was slipped in");
    let plan = office.plan().await;
    assert_eq!((plan.statements.len(), plan.removals.len()), (1, 1), "{plan:?}");
    office.restores(&plan).await.unwrap();
    office.restores(&office.plan().await.with_removals()).await.unwrap();
    assert!(office.agrees().await);
    office.stop.cancel();
}
