//! A class of thirty under one signature.

use sillok_tests::{lesson::grade, school::Plan, world::World};

/// One signature, thirty entries, each with a proof of its own; all or none are done.
pub(crate) async fn of_thirty(world: &mut World) {
    let school = world.school(Plan::new("Saebyeok").learners(30)).await;
    let teacher = &school.educators[0];

    let told =
        world.done(teacher, school.learners.iter().map(|learner| grade(learner, 1, "history", 77))).await;
    assert_eq!(told.results.len(), 30);
    assert!(told.results.iter().all(|result| result.rows == 1));
    for (result, learner) in told.results.iter().zip(&school.learners) {
        assert_eq!(&result.entry.learner, learner, "each learner has an entry of their own");
    }
    world.check_everything().await;

    // The last of thirty has a mark already: none of the others gets one.
    let mut asked: Vec<_> = school.learners.iter().map(|learner| grade(learner, 2, "history", 80)).collect();
    asked[29] = grade(&school.learners[29], 1, "history", 80);
    let signed = teacher.signs(asked).unwrap();
    let refusal = world.as_seen_by(teacher).refusal(&signed).await;
    assert_eq!((refusal.status, refusal.retry), (422, false), "{refusal:?}");
    world.told().await.refused(&signed, refusal);
}
