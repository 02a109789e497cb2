//! A term of grades: enrolled, marked, corrected, taken back.

use sillok_tests::{
    lesson::{correction, grade, person, report, withdrawal},
    school::Plan,
    world::World,
};

/// The learners are entered, get their marks, one of which was wrong and one of another learner's.
pub(crate) async fn of_grades(world: &mut World) {
    let school = world.school(Plan::new("Hanbit")).await;
    let [homeroom, language] = &school.educators[..] else { panic!("two educators") };

    for learner in &school.learners {
        world.done(homeroom, [person(learner, &world.name_of(learner))]).await;
    }
    world.check_everything().await;

    for (learner, score) in school.learners.iter().zip([90, 81, 72, 63, 100]) {
        let told = world.done(language, [grade(learner, 1, "language", score)]).await;
        assert_eq!(told.results[0].rows, 1);
        assert_eq!(told.results[0].data.as_ref().unwrap()[0]["score"], score, "the image is in the answer");
    }
    world.check_everything().await;

    let told = world.done(language, [correction(&school.learners[3], 1, "language", 68)]).await;
    assert_eq!(told.results[0].data.as_ref().unwrap()[0]["score"], 68);
    let told = world.done(language, [withdrawal(&school.learners[4], 1, "language")]).await;
    assert_eq!(told.results[0].rows, 1);
    world.check_everything().await;

    let told = world.done(homeroom, school.learners.iter().map(|learner| report(learner, 1))).await;
    let reports: Vec<_> = told.results.iter().map(|result| result.data.clone().unwrap()).collect();
    assert_eq!(reports[3][0]["score"], 68, "the corrected mark");
    assert!(reports[4].is_empty(), "the mark that was taken back");
}
