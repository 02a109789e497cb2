//! A learner says that an entry is wrong, and an office decides.

use sillok_contract::{
    act::ObjectionDismiss,
    digest::Digest,
    entry::EntryId,
    id::{LearnerId, MspId, ObjectionId},
    objection::{Reason, State, TIME_TO_DECIDE},
    purpose::Purpose,
};
use sillok_gateway::{
    ledger::{officer::Officer, school::School},
    service::{Caller as Asker, ObjectionState, ObjectionsWanted, Parts, Service},
};
use sillok_tests::{
    call::{AUDIENCE, Caller},
    drift::officer,
    lesson::{correction, grade},
    objecting::{dismissal, filing, upholding},
    pupil::Pupil,
    refusal::{done, refused},
    school::{Plan, now},
    world::World,
};

fn said(json: &str) -> String {
    serde_json::from_str::<Reason>(json).unwrap().text
}

/// An officer corrects a mark; the entry.
async fn corrects(world: &World, officer: &Officer, school: &School, learner: &LearnerId) -> EntryId {
    let asked = [correction(learner, 1, "music", 81)];
    let signed = officer.signs(Purpose::Correction, &school.id, AUDIENCE, asked).unwrap();
    let state = done(world.as_seen_by_the_office().submit(&signed).await);
    world.told().await.done(&school.id, &signed, &state);
    world.check_everything().await;
    state.results[0].entry.entry
}

/// The ids of those that are open, of this world's learners.
async fn open(caller: &Caller, world: &World) -> Vec<ObjectionId> {
    let mut wanted = ObjectionsWanted { open: Some(true), ..Default::default() };
    let mut all = Vec::new();
    loop {
        let page = done(caller.objections(&wanted).await);
        let of_world = |of: &&ObjectionState| of.learner.as_str().ends_with(&world.tag);
        all.extend(page.objections.iter().filter(of_world).map(|of| of.objection.clone()));
        if page.bookmark.is_empty() {
            return all;
        }
        wanted.bookmark = page.bookmark;
    }
}

/// Filed, dismissed, filed again, upheld after a correction.
pub(crate) async fn are_decided(world: &mut World) {
    let school = world.school(Plan::new("Sori")).await;
    let (teacher, learner) = (&school.educators[0], &school.learners[0]);
    let told = world.done(teacher, [grade(learner, 1, "music", 18)]).await;
    let wrong = told.results[0].entry.entry;
    world.check_everything().await;
    let (pupil, officer) = (Pupil::new(world, learner).await, officer(world).await);
    let (as_pupil, as_officer) = (pupil.caller(world), world.as_seen_by_holder(officer.access().unwrap()));

    let why = format!("{}: 81 was written, not 18", world.secret());
    let sent = filing(world, &pupil, wrong, &why).await;
    let first = done(as_pupil.file_objection(&sent).await);
    assert_eq!((first.state, first.number, first.entry), (State::Filed, 1, wrong));
    assert_eq!((first.due_at, first.overdue), (first.filed_at + TIME_TO_DECIDE, false));
    assert_eq!(done(as_pupil.file_objection(&sent).await), first, "sent again, it answers as the first time");
    assert_eq!(open(&as_officer, world).await, std::slice::from_ref(&first.objection));
    let seen = done(as_officer.objection(&first.objection).await);
    assert_eq!(said(seen.reason.as_deref().unwrap()), why);

    let sent = dismissal(&officer, &first.objection, "see the paper");
    let dismissed = done(as_officer.decide_objection(&first.objection, &sent).await);
    assert_eq!(
        (dismissed.state, dismissed.decided.as_ref().unwrap().by.clone()),
        (State::Dismissed, officer.id.clone())
    );
    assert_eq!(done(as_officer.decide_objection(&first.objection, &sent).await), dismissed);
    assert!(open(&as_officer, world).await.is_empty());
    let seen = done(as_pupil.objection(&first.objection).await);
    assert_eq!(said(seen.answer.as_deref().unwrap()), "see the paper", "the learner reads why");

    let second = done(as_pupil.file_objection(&filing(world, &pupil, wrong, &why).await).await);
    let again = upholding(world, &officer, &second.objection, wrong).await;
    refused(as_officer.decide_objection(&second.objection, &again).await, "objection.not_a_correction", 422);
    let right = corrects(world, &officer, &school, learner).await;
    let sent = upholding(world, &officer, &second.objection, right).await;
    let upheld = done(as_officer.decide_objection(&second.objection, &sent).await);
    assert_eq!((upheld.state, upheld.decided.as_ref().unwrap().entry), (State::Upheld, Some(right)));
    let late = dismissal(&officer, &second.objection, "no");
    refused(as_officer.decide_objection(&second.objection, &late).await, "objection.wrong_state", 409);
    let own = done(as_pupil.objections(&ObjectionsWanted::default()).await);
    let states: Vec<_> = own.objections.iter().map(|of| (of.objection.clone(), of.state)).collect();
    assert_eq!(states.len(), 2);
    for known in [(first.objection, State::Dismissed), (second.objection, State::Upheld)] {
        assert!(states.contains(&known), "{states:?}");
    }
}

