//! The real school year, whole, by the program's own demo.

use std::{collections::BTreeSet, env, fs, path::PathBuf, process::Stdio};

use futures_util::{StreamExt as _, stream};
use rand::{SeedableRng as _, rngs::StdRng, seq::index};
use serde_json::{Value, json};
use sillok_contract::{credential::State, id::LearnerId};
use sillok_gateway::certificate::Outcome;
use sillok_tests::{
    certificate::{Registrar, found},
    drift::{agrees, audited, differences, officer, plan, restores},
    engine::{Engine, Site, skipped},
    gateway::program,
    lesson::grade,
    patience::until,
    pupil,
    school::{Plan, School},
    world::World,
};

/// How many learners are in one class, and so under one signature.
const CLASS: usize = 30;
/// How many certificates are under way at once.
const AT_ONCE: usize = 8;
/// How many rows are changed behind the ledger's back.
const CHANGED: usize = 10;

/// One learner of the file.
struct Pupil {
    school: String,
    marks: Vec<i64>,
    absences: i64,
}

/// On SQLite and the embedded ledger.
#[tokio::test]
async fn embedded() {
    whole(Engine::Embedded).await;
}

/// On PostgreSQL and Fabric.
#[tokio::test]
async fn production() {
    whole(Engine::Production).await;
}

/// Every query of the year is recorded, every entry proved, and the database holds the file's marks.
async fn whole(engine: Engine) {
    let Some(file) = data() else { return };
    let site = match Site::open(engine, &format!("year{}", std::process::id())).await {
        Ok(site) => site,
        Err(why) => return skipped(&why),
    };
    let told = demo(&site, &file).await;
    let pupils = read(&file);
    let schools: BTreeSet<_> = pupils.iter().map(|pupil| &pupil.school).collect();
    let count = |name: &str| told[name].as_u64().unwrap_or_else(|| panic!("{name} in {told}")) as usize;
    assert_eq!((count("schools"), count("learners")), (schools.len(), pupils.len()));
    assert_eq!(count("entries_recorded"), count("queries"), "G1: every query is recorded");
    assert_eq!(count("proofs_verified"), count("queries"), "G4: every entry is proved");
    // Eleven about each learner: who, enrolment, absences twice, three terms written, read, and the last confirmed.
    // And the one honest query among what must be refused.
    assert_eq!(count("queries"), pupils.len() * 11 + 1, "{told}");
    assert!((1..=count("queries")).contains(&count("batches")));
    let refusals = told["refusals"].as_object().unwrap();
    assert!(!refusals.is_empty() && refusals.keys().all(|code| code.contains('.')), "G12: {told}");
    let insider = json!({"differences_found": 1, "rows_put_back": 1, "certificate": "valid"});
    assert_eq!(told["insider"], insider, "G6, G7, G9");
    marks(&site, &pupils).await;
    site.database.drop_it().await;
}

