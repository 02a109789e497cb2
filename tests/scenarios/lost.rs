//! The database is lost while it commits.

use std::sync::Arc;

use sillok_tests::{
    cut::{Callers, Front, Lines, Switch},
    lesson::{grade, report},
    patience::until,
    refusal::Failed,
    school::Plan,
    world::World,
};

/// Makes a commit take so long that it can be cut off.
const SLOW: &str = "
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(2) FROM grades WHERE subject = 'slow' LIMIT 1; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON sillok_requests DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION slow()";
const COMMITTING: &str = "SELECT FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'";

/// The connection is lost between the commit and its answer: nobody is told that nothing was done. It was, once.
pub(crate) async fn while_it_commits(world: &mut World) {
    let lines = Arc::new(Lines::default());
    let (database, gateway) = (world.site.database.clone(), "others");
    let (callers, any): (Callers, _) = (Arc::new(Vec::new), ([127, 0, 0, 1], 0).into());
    let front = Front::open("postgres", any, Some(database.server()), &lines, &callers).await.unwrap();
    world.stop().await;
    world.settings.records.url = database.url_by(front.address);
    world.serve().await;
    let school = world.school(Plan::new("Ttukseom")).await;
    let (teacher, learner) = (&school.educators[0], &school.learners[0]);
    world.done(teacher, [report(learner, 1)]).await;
    database.run(SLOW).await;

    let signed = teacher.signs([grade(learner, 1, "slow", 70)]).unwrap();
    let cut_off = async {
        until("it commits", async || (database.count(COMMITTING).await > 0).then_some(())).await;
        lines.put(gateway, "postgres", Switch::Cut);
    };
    let (answer, ()) = tokio::join!(world.clients.try_once(teacher, &signed), cut_off);
    let Err(Failed::Refused(refusal)) = answer else { panic!("answered: {answer:?}") };
    assert_eq!((refusal.code.as_str(), refusal.status, refusal.retry), ("database.in_doubt", 503, true));

    lines.mend();
    let told = world.send(teacher, &signed).await;
    assert_eq!(told.results[0].rows, 1, "as it was the first time");
    world.stop().await;
    world.settings.records.url = database.url();
    world.serve().await;
    world.check_everything().await;
}
