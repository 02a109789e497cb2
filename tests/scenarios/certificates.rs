//! Certificates: issued only if database, ledger and wallet agree; signed twice; revocable; never told valid in doubt.

use sillok_contract::credential::State;
use sillok_gateway::certificate::Outcome;
use sillok_tests::{
    certificate::{Registrar, found},
    drift::agrees,
    lesson::{correction, grade},
    pupil::Pupil,
    refusal::Failed,
    school::Plan,
    world::World,
};

use crate::away::{comes_back, leaves};

/// Asked for while a row is drifted and refused, issued once it is put back, countersigned, believed by whoever checks,
/// doubted while the ledger is away, revoked and told so.
pub(crate) async fn from_asking_to_revoked(world: &mut World) {
    let school = world.school(Plan::new("Haneul")).await;
    let (teacher, learner) = (&school.educators[0], &school.learners[0]);
    world.done(teacher, [grade(learner, 1, "music", 81), grade(learner, 1, "art", 77)]).await;
    world.done(teacher, [correction(learner, 1, "music", 84)]).await;
    world.check_everything().await;
    let (mut pupil, registrar) = (Pupil::new(world, learner).await, Registrar::new(world).await);

    let set = |score: u16| {
        format!("UPDATE grades SET score = {score} WHERE learner = '{learner}' AND subject = 'music'")
    };
    world.site.database.change(&set(100)).await;
    let asked = pupil.asks(world).await;
    assert_eq!((asked.state, asked.agrees), (State::Requested, false), "G9: they do not agree");
    assert_eq!(registrar.sees_waiting(learner).await, [asked.certificate]);
    let refusal = registrar.signs(asked.certificate).await.unwrap_err();
    assert_eq!((refusal.code.as_str(), refusal.status), ("certificate.drift", 422), "G9: {refusal:?}");
    assert_eq!(registrar.refuses(&asked).await.state, State::Refused);
    assert!(registrar.sees_waiting(learner).await.is_empty(), "what is refused waits no more");
    let seen = pupil.caller(world).certificate(asked.certificate).await.unwrap();
    assert_eq!((seen.state, &seen.report), (State::Refused, &asked.report), "the learner has the reason");

    world.site.database.change(&set(84)).await;
    agrees(world, learner).await;
    let asked = pupil.asks(world).await;
    assert_eq!((asked.state, asked.agrees), (State::Requested, true));
    let id = asked.certificate;
    let next = pupil.asks(world).await.certificate;
    assert_eq!(registrar.sees_waiting(learner).await, [id, next], "who asked first comes first");
    assert_eq!(registrar.signs(id).await.unwrap().state, State::Issued);
    assert_eq!(registrar.sees_waiting(learner).await, [next], "what is issued waits no more");
    let unsigned = pupil.caller(world).printed(id).await.map_err(Failed::refused).unwrap_err();
    assert_eq!(unsigned.code, "certificate.not_countersigned");
    let stranger = world.as_seen_by(teacher);
    let early = found(world, &stranger, &pupil.file(world, id).await).await;
    assert_eq!(early.outcome, Outcome::NotCountersigned, "G9: signed twice: {early:?}");
    assert_eq!(pupil.countersigns(world, id).await.state, State::Countersigned);

    let file = pupil.file(world, id).await;
    let verdict = found(world, &stranger, &file).await;
    assert_eq!(verdict.outcome, Outcome::Valid, "{verdict:?}");
    let summary = verdict.certificate.unwrap();
    assert_eq!((&summary.learner, summary.rows), (learner, 2));
    assert_eq!(stranger.judge(&file).await.unwrap().outcome, Outcome::Valid);

    let paper = pupil.caller(world).printed(id).await.map_err(Failed::refused).unwrap();
    assert!(paper.starts_with(b"%PDF-"), "its learner has it printed");
    assert_eq!(registrar.prints(id).await, paper, "it has one printed form");

    leaves(world);
    assert_eq!(found(world, &stranger, &file).await.outcome, Outcome::CannotTell, "G9: it fails closed");
    let verdict = stranger.judge(&file).await.unwrap();
    assert_eq!(verdict.outcome, Outcome::CannotTell, "G9: it fails closed: {verdict:?}");
    comes_back(world);

    assert_eq!(registrar.revokes(id).await.state, State::Revoked);
    assert_eq!(found(world, &stranger, &file).await.outcome, Outcome::Revoked);
    assert_eq!(stranger.judge(&file).await.unwrap().outcome, Outcome::Revoked);
    world.check_everything().await;
}
