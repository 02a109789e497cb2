//! What is done behind the ledger's back: every kind of change, made straight in the database, is found and named; put
//! back by hand, database and ledger agree again.

use sillok_contract::{entry::EntryId, id::LearnerId};
use sillok_gateway::drift::{ChangeKind, Selection};
use sillok_tests::{
    cut::Switch,
    drift::{agrees, audited, differences, kept, mends, officer, plan, refuses, restores},
    lesson::{correction, grade, report, withdrawal},
    refusal::Failed,
    school::Plan,
    world::World,
};

/// A change, how it is taken back, and what is found of it meanwhile: code, table, subject, and each column with both
/// sides.
struct Meddling {
    done: Vec<String>,
    undone: Vec<String>,
    found: Vec<String>,
    /// Whether it is another learner's row, too.
    others: bool,
}

/// A meddling by what it does to the rows of one learner.
fn meddling(done: &[String], undone: &[String], found: &[&str]) -> Meddling {
    let found = found.iter().map(|text| (*text).to_owned()).collect();
    let others = done.len() > 1;
    Meddling { done: done.to_vec(), undone: undone.to_vec(), found, others }
}

/// Every change of a row.
pub(crate) async fn of_rows_is_found(world: &mut World) {
    let school = world.school(Plan::new("Saebyeok")).await;
    let (teacher, learner, other) = (&school.educators[0], &school.learners[0], &school.learners[1]);
    let marks = [("music", 70), ("art", 60), ("law", 50)];
    world.done(teacher, marks.map(|(subject, score)| grade(learner, 1, subject, score))).await;
    world.done(teacher, [grade(other, 1, "music", 80), correction(learner, 1, "music", 75)]).await;
    world.done(teacher, [withdrawal(learner, 1, "art"), report(learner, 1)]).await;
    world.check_everything().await;
    for meddling in meddlings(learner, other) {
        for sql in &meddling.done {
            world.site.database.change(sql).await;
        }
        assert_eq!(differences(world, learner).await, meddling.found, "G6: after {:?}", meddling.done);
        let audited = audited(world).await;
        let expected =
            if meddling.others { vec![learner.clone(), other.clone()] } else { vec![learner.clone()] };
        assert_eq!(audited, expected, "G6: after {:?}", meddling.done);
        agrees(world, &school.learners[2]).await;
        for sql in &meddling.undone {
            world.site.database.change(sql).await;
        }
        agrees(world, learner).await;
        agrees(world, other).await;
    }
    assert_eq!(audited(world).await, [], "G6: all of it was put back");
    let key = [("subject".to_owned(), "music".into())].into_iter().collect();
    let rows = Selection { table: Some("grades".to_owned()), key };
    let history =
        world.as_seen_by_the_office().history(learner, &rows).await.map_err(Failed::refused).unwrap();
    let life = history.rows[0].changes.iter().map(|change| (change.change, &change.by.signer));
    let expected = [(ChangeKind::Written, &teacher.id), (ChangeKind::Changed, &teacher.id)];
    assert!(history.rows.len() == 1 && life.eq(expected), "G6: the ledger tells the row's life: {history:?}");
}

