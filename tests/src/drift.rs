//! What verification says about learners.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use sillok_contract::{
    id::{LearnerId, MspId, OfficerId},
    purpose::Purpose,
};
use sillok_gateway::{
    archive::{ArchiveError, open_vault},
    drift::{Difference, Plan, Report, SignedReport},
    events,
    keys::SignedQueries,
    keys::held::LazyKeys,
    ledger::{officer::Officer, receipt::Roots},
    records::{self, policy::Policy},
    service::{Auditor, Parts, Service, system_clock},
};

use crate::{call::AUDIENCE, refusal::Failed, world::World};

/// The report about a learner, its signature verified.
pub async fn report(world: &World, learner: &LearnerId) -> Report {
    let roots = Roots::read_dir(&world.consortium().roots().unwrap()).unwrap();
    let caller = world.as_seen_by_the_office();
    let signed = caller.verification(learner).await.map_err(Failed::refused).unwrap();
    let (report, _) =
        SignedReport::verify(&signed.jws, &roots).expect("G6: the report is signed by an office");
    assert_eq!(report, signed.report, "G6: what is told is what is signed");
    report
}

/// Those of the scenario's learners of whom an audit, on engines that it opens itself, finds that they differ.
pub async fn audited(world: &World) -> Vec<LearnerId> {
    let auditor = auditor(world).await;
    let mut found = Vec::new();
    for school in &world.schools {
        let audit = auditor.school(&school.id, &|| ()).await.unwrap();
        assert_eq!(audit.faults, [], "G6: the ledger does not contradict itself");
        assert_eq!(audit.learners, school.learners.len() as u64);
        assert!(audit.kept.is_empty() || !audit.reports.is_empty(), "G6: {:?}", audit.kept);
        found.extend(audit.reports.into_iter().map(|report| report.learner));
    }
    assert!(auditor.strangers().await.unwrap().is_empty());
    let cut = auditor.cut().await.unwrap();
    assert!(cut.is_empty() || !found.is_empty(), "G6: {cut:?}");
    found
}

/// Puts back from the ledger what the gateway keeps in its own tables, on engines that it opens itself.
pub async fn mends(world: &World) {
    let auditor = auditor(world).await;
    for school in &world.schools {
        let mended = auditor.mend(&school.id, &|| ()).await.unwrap();
        assert_eq!(mended.left, 0, "G6: the ledger does not contradict itself");
    }
}

async fn auditor(world: &World) -> Auditor {
    let records = records::open(&world.settings.records).await.unwrap();
    let schema = world.settings.records.schema().unwrap();
    let policy = Arc::new(Policy::new(schema, world.settings.records.statement.clone()));
    let ledger = world.consortium().gateway().unwrap();
    let (events, monitor) = (world.settings.events.clone(), world.settings.monitor.clone());
    let bus = events::open(&events, records.clone()).unwrap();
    let own = async { Ok::<_, ArchiveError>(records.clone()) };
    let vault = Some(open_vault(&world.settings.archive, &world.settings.data, own).await.unwrap());
    let held = Arc::new(LazyKeys::new(&world.settings.held, &world.settings.data));
    let parts = Parts { records, ledger, bus, events, monitor, vault, held, policy, clock: system_clock() };
    Service::new(parts, world.settings.service.clone()).auditor(Duration::ZERO).await.unwrap()
}

/// In what the gateway's own tables differ from the ledger besides the entries of a learner: code and table of each.
pub async fn kept(world: &World) -> Vec<String> {
    let auditor = auditor(world).await;
    let mut found = auditor.astray().await.unwrap();
    for school in &world.schools {
        found.extend(auditor.school(&school.id, &|| ()).await.unwrap().kept);
    }
    found.iter().map(|found| format!("{} {}", found.code.as_str(), found.table)).collect()
}

/// Database and ledger agree about a learner.
pub async fn agrees(world: &World, learner: &LearnerId) {
    let report = report(world, learner).await;
    assert!(report.agrees, "G6: {learner}: {report:#?}");
}

/// In what they differ, each on one line: code, table, subject or entry, and each column with the database's side and the
/// ledger's.
pub async fn differences(world: &World, learner: &LearnerId) -> Vec<String> {
    let report = report(world, learner).await;
    assert!(report.faults.is_empty() && !report.agrees, "G6: {report:#?}");
    report.differences.iter().map(line).collect()
}

fn line(difference: &Difference) -> String {
    let side = |side: &Option<Value>| side.as_ref().map_or("-".to_owned(), Value::to_string);
    let named = ["subject", "id"].into_iter().filter_map(|name| difference.key.get(name)?.as_str());
    let columns = difference.columns.iter();
    let columns = columns.map(|c| format!("{}: {}/{}", c.column, side(&c.database), side(&c.ledger)));
    let words = [difference.code.as_str(), &difference.table].into_iter().chain(named).map(str::to_owned);
    words.chain(columns).collect::<Vec<_>>().join(" ")
}

/// How a learner's rows would be put back.
pub async fn plan(world: &World, learner: &LearnerId) -> Plan {
    let caller = world.as_seen_by_the_office();
    caller.restoration(learner).await.map_err(Failed::refused).unwrap()
}

/// An officer of the education office.
pub async fn officer(world: &World) -> Officer {
    let id = OfficerId::new(format!("han.{}", world.tag)).unwrap();
    Officer::register(world.consortium(), MspId::new("OfficeMSP").unwrap(), id).await.unwrap()
}

fn signed(officer: &Officer, plan: &Plan) -> SignedQueries {
    officer.signs(Purpose::Restore, &plan.school, AUDIENCE, plan.asked()).unwrap()
}

/// An officer signs for a plan and sends it; it is done.
pub async fn restores(world: &World, officer: &Officer, plan: &Plan) {
    let signed = signed(officer, plan);
    let state = world.as_seen_by_the_office().submit(&signed).await.map_err(Failed::refused).unwrap();
    assert!(state.results.iter().all(|result| result.rows == 1), "G7: each row alone: {state:?}");
    world.told().await.done(&plan.school, &signed, &state);
}

/// Both faces refuse a plan that is not the present one any more.
pub async fn refuses(world: &World, officer: &Officer, plan: &Plan) {
    let signed = signed(officer, plan);
    let refusal = world.as_seen_by_the_office().refusal(&signed).await;
    assert_eq!((refusal.code.as_str(), refusal.status), ("restore.stale", 409), "G7: {refusal:?}");
    world.told().await.refused(&signed, refusal);
}
