//! Ways around the SQL policy, through the faces.

use serde_json::json;
use sillok_tests::{
    lesson::{ask, correction, grade},
    school::Plan,
    world::World,
};

/// Statements that must not pass, with the rule that stops each.
const REFUSED: [(&str, &str); 22] = [
    ("SELECT score FROM grades; DROP TABLE grades", "policy.statement"),
    ("DROP TABLE grades", "policy.statement"),
    ("TRUNCATE grades", "policy.statement"),
    ("COPY grades TO PROGRAM 'sh'", "policy.statement"),
    ("ATTACH DATABASE 'x' AS y", "policy.statement"),
    ("SELEKT score FROM grades", "policy.syntax"),
    ("SELECT * FROM sillok_entries", "policy.table"),
    ("SELECT * FROM sqlite_master", "policy.table"),
    ("SELECT * FROM public.grades", "policy.table"),
    ("SELECT subject FROM grades UNION SELECT usename FROM pg_user", "policy.table"),
    ("WITH x AS (SELECT * FROM pg_shadow) SELECT * FROM x", "policy.table"),
    ("UPDATE sillok_entries SET batch = 1", "policy.table"),
    ("DELETE FROM sillok_entries", "policy.table"),
    ("SELECT ctid FROM grades", "policy.column"),
    ("SELECT pg_sleep(10)", "policy.function"),
    ("SELECT load_extension('x')", "policy.function"),
    ("SELECT * FROM grades FOR UPDATE", "policy.clause"),
    ("WITH x AS (DELETE FROM grades RETURNING *) SELECT * FROM x", "policy.statement"),
    ("UPDATE grades SET score = 1 FROM notes WHERE TRUE", "policy.clause"),
    ("DELETE FROM grades USING notes WHERE TRUE", "policy.clause"),
    ("UPDATE grades SET learner = 'somebody'", "policy.learner"),
    ("SELECT score FROM grades WHERE score = $1", "policy.parameters"),
];

/// Whatever is tried, only the learner's own rows are read or written.
pub(crate) async fn ways_around(world: &mut World) {
    let school = world.school(Plan::new("Dure")).await;
    let teacher = &school.educators[0];
    let [mine, other, ..] = &school.learners[..] else { panic!("two learners") };
    world.done(teacher, [grade(mine, 1, "language", 60), grade(other, 1, "language", 99)]).await;

    for (sql, code) in REFUSED {
        let refusal = world.refused(teacher, ask(mine, sql, vec![]), code).await;
        assert!(!refusal.retry, "{sql}: trying again does not help");
    }
    let another = "INSERT INTO grades (learner, year, term, subject) VALUES ($1, 2026, 2, 'x')";
    world.refused(teacher, ask(mine, another, vec![json!(other)]), "policy.learner").await;
    world.check_everything().await;

    // Conditions that hold for everybody reach the learner's own rows alone.
    let everybody = [
        "SELECT learner, score FROM grades WHERE TRUE OR learner <> ''",
        "SELECT g.learner, g.score FROM grades g WHERE g.score > 0 OR 1 = 1",
        "WITH x AS (SELECT * FROM grades) SELECT learner, score FROM x",
        "SELECT learner, score FROM grades WHERE score IN (SELECT score FROM grades)",
    ];
    for sql in everybody {
        let told = world.done(teacher, [ask(mine, sql, vec![])]).await;
        let rows = told.results[0].data.as_ref().unwrap();
        assert_eq!(rows, &[json!({ "learner": mine, "score": 60 })], "{sql}");
    }
    let injected = ask(mine, "SELECT score FROM grades WHERE subject = $1", vec![json!("' OR '1'='1")]);
    assert_eq!(world.done(teacher, [injected]).await.results[0].rows, 0, "a parameter is a value");
    let told = world.done(teacher, [ask(mine, "UPDATE grades SET score = 61 WHERE TRUE", vec![])]).await;
    assert_eq!(told.results[0].rows, 1);
    let told = world.done(teacher, [correction(other, 1, "language", 98)]).await;
    assert_eq!(told.results[0].rows, 1);
    world.check_everything().await;
    assert_eq!(world.site.database.marks(other).await[0].4, Some(98), "the other learner's own");
}