fn meddlings(learner: &LearnerId, other: &LearnerId) -> Vec<Meddling> {
    let set = |what: &str, subject: &str| {
        format!("UPDATE grades SET {what} WHERE learner = '{learner}' AND subject = '{subject}'")
    };
    let insert = |subject: &str, score: u16| {
        format!(
            "INSERT INTO grades (learner, year, term, subject, score) VALUES ('{learner}', 2026, 1, '{subject}', {score})"
        )
    };
    let delete =
        |subject: &str| format!("DELETE FROM grades WHERE learner = '{learner}' AND subject = '{subject}'");
    let swap = ["x", "y", "z"].map(|step| match step {
        "x" => format!("UPDATE grades SET learner = 'x' WHERE learner = '{learner}' AND subject = 'music'"),
        "y" => {
            format!("UPDATE grades SET learner = '{learner}' WHERE learner = '{other}' AND subject = 'music'")
        }
        _ => format!("UPDATE grades SET learner = '{other}' WHERE learner = 'x'"),
    });
    let injected = |code: &str, subject: &str, score: u16| {
        format!(
            "{code} grades {subject} achievement: null/- confirmed: false/- credits: null/- graded_on: null/- \
             learner: \"{learner}\"/- score: {score}/- subject: \"{subject}\"/- term: 1/- year: 2026/-"
        )
    };
    let missing = format!(
        "row.missing grades law achievement: -/null confirmed: -/false credits: -/null graded_on: -/null \
         learner: -/\"{learner}\" score: -/50 subject: -/\"law\" term: -/1 year: -/2026"
    );
    let moved = format!(
        "row.unadopted grades science achievement: null/- confirmed: false/- credits: null/- graded_on: null/- \
         learner: \"{learner}\"/- score: 50/- subject: \"science\"/- term: 1/- year: 2026/-"
    );
    vec![
        meddling(
            &[set("score = 100", "music")],
            &[set("score = 75", "music")],
            &["row.changed grades music score: 100/75"],
        ),
        meddling(
            &[set("score = NULL, confirmed = TRUE", "law")],
            &[set("score = 50, confirmed = FALSE", "law")],
            &["row.changed grades law confirmed: true/false score: null/50"],
        ),
        // An old backup is put back, of this row alone.
        meddling(
            &[set("score = 70", "music")],
            &[set("score = 75", "music")],
            &["row.changed grades music score: 70/75"],
        ),
        meddling(&[insert("ethics", 99)], &[delete("ethics")], &[&injected("row.unadopted", "ethics", 99)]),
        // A row that was deleted is there again.
        meddling(&[insert("art", 60)], &[delete("art")], &[&injected("row.injected", "art", 60)]),
        meddling(&[delete("law")], &[insert("law", 50)], &[&missing]),
        // Its key is changed: one row is gone and another is there.
        meddling(
            &[set("subject = 'science'", "law")],
            &[set("subject = 'law'", "science")],
            &[&missing, &moved],
        ),
        meddling(&swap, &swap, &["row.changed grades music score: 80/75"]),
    ]
}

/// What the gateway keeps is no more believed than the rows.
pub(crate) async fn of_the_gateways_tables_is_found(world: &mut World) {
    let school = world.school(Plan::new("Noeul")).await;
    let (teacher, learner) = (&school.educators[0], &school.learners[0]);
    let done = world.done(teacher, [grade(learner, 1, "music", 70), report(learner, 1)]).await;
    world.done(teacher, [correction(learner, 1, "music", 75)]).await;
    world.check_everything().await;
    let (written, read) = (done.results[0].entry.entry, done.results[1].entry.entry);
    let database = &world.site.database;
    let altered =
        |column: &str, sides: &str| format!("outbox.altered sillok_entries {written} {column}: {sides}");
    let kept = database.keep(&format!("id = {}", database.blob(&written.0))).await;
    let is = format!("WHERE id = {}", database.blob(&written.0));
    for (set, found) in [
        ("executed_at = 7", Some(("executed_at", "7"))),
        ("learner = 'somebody'", Some(("learner", "\"somebody\""))),
        ("educator = 'somebody'", Some(("educator", "\"somebody\""))),
        ("leaf = 1", Some(("leaf", "1"))),
        ("code = 'refused'", Some(("code", "\"refused\""))),
        ("bytes = request", None),
    ] {
        database.change(&format!("UPDATE sillok_entries SET {set} {is}")).await;
        let differences = differences(world, learner).await;
        assert_eq!(differences.len(), 1, "G6: after {set}: {differences:?}");
        let expected = found.map_or_else(
            || format!("outbox.altered sillok_entries {written} bytes: "),
            |(column, side)| altered(column, &format!("{side}/")),
        );
        assert!(differences[0].starts_with(&expected), "G6: after {set}: {differences:?}");
        kept.put_back().await;
        agrees(world, learner).await;
    }
    deleted(world, learner, written).await;
    deleted(world, learner, read).await;
    an_old_backup(world, learner, written).await;
    kept.forget().await;
}

/// A recorded entry is deleted from the outbox.
async fn deleted(world: &World, learner: &LearnerId, entry: EntryId) {
    let database = &world.site.database;
    let kept = database.keep(&format!("id = {}", database.blob(&entry.0))).await;
    kept.delete().await;
    assert_eq!(differences(world, learner).await, [format!("outbox.missing sillok_entries {entry}")]);
    assert_eq!(audited(world).await, std::slice::from_ref(learner), "G6");
    kept.put_back().await;
    agrees(world, learner).await;
    kept.forget().await;
}

