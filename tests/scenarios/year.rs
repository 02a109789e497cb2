//! The real school year, whole, by the program's own demo.

use std::{collections::BTreeSet, env, fs, path::PathBuf, process::Stdio};

use serde_json::{Value, json};
use sillok_tests::{
    engine::{Engine, Site, skipped},
    gateway::program,
};

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
