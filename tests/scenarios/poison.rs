//! A poisoned entry.

use sillok_tests::{
    lesson::{grade, report},
    school::{Plan, now},
    world::World,
};

/// A key turns out to have been stolen: what it signed since then is executed and waiting, and the ledger refuses it.
/// It is set aside, seen by everybody who looks, and the others' entries of the same batch go on.
pub(crate) async fn is_set_aside(world: &mut World) {
    let school = world.school(Plan::new("Mirae").batches(10, 600_000)).await;
    let [honest, stolen] = &school.educators[..] else { panic!("two educators") };
    let since = now();
    world.done(honest, school.learners.iter().map(|learner| grade(learner, 1, "law", 70))).await;
    let poisoned = world.done(stolen, school.learners[..3].iter().map(|learner| report(learner, 1))).await;
    let office = world.consortium().administrator("OfficeMSP").unwrap();
    office.revoke_educator(&stolen.id, since).await.unwrap();
    for result in &poisoned.results {
        let mut told = world.told().await;
        told.set_aside.insert(result.entry.entry, "educator.revoked".to_owned());
    }
    // Two more fill the batch.
    world.done(honest, school.learners[..2].iter().map(|learner| report(learner, 1))).await;
    world.check_everything().await;

    // And the school goes on.
    world
        .done(honest, school.learners.iter().chain(&school.learners).map(|learner| report(learner, 2)))
        .await;
}