/// A backup of the whole database from before the last correction is put back.
async fn an_old_backup(world: &World, learner: &LearnerId, first: EntryId) {
    let database = &world.site.database;
    let after = format!(
        "learner = '{learner}' AND number > (SELECT number FROM sillok_entries WHERE id = {}) + 1",
        database.blob(&first.0)
    );
    let kept = database.keep(&after).await;
    kept.delete().await;
    database.change(&format!("UPDATE grades SET score = 70 WHERE learner = '{learner}'")).await;
    let found = differences(world, learner).await;
    assert_eq!(found[0], "row.changed grades music score: 70/75");
    assert!(found.len() == 2 && found[1].starts_with("outbox.missing "), "{found:?}");
    database.change(&format!("UPDATE grades SET score = 75 WHERE learner = '{learner}'")).await;
    kept.put_back().await;
    agrees(world, learner).await;
    kept.forget().await;
}

/// Batches and requests, which are a cache of the ledger, too: found, and put back from it.
pub(crate) async fn of_what_is_kept_of_the_ledger_is_put_back(world: &mut World) {
    let school = world.school(Plan::new("Narae")).await;
    let (teacher, learner) = (&school.educators[0], &school.learners[0]);
    let done = world.done(teacher, [grade(learner, 1, "music", 70), report(learner, 1)]).await;
    world.check_everything().await;
    let database = &world.site.database;
    let (batch, request) =
        (format!("WHERE school = '{}'", school.id), format!("WHERE educator = '{}'", teacher.id));
    let entry = format!("WHERE id = {}", database.blob(&done.results[0].entry.entry.0));
    for (sql, found) in [
        (
            format!("UPDATE sillok_batches SET header = {} {batch}", database.blob(b"x")),
            "outbox.altered sillok_batches",
        ),
        (
            format!("UPDATE sillok_batches SET receipt = {} {batch}", database.blob(b"{}")),
            "outbox.altered sillok_batches",
        ),
        (format!("DELETE FROM sillok_batches {batch}"), "outbox.missing sillok_batches"),
        (format!("UPDATE sillok_requests SET jti = 'x' {request}"), "outbox.altered sillok_requests"),
        (
            format!("UPDATE sillok_requests SET outcome = {} {request}", database.blob(b"{}")),
            "outbox.altered sillok_requests",
        ),
        (format!("DELETE FROM sillok_requests {request}"), "outbox.missing sillok_requests"),
        (format!("UPDATE sillok_entries SET batch = 99, leaf = 0 {entry}"), "outbox.altered sillok_entries"),
        (format!("DELETE FROM sillok_entries {entry}"), ""),
    ] {
        database.change(&sql).await;
        let told = kept(world).await;
        assert!(found.is_empty() || told.iter().any(|told| told == found), "G6: after {sql}: {told:?}");
        mends(world).await;
        assert_eq!(kept(world).await, [""; 0], "G7: after {sql}");
        assert_eq!(audited(world).await, [], "G7: after {sql}");
        agrees(world, learner).await;
    }
}

/// The database is lost, and an old backup takes its place: nothing is recorded until what the gateway keeps is put back
/// from the ledger, and the rows by an officer; then all of it goes on.
pub(crate) async fn an_old_backup_is_made_good(world: &mut World) {
    let school = world.school(Plan::new("Byeolbit")).await;
    let (teacher, learner, other) = (&school.educators[0], &school.learners[0], &school.learners[1]);
    world.done(teacher, [grade(learner, 1, "music", 70), grade(other, 1, "music", 60)]).await;
    let officer = officer(world).await;
    world.check_everything().await;
    world.stop_and_let_go().await;
    world.site.database.back_up().await;
    world.serve().await;
    world.done(teacher, [correction(learner, 1, "music", 75), grade(learner, 1, "art", 50)]).await;
    world.done(teacher, [withdrawal(other, 1, "music")]).await;
    world.check_everything().await;
    world.stop_and_let_go().await;
    world.site.database.restore_backup().await;
    world.serve().await;

    // Whoever asks again meanwhile is not answered from before: it would be done twice, and the ledger refuses that.
    let found = differences(world, learner).await;
    let codes: Vec<_> =
        found.iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "row.missing grades",
        "row.changed grades",
        "outbox.missing sillok_entries",
        "outbox.missing sillok_entries",
    ];
    assert_eq!(codes, expected, "G6: {found:?}");
    assert_eq!(audited(world).await, [learner.clone(), other.clone()], "G6");
    mends(world).await;
    assert_eq!(kept(world).await, [""; 0], "G7");
    for learner in [learner, other] {
        let plan = plan(world, learner).await;
        restores(world, &officer, &plan).await;
        agrees(world, learner).await;
    }
    world.done(&school.educators[1], [grade(learner, 2, "music", 90)]).await;
    world.check_everything().await;
    assert_eq!(audited(world).await, [], "G7: all of it was put back");
}