/// Everybody of the year has a certificate, countersigned and valid; then ten rows, drawn by a seed, are changed behind
/// the ledger's back: exactly those are found and named, and put back.
pub(crate) async fn certified_and_tampered_with(world: &mut World) {
    let Some(file) = data() else { return };
    let pupils = read(&file);
    let school = world.school(Plan::new("GP").learners(pupils.len())).await;
    let all: Vec<_> = school.learners.iter().zip(&pupils).collect();
    for class in all.chunks(CLASS) {
        for term in 1..=3_u16 {
            let mark = |pupil: &Pupil| u16::try_from(pupil.marks[usize::from(term) - 1]).unwrap();
            let marks = class.iter().map(|(learner, pupil)| grade(learner, term, "Portuguese", mark(pupil)));
            world.done(&school.educators[0], marks).await;
        }
    }
    is_recorded(world, &school).await;
    let registrar = Registrar::new(world).await;
    let seen: &World = world;
    let certified = stream::iter(&school.learners).map(|learner| is_certified(seen, &registrar, learner));
    assert_eq!(certified.buffer_unordered(AT_ONCE).count().await, pupils.len(), "G9");
    assert_eq!(audited(world).await, [], "G6: the year agrees");

    let seed = env::var("SILLOK_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("SILLOK_TEST_SEED={seed}");
    let drawn = index::sample(&mut StdRng::seed_from_u64(seed), pupils.len() * 3, CHANGED);
    let mut changed: Vec<_> = drawn
        .iter()
        .map(|row| (&school.learners[row / 3], row % 3 + 1, pupils[row / 3].marks[row % 3]))
        .collect();
    changed.sort();
    for (learner, term, _) in &changed {
        let sql =
            format!("UPDATE grades SET score = score + 50 WHERE learner = '{learner}' AND term = {term}");
        world.site.database.change(&sql).await;
    }
    let mut whose: Vec<_> = changed.iter().map(|(learner, ..)| (*learner).clone()).collect();
    whose.dedup();
    assert_eq!(audited(world).await, whose, "G6: exactly those");
    let mut named = Vec::new();
    for learner in &whose {
        named.extend(differences(world, learner).await);
    }
    let expected =
        changed.iter().map(|(.., mark)| format!("row.changed grades Portuguese score: {}/{mark}", mark + 50));
    assert_eq!(named, expected.collect::<Vec<_>>(), "G6: each named to the column");
    let officer = officer(world).await;
    for learner in &whose {
        restores(world, &officer, &plan(world, learner).await).await;
        agrees(world, learner).await;
    }
    is_recorded(world, &school).await;
    assert_eq!(audited(world).await, [], "G7: all of it was put back");
}

/// All that was executed is on the ledger.
async fn is_recorded(world: &World, school: &School) {
    until("all is recorded", async || {
        let outbox = world.site.database.outbox(&school.id).await;
        outbox.iter().all(|entry| entry.state == 1).then_some(())
    })
    .await;
}

/// A learner asks with a wallet that is whole, an officer issues, the learner countersigns, anybody believes it.
async fn is_certified(world: &World, registrar: &Registrar, learner: &LearnerId) {
    let mut pupil = pupil::Pupil::new(world, learner).await;
    let asked = pupil.asks(world).await;
    assert!(asked.agrees, "G9: {asked:?}");
    let id = asked.certificate;
    assert_eq!(registrar.signs(id).await.unwrap().state, State::Issued);
    assert_eq!(pupil.countersigns(world, id).await.state, State::Countersigned);
    let file = pupil.file(world, id).await;
    let verdict = found(world, &world.as_seen_by_the_office(), &file).await;
    assert_eq!(verdict.outcome, Outcome::Valid, "G9: {verdict:?}");
    assert_eq!(verdict.certificate.unwrap().rows, 3);
}

/// What the demo's last line tells.
async fn demo(site: &Site, file: &std::path::Path) -> Value {
    let mut command = tokio::process::Command::new(program());
    command.args(["demo", "--json", "--data"]).arg(file).stdin(Stdio::null()).kill_on_drop(true);
    match &site.nodes {
        Some(nodes) => {
            let network = nodes.network_file();
            let url = site.database.url();
            command
                .arg("--fabric")
                .arg("--network")
                .arg(network.parent().unwrap())
                .args(["--postgres", &url]);
        }
        None => drop(command.arg("--keep").arg(site.directory.path())),
    }
    let output = command.output().await.unwrap();
    let (told, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "sillok demo: {told} {log}");
    serde_json::from_str(told.trim().lines().last().unwrap()).unwrap()
}

/// The database's marks and absences are the file's, whatever the learners are called in it.
async fn marks(site: &Site, pupils: &[Pupil]) {
    let mut expected: Vec<_> = pupils.iter().map(|pupil| (pupil.marks.clone(), pupil.absences)).collect();
    expected.sort_unstable();
    let mut found = site.database.years().await;
    found.sort_unstable();
    assert_eq!(found, expected, "the database holds the file's year");
}

/// The file: from `SILLOK_TEST_DATA`, or beside the workspace.
fn data() -> Option<PathBuf> {
    let beside =
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/student-por-GP.csv"));
    let file = env::var_os("SILLOK_TEST_DATA").map_or_else(beside, PathBuf::from);
    if !file.exists() {
        skipped(&format!("{} is not there; SILLOK_TEST_DATA may name another", file.display()));
        return None;
    }
    Some(file)
}

/// Reads what of the file the year is made of.
fn read(file: &std::path::Path) -> Vec<Pupil> {
    let text = fs::read_to_string(file).unwrap();
    let mut lines = text.lines();
    let fields =
        |line: &str| line.split(';').map(|field| field.trim_matches('"').to_owned()).collect::<Vec<_>>();
    let header = fields(lines.next().unwrap());
    let column = |name: &str| header.iter().position(|field| field == name).unwrap();
    let [school, absences, first, second, third] = ["school", "absences", "G1", "G2", "G3"].map(column);
    let pupil = |line: &str| {
        let row = fields(line);
        let number = |column: usize| row[column].parse().unwrap();
        Pupil {
            school: row[school].clone(),
            marks: [first, second, third].map(number).to_vec(),
            absences: number(absences),
        }
    };
    lines.filter(|line| !line.is_empty()).map(pupil).collect()
}
