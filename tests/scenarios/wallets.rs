//! Learners with their wallets: they see all of it, and know that it is all.

use futures_util::future::BoxFuture;
use sillok_contract::entry::EntryId;
use sillok_gateway::{
    service::RequestState,
    wallet::{Complete, WalletError},
};
use sillok_tests::{
    lesson::{correction, grade, report},
    patience::PATIENCE,
    pupil::Pupil,
    refusal::Failed,
    school::{Plan, now},
    world::World,
};

/// Whatever is recorded about a learner comes into their wallet, reads too, and the wallet knows that it is all.
pub(crate) async fn hold_all_of_it(world: &mut World) {
    let school = world.school(Plan::new("Maru")).await;
    let [homeroom, curious] = &school.educators[..] else { panic!("two educators") };
    let [learner, classmate, ..] = &school.learners[..] else { panic!("five learners") };
    let mut about: Vec<EntryId> = Vec::new();
    let mut keep = |told: RequestState| {
        let own = told.results.into_iter().filter(|result| result.entry.learner == *learner);
        about.extend(own.map(|result| result.entry.entry));
        about.clone()
    };
    keep(world.done(homeroom, [grade(learner, 1, "music", 81), grade(classmate, 1, "music", 90)]).await);
    keep(world.done(homeroom, [correction(learner, 1, "music", 84), grade(learner, 1, "art", 77)]).await);
    let told = keep(world.done(curious, [report(learner, 1), report(classmate, 1)]).await);

    world.check_everything().await;
    let mut pupil = Pupil::new(world, learner).await;
    holds(&pupil.sync(world).await, &told);
    let read = pupil.wallet.entries().unwrap().pop().unwrap();
    assert_eq!(read.entry.educator, curious.id, "G8: who looked is seen");

    // Before the next ones come, somebody listens.
    let caller = pupil.caller(world);
    let known = pupil.wallet.count();
    let (followed, told) = tokio::join!(caller.followed(learner, known, 2), async {
        world.done(homeroom, [grade(classmate, 1, "art", 70)]).await;
        keep(world.done(homeroom, [grade(learner, 1, "sport", 92), report(learner, 1)]).await)
    });
    let heard: Vec<_> = followed.iter().map(|entry| (entry.number, entry.entry.entry)).collect();
    assert_eq!(heard, [(known + 1, told[told.len() - 2]), (known + 2, told[told.len() - 1])]);
    holds(&pupil.sync(world).await, &told);
    assert_eq!(pupil.sync(world).await.entries.len(), told.len(), "asked again, nothing new");
}

/// The wallet holds these, in this order, and no others.
fn holds(complete: &Complete, entries: &[EntryId]) {
    let held: Vec<_> = complete.entries.iter().map(|entry| entry.id).collect();
    assert_eq!(held, entries, "G8: all of it");
    assert_eq!(complete.trail.count, entries.len() as u64);
}

/// A learner sees what is about them, and nobody else but the offices does.
pub(crate) async fn are_the_learners_own(world: &mut World) {
    let school = world.school(Plan::new("Byeol")).await;
    let teacher = &school.educators[0];
    let [learner, classmate, ..] = &school.learners[..] else { panic!("five learners") };
    let told = world.done(teacher, [grade(learner, 1, "music", 81), grade(classmate, 1, "music", 90)]).await;
    let (own, other) = (told.results[0].entry.entry, told.results[1].entry.entry);
    world.check_everything().await;
    let (mut pupil, mate) = (Pupil::new(world, learner).await, Pupil::new(world, classmate).await);
    pupil.sync(world).await;
    let caller = pupil.caller(world);
    assert_eq!(caller.entry(own).await.map_err(Failed::refused).unwrap().learner, *learner);
    for refusal in [
        caller.entry(other).await.unwrap_err().refused(),
        caller.proof(other).await.unwrap_err().refused(),
        caller.request(told.request).await.unwrap_err().refused(),
    ] {
        assert_eq!((refusal.code.as_str(), refusal.status), ("not_found", 404), "{refusal:?}");
    }
    let schools = caller.batches(&school.id).await.unwrap_err().refused();
    assert_eq!((schools.code.as_str(), schools.status), ("access.other_school", 403));
    for stranger in [mate.caller(world), world.as_seen_by(teacher)] {
        let nonce = "0".repeat(64);
        for refusal in [
            stranger.learner_entries(learner, 0, 9).await.unwrap_err().refused(),
            stranger.trail(learner, &nonce).await.unwrap_err().refused(),
        ] {
            assert_eq!((refusal.code.as_str(), refusal.status), ("access.other_learner", 403));
        }
    }
    let seen = world.as_seen_by_the_office().learner_entries(learner, 0, 9).await.map_err(Failed::refused);
    assert_eq!(seen.unwrap().entries.len(), 1);
}

