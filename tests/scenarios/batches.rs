//! How batches close: by count, by time, and grown while another was in flight.

use sillok_tests::{
    cut::Switch,
    lesson::{grade, report},
    patience::until,
    school::{Plan, School},
    world::World,
};

/// A batch closes when it is full, long before it is old.
pub(crate) async fn by_count(world: &mut World) {
    let school = world.school(Plan::new("Saem").batches(5, 600_000)).await;
    let teacher = &school.educators[0];
    world.done(teacher, school.learners.iter().map(|learner| grade(learner, 1, "art", 80))).await;
    recorded(world, &school, 1).await;
    world.done(teacher, school.learners.iter().map(|learner| report(learner, 1))).await;
    recorded(world, &school, 2).await;
    assert_eq!(counts(world, &school).await, [5, 5]);
    world.check_everything().await;
}

/// A batch closes when its oldest entry is old, long before it is full.
pub(crate) async fn by_time(world: &mut World) {
    let school = world.school(Plan::new("Noeul").batches(1_000, 400)).await;
    let teacher = &school.educators[0];
    world.done(teacher, school.learners.iter().map(|learner| grade(learner, 1, "art", 80))).await;
    recorded(world, &school, 1).await;
    assert_eq!(counts(world, &school).await, [5], "one signature's entries, one batch");
    world.check_everything().await;
}

/// While a batch is in flight the next one grows past its count, and goes in one piece.
pub(crate) async fn grown_in_flight(world: &mut World) {
    let school = world.school(Plan::new("Bada").batches(5, 600_000)).await;
    let teacher = &school.educators[0];
    world.line.as_ref().unwrap().send_replace(Switch::Held);
    world.done(teacher, school.learners.iter().map(|learner| grade(learner, 1, "art", 80))).await;
    until("the first batch is in flight", async || {
        let outbox = world.site.database.outbox(&school.id).await;
        outbox.iter().all(|entry| entry.batch.is_some()).then_some(())
    })
    .await;
    for term in 1..=4 {
        world.done(teacher, school.learners.iter().map(|learner| report(learner, term))).await;
    }
    world.line.as_ref().unwrap().send_replace(Switch::Through);
    recorded(world, &school, 2).await;
    assert_eq!(counts(world, &school).await, [5, 20]);
    world.check_everything().await;
}

async fn recorded(world: &World, school: &School, batches: usize) {
    until("the batch is on the ledger", async || {
        (counts(world, school).await.len() >= batches).then_some(())
    })
    .await;
}

/// How many entries each of the school's recorded batches has.
async fn counts(world: &World, school: &School) -> Vec<u32> {
    let batches = world.as_seen_by(&school.educators[0]).batches(&school.id).await.unwrap();
    batches.iter().map(|batch| batch.count).collect()
}
