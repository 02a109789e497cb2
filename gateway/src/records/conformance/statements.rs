//! Statements mean the same on every database, and databases open as they should.

use serde_json::{Value, json};

use super::{
    Office,
    engines::{self, sqlite_settings},
};
use crate::records::{OpenError, RecordsError, Settings, open, policy::LEGITIMATE, schema::Schema};

/// What two learners have before the statements run.
const BEFORE: &[(&str, &str)] = &[
    (
        "INSERT INTO grades (year, term, subject, score, confirmed, graded_on, achievement) VALUES \
      (2025, 1, 'Math', 71, TRUE, '2025-07-01', 'C'), (2025, 2, 'math_', 80, FALSE, NULL, NULL), \
      (2026, 1, '수학', NULL, TRUE, '2026-07-01', 'A'), (2026, 1, 'a%b', 99, FALSE, '2026-03-02', 'B')",
        "grades",
    ),
    (
        "INSERT INTO attendance (year, term, absent) VALUES (2025, 1, 3), (2026, 1, 0), (2024, 1, 80)",
        "attendance",
    ),
    (
        "INSERT INTO notes (year, area, number, content, written_at) VALUES \
      (2026, 'club', 1, '가', '2026-03-02T00:00:00Z'), (2024, 'club', 1, 'b', '2026-03-02T00:00:00.25+09:00')",
        "notes",
    ),
];

pub(super) async fn outcomes(office: &Office) -> Vec<Value> {
    for learner in ["learner-1", "learner-2"] {
        for (sql, _) in BEFORE {
            office.does(learner, sql, &[]).await.unwrap();
        }
    }
    let mut outcomes = Vec::new();
    for sql in LEGITIMATE {
        let outcome =
            office.does("learner-1", sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let mut rows = outcome.results[0].data.clone();
        if !sql.contains("ORDER BY") {
            rows.sort_by_key(|row| row.to_string());
        }
        outcomes.push(json!({"sql": sql, "rows": rows}));
    }
    for (_, table) in BEFORE {
        let sql = format!("SELECT * FROM {table}");
        let mut rows = office.does("learner-2", &sql, &[]).await.unwrap().results[0].data.clone();
        rows.sort_by_key(|row| row.to_string());
        outcomes.push(json!({"sql": sql, "rows": rows}));
    }
    outcomes
}

#[tokio::test]
async fn every_legitimate_statement_runs_on_sqlite() {
    let (office, _directory) = engines::sqlite().await;
    let outcomes = outcomes(&office).await;
    let of = |sql: &str| outcomes.iter().find(|outcome| outcome["sql"] == sql).unwrap()["rows"].clone();
    assert_eq!(
        of("SELECT NULL AS nothing, TRUE AS yes, 1 AS one, 'it''s' AS text, 1.25 AS real"),
        json!([{"nothing": null, "yes": true, "one": 1, "text": "it's", "real": 1.25}])
    );
    assert_eq!(of("SELECT DISTINCT year FROM grades ORDER BY year"), json!([{"year": 2025}, {"year": 2026}]));
}

#[tokio::test]
async fn every_legitimate_statement_gives_the_same_on_both() {
    let Some((postgres, database)) = engines::postgres().await else { return };
    let (sqlite, _directory) = engines::sqlite().await;
    let (on_sqlite, on_postgres) = (outcomes(&sqlite).await, outcomes(&postgres).await);
    for (a, b) in on_sqlite.iter().zip(&on_postgres) {
        assert_eq!(
            serde_json_canonicalizer::to_string(a).unwrap(),
            serde_json_canonicalizer::to_string(b).unwrap()
        );
    }
    drop(postgres);
    database.drop().await;
}

async fn opens_many_times_at_once(settings: &Settings) {
    let opened = futures_util::future::join_all((0..4).map(|_| open(settings))).await;
    for records in opened {
        records.unwrap().ready().await.unwrap();
    }
}

async fn refuses_what_is_not_as_described(settings: &Settings) {
    opens_many_times_at_once(settings).await;
    let text =
        "[tables.grades]\nlearner='learner'\nkey=['learner']\ncolumns={ learner='text', secret='text' }";
    let schema = Some(Schema::from_toml(text).unwrap());
    let error = open(&Settings { schema, ..settings.clone() }).await.err().unwrap();
    assert!(matches!(error, OpenError::Records(RecordsError::Corrupt(_))), "{error}");
    assert!(error.to_string().contains("secret"), "{error}");
}

async fn creates_tables_from_a_folder(settings: &Settings) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("001_marks.sql"), "CREATE TABLE marks (who text PRIMARY KEY);")
        .unwrap();
    std::fs::write(folder.path().join("002_value.sql"), "ALTER TABLE marks ADD COLUMN value bigint;")
        .unwrap();
    let text = "[tables.marks]\nlearner='who'\nkey=['who']\ncolumns={ who='text', value='integer' }";
    let schema = Some(Schema::from_toml(text).unwrap());
    let settings = Settings { schema, migrations: Some(folder.path().into()), ..settings.clone() };
    opens_many_times_at_once(&settings).await;
    std::fs::write(folder.path().join("001_marks.sql"), "CREATE TABLE other (who text);").unwrap();
    let error = open(&settings).await.err().unwrap().to_string();
    assert!(error.contains("001_marks"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_opens() {
    let (settings, _directory) = sqlite_settings();
    refuses_what_is_not_as_described(&settings).await;
    let (settings, _directory) = sqlite_settings();
    creates_tables_from_a_folder(&settings).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_opens() {
    let Some(database) = engines::database().await else { return };
    refuses_what_is_not_as_described(&database.settings()).await;
    database.drop().await;
    let Some(database) = engines::database().await else { return };
    creates_tables_from_a_folder(&database.settings()).await;
    database.drop().await;
}

#[tokio::test]
async fn sqlites_files_are_for_nobody_else() {
    use std::os::unix::fs::PermissionsExt;
    let (settings, directory) = sqlite_settings();
    let _records = open(&settings).await.unwrap();
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.path().display());
    }
}

/// What the policy counts as 16 KiB may be longer, and what it makes too.
#[tokio::test]
async fn sqlite_bounds_what_the_policy_cannot_know() {
    let (office, _directory) = engines::sqlite().await;
    let insert = "INSERT INTO learner (name, address) VALUES ($1, $2)";
    let (name, pattern) = ("a".repeat(100_000), format!("%{}b", "a".repeat(2_000)));
    office.does("learner-1", insert, &[json!(name), json!(pattern)]).await.unwrap();
    office.does("learner-1", "UPDATE learner SET name = name || name", &[]).await.unwrap();
    let grown = format!("SELECT length(replace(name, 'a', '{}')) AS n FROM learner", "b".repeat(100));
    for sql in ["SELECT name LIKE address AS x FROM learner", &grown] {
        let error = office.does("learner-1", sql, &[]).await.unwrap_err();
        assert!(matches!(error, RecordsError::Statement { .. }), "{sql}: {error:?}");
    }
    office.does("learner-1", "SELECT length(name) AS n FROM learner", &[]).await.unwrap();
}

#[tokio::test]
async fn a_setting_that_cannot_be_used_is_named() {
    for (url, says) in [("mysql://x", "url"), ("", "url")] {
        let error = open(&Settings { url: url.to_owned(), ..Settings::default() }).await.err().unwrap();
        assert!(matches!(&error, OpenError::Setting(text) if text.contains(says)), "{error}");
    }
    let settings = Settings { url: "postgres://u:secret@h/d".to_owned(), ..Settings::default() };
    assert!(!format!("{settings:?}").contains("secret"));
}
