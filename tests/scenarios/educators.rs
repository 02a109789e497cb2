//! A revoked educator.

use sillok_tests::{
    lesson::{grade, report},
    patience::until,
    refusal::Failed,
    school::{Plan, now},
    world::World,
};

/// What was executed before the revocation stands and is recorded; what comes after is refused.
pub(crate) async fn a_revoked_one(world: &mut World) {
    let school = world.school(Plan::new("Areum")).await;
    let [stays, leaves] = &school.educators[..] else { panic!("two educators") };
    let learner = &school.learners[0];
    let before = leaves.signs([grade(learner, 1, "language", 84)]).unwrap();
    let told = world.send(leaves, &before).await;

    let support = world.consortium().administrator("SupportMSP").unwrap();
    support.revoke_educator(&leaves.id, now()).await.unwrap();
    let caller = world.as_seen_by(leaves);
    let refusal = until("the gateway hears of the revocation", async || {
        caller.entry(told.results[0].entry.entry).await.err().map(Failed::refused)
    });
    let refusal = refusal.await;
    assert_eq!((refusal.code.as_str(), refusal.status), ("educator.revoked", 403), "nor may they look");
    world.refused(leaves, report(learner, 1), "educator.revoked").await;
    world.check_everything().await;

    // Sent again, the request from before is answered as it was then.
    let again = world.send(leaves, &before).await;
    assert_eq!(again.results[0].entry.entry, told.results[0].entry.entry);
    world.done(stays, [report(learner, 1)]).await;
}
