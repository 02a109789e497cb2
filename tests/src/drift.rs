//! What verification says about learners.

use serde_json::Value;
use sillok_contract::id::LearnerId;
use sillok_gateway::drift::{Difference, Report, SignedReport};
use sillok_gateway::ledger::receipt::Roots;

use crate::{refusal::Failed, world::World};

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