/// A key that was replaced or revoked opens nothing any more; what the wallet holds stays good.
pub(crate) async fn change_their_keys(world: &mut World) {
    let school = world.school(Plan::new("Narae")).await;
    let learner = &school.learners[0];
    world.done(&school.educators[0], [grade(learner, 1, "music", 81)]).await;
    world.check_everything().await;
    let mut pupil = Pupil::new(world, learner).await;
    pupil.sync(world).await;

    let old = pupil.wallet.access();
    let stream = world.as_seen_by_holder(old.clone()).opens_stream(learner).await;
    pupil.wallet.renew_key().unwrap();
    pupil.register_key(world).await;
    assert_eq!(end(stream).await, "access.signature", "a stream that the old key opened ends");
    let refused = world.as_seen_by_holder(old.clone()).learner_entries(learner, 0, 1).await;
    assert_eq!(refused.unwrap_err().refused().code, "access.signature", "the old key");
    assert_eq!(pupil.sync(world).await.trail.count, 1);

    let stream = pupil.caller(world).opens_stream(learner).await;
    let support = world.consortium().administrator("SupportMSP").unwrap();
    support.revoke_wallet_key(learner, now()).await.unwrap();
    assert_eq!(end(stream).await, "wallet.revoked", "and one of a revoked key");
    let refusal = pupil.refused(world).await;
    assert_eq!((refusal.code.as_str(), refusal.status), ("wallet.revoked", 403), "{refusal:?}");
    let refused = world.as_seen_by_holder(old).learner_entries(learner, 0, 1).await;
    assert_eq!(refused.unwrap_err().refused().code, "access.signature", "the old key stays closed");
    pupil.wallet.verify(pupil.wallet.roots()).unwrap();

    pupil.wallet.renew_key().unwrap();
    pupil.register_key(world).await;
    assert_eq!(pupil.sync(world).await.trail.count, 1);
}

async fn end(stream: BoxFuture<'static, String>) -> String {
    tokio::time::timeout(PATIENCE, stream).await.expect("the stream ends")
}

/// A gateway that does not show one entry is caught: the offices attest how many there are.
pub(crate) async fn miss_what_is_withheld(world: &mut World) {
    let school = world.school(Plan::new("Gaon")).await;
    let (teacher, learner) = (&school.educators[0], &school.learners[0]);
    let subjects = ["art", "history", "music", "physics", "sport"];
    world.done(teacher, subjects.map(|subject| grade(learner, 1, subject, 80))).await;
    world.check_everything().await;
    for withheld in [1, 3, 5] {
        let mut pupil = Pupil::new(world, learner).await;
        let missed = pupil.sync_seeing(world, |number| number != withheld).await.unwrap_err();
        let held = withheld - 1;
        assert_eq!(missed, WalletError::Incomplete { missing: withheld, held, count: 5 });
        // What it got is kept, and what it lacks comes once the gateway shows it.
        assert_eq!(pupil.sync(world).await.entries.len(), 5);
    }
}
