//! Rows that were there before Sillok are adopted.

use std::{collections::BTreeSet, path::PathBuf, process::Stdio, time::Duration};

use serde_json::Value;
use sillok_contract::{entry::Entry, id::LearnerId};
use sillok_gateway::ledger::officer::Officer;
use sillok_proto::ledger::entry::Result as Outcome;
use sillok_tests::{
    drift::{agrees, officer},
    gateway::program,
    lesson::ask,
    patience::within,
    school::Plan,
    world::World,
};
use tokio::process::{Child, Command};

/// How long the large one may take to begin, on a machine with much else to do.
const LONG: Duration = Duration::from_secs(600);

/// A small school's.
pub(crate) async fn of_a_school(world: &mut World) {
    adopted(world, 40, 25).await;
}

/// A hundred thousand rows.
pub(crate) async fn of_a_hundred_thousand_rows(world: &mut World) {
    adopted(world, 1_000, 100).await;
}

/// So many learners have so many rows each. They are adopted, killed in the middle and begun again: each row once. Who is
/// not registered is told, and so is a row beside others that the ledger knows.
async fn adopted(world: &mut World, learners: usize, rows: usize) {
    let school = world.school(Plan::new("Hyanggyo").learners(learners)).await;
    let small = world.school(Plan::new("Seodang").learners(3)).await;
    let known = &small.learners[0];
    let note = "INSERT INTO notes (year, area, number, content) VALUES (2026, 'club', 1, 'x')";
    world.done(&small.educators[0], [ask(known, note, Vec::new())]).await;
    let database = world.site.database.clone();
    database.change(&marks_of(&school.learners, rows)).await;
    database.change(&marks_of(&small.learners, 2)).await;
    let beside = "(learner, year, area, number, content) VALUES";
    database.change(&format!("INSERT INTO notes {beside} ('{known}', 2026, 'club', 2, 'y')")).await;
    let stranger = format!("stranger.{}", world.tag);
    database
        .change(&format!(
            "INSERT INTO grades VALUES ('{stranger}', 2025, 1, 's1', 1, NULL, NULL, FALSE, NULL)"
        ))
        .await;

    let officer = Credentials::of(world, &officer(world).await);
    world.stop().await;
    world.serve_by_program().await;
    let killed = (learners / 4).min(50);
    let mut first = officer.baseline(world, &["--queries", "4"]);
    within(LONG, "some of it is adopted", async || {
        (database.outbox(&school.id).await.len() >= killed).then_some(())
    })
    .await;
    first.start_kill().unwrap();
    first.wait().await.unwrap();
    let before = images(world).await.len();
    assert!(before > 0 && before < learners * rows, "it was killed in the middle: {before}");

    let (code, summary) = told(officer.baseline(world, &[])).await;
    assert_eq!((code, &summary["refused"]), (6, &Value::Array(Vec::new())), "{summary}");
    assert_eq!(summary["unregistered"], serde_json::json!([stranger]));
    let left = &summary["left"];
    assert_eq!(
        (left[0]["learner"].as_str(), left[0]["table"].as_str()),
        (Some(known.as_str()), Some("notes"))
    );
    assert_eq!((left.as_array().unwrap().len(), left[0]["rows"].as_u64()), (1, Some(1)), "{left}");
    let images = images(world).await;
    assert_eq!(images.len(), learners * rows + 3 * 2, "every row was adopted");
    assert_eq!(images.iter().collect::<BTreeSet<_>>().len(), images.len(), "each once");
    assert!(summary["adopted"].as_u64().unwrap() as usize <= images.len() - before, "{summary}");

    database.change(&format!("DELETE FROM notes WHERE learner = '{known}' AND number = 2")).await;
    database.change(&format!("DELETE FROM grades WHERE learner = '{stranger}'")).await;
    let (code, summary) = told(officer.baseline(world, &[])).await;
    assert_eq!((code, summary["adopted"].as_u64()), (0, Some(0)), "there is nothing left: {summary}");
    assert_eq!(summary["known"].as_u64().unwrap() as usize, images.len() + 1);
    world.stop().await;
    world.serve().await;
    for entry in database.entries().await {
        world.told().await.found(Entry::parse(&entry).unwrap());
    }
    world.check_everything().await;
    for learner in small.learners.iter().chain(school.learners.iter().rev().take(20)) {
        agrees(world, learner).await;
    }
}

/// A statement that gives each of them so many marks.
fn marks_of(learners: &[LearnerId], rows: usize) -> String {
    let learners: Vec<_> = learners.iter().map(|learner| format!("('{learner}')")).collect();
    format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows}),
         learners (l) AS (VALUES {})
         INSERT INTO grades (learner, year, term, subject, score) SELECT l, 2025, 1, 's' || n, n % 101
         FROM learners, numbers",
        learners.join(", ")
    )
}

/// The rows that entries have adopted: table and key.
async fn images(world: &World) -> Vec<(String, Vec<u8>)> {
    let entries = world.site.database.entries().await;
    let adopted = entries.iter().filter_map(|entry| match Entry::parse(entry).unwrap().result {
        Outcome::Adopted(adopted) => Some(adopted.images),
        _ => None,
    });
    adopted.flatten().map(|image| (image.table, image.key)).collect()
}

/// An officer's files.
struct Credentials {
    certificate: PathBuf,
    key: PathBuf,
}

impl Credentials {
    fn of(world: &World, officer: &Officer) -> Self {
        let file = |name: &str| world.site.directory.path().join(name);
        let (certificate, key) = (file("officer.pem"), file("officer.key"));
        std::fs::write(&certificate, officer.certificate.to_pem()).unwrap();
        officer.key.write_new(&key).unwrap();
        Self { certificate, key }
    }

    /// Begins `sillok baseline`.
    fn baseline(&self, world: &World, arguments: &[&str]) -> Child {
        let mut command = Command::new(program());
        command.args(["--json", "baseline", "--gateway", &world.address()]).args(arguments);
        command.arg("--certificate").arg(&self.certificate).arg("--key").arg(&self.key);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap()
    }
}

/// Its exit code and summary.
async fn told(program: Child) -> (i32, Value) {
    let output = program.wait_with_output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let summary = text.lines().next().unwrap_or_else(|| panic!("{:?}: it says nothing", output.status));
    (output.status.code().unwrap(), serde_json::from_str(summary).unwrap())
}
