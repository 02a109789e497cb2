//! Somebody writes to the records database past the gateway.

use std::time::Duration;

use serde_json::{Value, json};
use sillok_contract::id::LearnerId;
use sillok_tests::{
    call::Caller,
    lesson::ask,
    load::Load,
    patience::within,
    school::{Plan, School},
    told::Past,
    world::World,
};

/// How long after its commit a write may go untold.
const SOON: Duration = Duration::from_secs(5);
/// Within this time another gateway has taken over.
const TAKEOVER: Duration = Duration::from_secs(15);

/// Rows are changed, made, deleted, swapped and a table is emptied, in the middle of load: each is told by table and key
/// within five seconds, and nothing of the load is.
pub(crate) async fn in_the_middle_of_load(world: &mut World) {
    let school = with_notes(world, "Gyujanggak").await;
    let mut load = Load::start(&world.clients, &school, 60);
    load.goes_on(4).await;
    let [one, two, three, ..] = &school.learners[..] else { panic!("three learners") };
    let note = |operation, learner| past(operation, "notes", note_of(learner));
    for (sql, seen) in [
        (format!("UPDATE notes SET content = 'x' WHERE learner = '{one}'"), vec![note("UPDATE", one)]),
        (format!("DELETE FROM notes WHERE learner = '{two}'"), vec![note("DELETE", two)]),
        (format!("INSERT INTO notes VALUES ('{two}', 2026, 'club', 1, 'y')"), vec![note("INSERT", two)]),
        (
            format!(
                "UPDATE notes n SET content = o.content FROM notes o
                 WHERE n.learner IN ('{one}', '{three}') AND o.learner IN ('{one}', '{three}') AND n.learner <> o.learner"
            ),
            vec![note("UPDATE", one), note("UPDATE", three)],
        ),
        ("TRUNCATE notes".to_owned(), vec![past("TRUNCATE", "notes", Value::Null)]),
    ] {
        written_past(world, &world.as_seen_by_the_office(), SOON, &sql, seen).await;
    }
    assert!(load.is_under_way(), "all of it was in the middle of load");
    load.finish().await;
    put_back(world, &school).await;
    world.check_everything().await;
}

/// The gateway is killed; what is written until it is back is told then, once.
pub(crate) async fn while_the_gateway_is_away(world: &mut World) {
    let school = with_notes(world, "Chunchugwan").await;
    let learner = &school.learners[0];
    world.stop().await;
    world.serve_by_program().await;
    let office = world.as_seen_by_the_office();
    let changed = format!("UPDATE notes SET content = 'x' WHERE learner = '{learner}'");
    written_past(world, &office, TAKEOVER, &changed, vec![past("UPDATE", "notes", note_of(learner))]).await;
    for sql in ["UPDATE notes SET content = 'y'", "DELETE FROM notes"] {
        world.kill().await;
        world.site.database.run(&format!("{sql} WHERE learner = '{learner}'")).await;
        world.serve_by_program().await;
        let operation = sql.split(' ').next().unwrap();
        let seen = vec![past(operation, "notes", note_of(learner))];
        told(world, &world.as_seen_by_the_office(), TAKEOVER, seen).await;
    }
    put_back(world, &school).await;
    world.stop().await;
    world.serve().await;
    world.check_everything().await;
}

/// Of two gateways one watches. Each write is told once; when the one is killed, the other goes on.
pub(crate) async fn by_one_of_two_gateways(world: &mut World) {
    let school = with_notes(world, "Jeongjoksan").await;
    world.stop().await;
    world.serve_by_program().await;
    let (second, clients) = world.second_program().await;
    let load = Load::start(&clients, &school, 10);
    let [one, two, ..] = &school.learners[..] else { panic!("two learners") };
    let office = world.as_seen_by_the_office();
    let deleted = |learner: &LearnerId| {
        let sql = format!("DELETE FROM notes WHERE learner = '{learner}'");
        (sql, vec![past("DELETE", "notes", note_of(learner))])
    };
    let (sql, seen) = deleted(one);
    written_past(world, &office, TAKEOVER, &sql, seen).await;
    load.finish().await;
    world.kill().await;
    world.turn_to(second);
    let (sql, seen) = deleted(two);
    written_past(world, &world.as_seen_by_the_office(), TAKEOVER, &sql, seen).await;
    put_back(world, &school).await;
    world.stop().await;
    world.serve().await;
    world.check_everything().await;
}

/// A school each of whose learners has a note.
async fn with_notes(world: &mut World, name: &str) -> std::sync::Arc<School> {
    let school = world.school(Plan::new(name).batches(10, 200)).await;
    let insert = "INSERT INTO notes (year, area, number, content) VALUES (2026, 'club', 1, $1)";
    let notes =
        school.learners.iter().map(|learner| ask(learner, insert, vec![json!(world.name_of(learner))]));
    world.done(&school.educators[0], notes).await;
    world.site.database.run("CREATE TABLE kept AS SELECT * FROM notes").await;
    school
}

/// The notes as they were, so that there is no drift; that is a write past the gateway, too.
async fn put_back(world: &World, school: &School) {
    let office = world.as_seen_by_the_office();
    let empty = "TRUNCATE notes".to_owned();
    written_past(world, &office, TAKEOVER, &empty, vec![past("TRUNCATE", "notes", Value::Null)]).await;
    let seen = school.learners.iter().map(|learner| past("INSERT", "notes", note_of(learner))).collect();
    written_past(world, &office, TAKEOVER, "INSERT INTO notes SELECT * FROM kept", seen).await;
}

fn note_of(learner: &LearnerId) -> Value {
    json!({ "learner": learner, "year": 2026, "area": "club", "number": 1 })
}

fn past(operation: &str, table: &str, key: Value) -> Past {
    Past {
        kind: "write.unrecorded".to_owned(),
        operation: operation.to_owned(),
        table: table.to_owned(),
        key,
    }
}

/// Somebody writes this past the gateway, and it is told.
async fn written_past(world: &World, office: &Caller, limit: Duration, sql: &str, seen: Vec<Past>) {
    world.site.database.run(sql).await;
    told(world, office, limit, seen).await;
}

/// These are told within the time.
async fn told(world: &World, office: &Caller, limit: Duration, seen: Vec<Past>) {
    let all: Vec<_> = {
        let mut told = world.told().await;
        told.past.extend(seen);
        told.past.clone()
    };
    let what = format!("{all:?} is told");
    let found = within(limit, &what, async || {
        let alerts = office.alerts().await.ok()?;
        (alerts.len() >= all.len()).then_some(alerts)
    });
    let found = found.await;
    assert!(
        found.len() == all.len() && all.iter().all(|past| found.iter().any(|alert| Past::of(alert) == *past)),
        "G6: {found:?}"
    );
}
