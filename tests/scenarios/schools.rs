//! Two schools, and learners who are not theirs.

use sillok_tests::{
    lesson::{grade, report},
    school::{Plan, School},
    world::World,
};

/// Two schools work at once; each has a chain of batches of its own.
pub(crate) async fn two_at_once(world: &mut World) {
    let first = world.school(Plan::new("Garam").batches(5, 200)).await;
    let second = world.school(Plan::new("Maru").batches(7, 300)).await;
    let teaches = async |school: &School| {
        for term in 1..=4 {
            for learner in &school.learners {
                world.done(&school.educators[0], [grade(learner, term, "science", 70 + term)]).await;
                world.done(&school.educators[1], [report(learner, term)]).await;
            }
        }
    };
    tokio::join!(teaches(&first), teaches(&second));
    world.check_everything().await;
}

/// A teacher asks about learners of another school, and of no school.
pub(crate) async fn a_learner_who_is_not_theirs(world: &mut World) {
    let ours = world.school(Plan::new("Onnuri")).await;
    let theirs = world.school(Plan::new("Byeol")).await;
    let teacher = &ours.educators[0];

    world.refused(teacher, report(&theirs.learners[0], 1), "learner.other_school").await;
    let nobody = sillok_contract::id::LearnerId::new(format!("nobody.{}", world.tag)).unwrap();
    world.refused(teacher, report(&nobody, 1), "learner.unknown").await;
    // One who is theirs among one who is not: neither is done.
    let both = [grade(&ours.learners[0], 1, "ethics", 50), grade(&theirs.learners[0], 1, "ethics", 50)];
    world.clients.refuses(teacher, &teacher.signs(both).unwrap(), "learner.other_school").await;
    world.check_everything().await;
}