/// Entries that the ledger has not yet: what is on its way counts, what is taken from it is missed, what is put to it
/// is forged.
pub(crate) async fn of_what_is_on_its_way_is_found(world: &mut World) {
    let school = world.school(Plan::new("Iseul")).await;
    let (teacher, learner) = (&school.educators[0], &school.learners[0]);
    world.done(teacher, [grade(learner, 1, "music", 70)]).await;
    world.check_everything().await;
    let line = world.line.as_ref().expect("the gateway is in this process").clone();
    line.send_replace(Switch::Held);
    let flying = world.done(teacher, [correction(learner, 1, "music", 71)]).await;
    world.in_flight(&school.id, flying.results[0].entry.entry).await;
    let mut waiting = Vec::new();
    for score in 72..=74 {
        waiting
            .push(world.done(teacher, [correction(learner, 1, "music", score)]).await.results[0].entry.entry);
    }
    agrees(world, learner).await;

    // The tail is cut off: the row holds what nobody can account for.
    let database = &world.site.database;
    let tail = format!("id = {}", database.blob(&waiting[2].0));
    let kept = database.keep(&tail).await;
    kept.delete().await;
    assert_eq!(differences(world, learner).await, ["row.changed grades music score: 74/73"], "G6");
    kept.put_back().await;
    agrees(world, learner).await;
    kept.forget().await;

    // An entry that nobody signed for.
    let (columns, own) =
        ("school, learner, educator, request, bytes, executed_at", database.blob(&waiting[0].0));
    let forge = format!(
        "INSERT INTO sillok_entries (id, {columns}) SELECT request, {columns} FROM sillok_entries WHERE id = {own}"
    );
    database.change(&forge).await;
    database.change(&format!("UPDATE grades SET score = 100 WHERE learner = '{learner}'")).await;
    let found = differences(world, learner).await;
    assert_eq!(found[0], "row.changed grades music score: 100/74", "G6");
    assert!(found.len() == 2 && found[1].starts_with("outbox.forged "), "G6: {found:?}");
    database.change("DELETE FROM sillok_entries WHERE id = request").await;
    database.change(&format!("UPDATE grades SET score = 74 WHERE learner = '{learner}'")).await;
    agrees(world, learner).await;
    line.send_replace(Switch::Through);
}

/// What was changed is put back by an officer: what they saw, no more, and nothing that was written since.
pub(crate) async fn is_put_back(world: &mut World) {
    let school = world.school(Plan::new("Haneul")).await;
    let (teacher, learner) = (&school.educators[0], &school.learners[0]);
    let marks = [("music", 70), ("art", 60), ("law", 50)];
    world.done(teacher, marks.map(|(subject, score)| grade(learner, 1, subject, score))).await;
    world.check_everything().await;
    let officer = officer(world).await;
    let database = &world.site.database;
    let meddle = async |sql: String| database.change(&sql).await;
    meddle(format!("UPDATE grades SET score = 100 WHERE learner = '{learner}' AND subject = 'music'")).await;
    meddle(format!("DELETE FROM grades WHERE learner = '{learner}' AND subject = 'art'")).await;
    meddle(format!(
        "INSERT INTO grades (learner, year, term, subject, score) VALUES ('{learner}', 2026, 1, 'ethics', 99)"
    ))
    .await;
    let seen = plan(world, learner).await.with_removals();
    assert_eq!((seen.statements.len(), differences(world, learner).await.len()), (3, 3), "G7: {seen:?}");

    // Something is written after the plan was seen: the plan is refused whole.
    world.done(teacher, [correction(learner, 1, "law", 55)]).await;
    meddle(format!("UPDATE grades SET score = 98 WHERE learner = '{learner}' AND subject = 'ethics'")).await;
    refuses(world, &officer, &seen).await;
    assert_eq!(differences(world, learner).await.len(), 3, "G7: nothing was done");

    // The row that nobody adopted may be from before: it is deleted only if the officer asks for that.
    let seen = plan(world, learner).await;
    assert_eq!((seen.statements.len(), seen.removals.len()), (2, 1), "G7: {seen:?}");
    let seen = seen.with_removals();
    restores(world, &officer, &seen).await;
    agrees(world, learner).await;
    world.check_everything().await;
    assert_eq!(plan(world, learner).await.statements.len(), 0, "G7: nothing is left to put back");
}