/// Nobody objects to what is about others, decides in an officer's place, or reads what is not theirs.
pub(crate) async fn are_nobody_elses(world: &mut World) {
    let school = world.school(Plan::new("Garam")).await;
    let teacher = &school.educators[0];
    let [learner, classmate, ..] = &school.learners[..] else { panic!("five learners") };
    let told = world.done(teacher, [grade(learner, 1, "music", 18), grade(classmate, 1, "music", 90)]).await;
    let (own, other) = (told.results[0].entry.entry, told.results[1].entry.entry);
    world.check_everything().await;
    let (pupil, mate) = (Pupil::new(world, learner).await, Pupil::new(world, classmate).await);
    let officer = officer(world).await;
    let (as_pupil, as_mate) = (pupil.caller(world), mate.caller(world));
    let as_officer = world.as_seen_by_holder(officer.access().unwrap());

    let about_another = filing(world, &pupil, other, "not mine").await;
    refused(as_pupil.file_objection(&about_another).await, "objection.entry_mismatch", 400);
    let sent = filing(world, &pupil, own, "wrong").await;
    refused(as_mate.file_objection(&sent).await, "act.other_signer", 403);
    refused(as_officer.file_objection(&sent).await, "access.learners_only", 403);
    let mut other_reason = sent.clone();
    other_reason.reason = filing(world, &pupil, own, "other").await.reason;
    refused(as_pupil.file_objection(&other_reason).await, "objection.reason_mismatch", 400);
    let filed = done(as_pupil.file_objection(&sent).await);

    refused(as_mate.objection(&filed.objection).await, "not_found", 404);
    refused(world.as_seen_by(teacher).objection(&filed.objection).await, "not_found", 404);
    let of_learner = ObjectionsWanted { learner: Some(learner.clone()), ..Default::default() };
    refused(as_mate.objections(&of_learner).await, "access.other_learner", 403);
    refused(
        world.as_seen_by(teacher).objections(&ObjectionsWanted::default()).await,
        "access.offices_only",
        403,
    );
    assert_eq!(done(as_officer.objections(&of_learner).await).objections.len(), 1);

    let decision = dismissal(&officer, &filed.objection, "no");
    refused(as_pupil.decide_objection(&filed.objection, &decision).await, "access.offices_only", 403);
    let mut by_learner = decision.clone();
    by_learner.act = dismissal_by(&pupil, &filed.objection);
    refused(as_officer.decide_objection(&filed.objection, &by_learner).await, "act.wrong_signer", 403);
    let office = world.consortium().administrator("OfficeMSP").unwrap();
    office.revoke_officer(&officer.id, now()).await.unwrap();
    let after = dismissal(&officer, &filed.objection, "no");
    let as_office = world.as_seen_by_the_office();
    refused(as_office.decide_objection(&filed.objection, &after).await, "officer.revoked", 403);
    assert_eq!(done(as_office.objection(&filed.objection).await).state, State::Filed);
}

/// A dismissal that a learner signs.
fn dismissal_by(pupil: &Pupil, objection: &ObjectionId) -> String {
    let act = ObjectionDismiss { objection: objection.clone(), digest: Digest::of(b"no") };
    pupil.wallet.acts(AUDIENCE).sign(act, now()).unwrap()
}

/// What an office has not decided in time says so.
pub(crate) async fn become_overdue(world: &mut World) {
    let school = world.school(Plan::new("Yeoul")).await;
    let (teacher, learner) = (&school.educators[0], &school.learners[0]);
    let told = world.done(teacher, [grade(learner, 1, "music", 18)]).await;
    world.check_everything().await;
    let pupil = Pupil::new(world, learner).await;
    let sent = filing(world, &pupil, told.results[0].entry.entry, "wrong").await;
    let filed = done(pupil.caller(world).file_objection(&sent).await);
    for (later, overdue) in [(TIME_TO_DECIDE - 60_000_000, false), (TIME_TO_DECIDE + 60_000_000, true)] {
        let clock = std::sync::Arc::new(move || now() + later);
        let service = Service::new(Parts { clock, ..world.parts() }, world.settings.service.clone());
        let asker = Asker::Officer { msp: MspId::new("OfficeMSP").unwrap() };
        let of_learner = ObjectionsWanted { learner: Some(learner.clone()), ..Default::default() };
        let listed = service.objections(&asker, of_learner).await.unwrap();
        assert_eq!(listed.objections[0].overdue, overdue);
        assert_eq!(service.objection(&asker, &filed.objection).await.unwrap().overdue, overdue);
    }
}
