//! On legal grounds an office erases what was recorded about a learner; nobody else loses anything by it.

use std::fs;

use sillok_contract::{entry::EntryId, id::LearnerId};
use sillok_gateway::{
    drift::Selection,
    ledger::receipt::Roots,
    proof::Proof,
    service::{ErasureRequest, RequestState},
};
use sillok_tests::{
    call::{AUDIENCE, Caller},
    drift::{agrees, officer, report as verified},
    engine::Engine,
    erasing::{naming, signed},
    lesson::{ask, correction, grade, person, report, withdrawal},
    pupil::Pupil,
    refusal::{done, refused},
    school::{Plan, now},
    world::World,
};

fn about(told: &RequestState, learner: &LearnerId) -> EntryId {
    told.results.iter().find(|result| result.entry.learner == *learner).unwrap().entry.entry
}

async fn proves(world: &World, caller: &Caller, entry: EntryId) {
    let roots = Roots::read_dir(&world.consortium().roots().unwrap()).unwrap();
    let proof = done(caller.proof(entry).await);
    assert_eq!(Proof::parse(&proof).unwrap().verify(&roots).unwrap().id, entry);
}

/// A learner shares batches with others and is erased from them: theirs verify, and all say what was erased.
pub(crate) async fn of_one_learner(world: &mut World) {
    let school = world.school(Plan::new("Noeul")).await;
    let teacher = &school.educators[0];
    let [learner, classmate, ..] = &school.learners[..] else { panic!("five learners") };
    let (name, mates_name) = (world.name_of(learner), world.name_of(classmate));
    world.done(teacher, [person(learner, &name), person(classmate, &mates_name)]).await;
    let first = world.done(teacher, [grade(learner, 1, "music", 81), grade(classmate, 1, "music", 90)]).await;
    world.check_everything().await;
    let named = ask(learner, "SELECT name FROM learner", vec![]);
    let mates = ask(classmate, "SELECT name FROM learner", vec![]);
    world.done(teacher, [named, mates, correction(learner, 1, "music", 84), report(classmate, 1)]).await;
    world.check_everything().await;
    // The rows are the office's own to delete; first of all, so that their deletion is erased, too.
    let gone = ask(learner, "DELETE FROM learner", vec![]);
    world.done(teacher, [withdrawal(learner, 1, "music"), gone]).await;
    world.check_everything().await;
    let database = &world.site.database;
    assert!(database.rows_with(&name).await > 0, "what is to be erased is there");

    let officer = officer(world).await;
    let as_officer = world.as_seen_by_holder(officer.access().unwrap());
    let standing = done(as_officer.erasure(learner).await).standing;
    assert!(standing.len() >= 3, "{standing:?}");
    let pupil = Pupil::new(world, learner).await;
    let by_learner = pupil.wallet.acts(AUDIENCE).sign(naming(learner, &standing), now()).unwrap();
    let by_learner = ErasureRequest { act: Some(by_learner) };
    refused(as_officer.erase(learner, &by_learner).await, "act.wrong_signer", 403);
    let of_another = signed(&officer, naming(classmate, &standing));
    refused(as_officer.erase(learner, &of_another).await, "erasure.other_learner", 400);
    let (first_act, rest) = standing.split_at(1);
    let act = signed(&officer, naming(learner, first_act));
    refused(world.as_seen_by(teacher).erase(learner, &act).await, "access.offices_only", 403);
    refused(pupil.caller(world).erase(learner, &act).await, "access.offices_only", 403);
    let half = done(as_officer.erase(learner, &act).await);
    assert_eq!((half.standing.as_slice(), half.erased.len()), (rest, 1), "batch by batch");
    assert!(half.copies > 0 && half.transaction.is_some());
    agrees(world, learner).await;
    let again = done(as_officer.erase(learner, &act).await);
    assert_eq!(
        (again.transaction, again.copies),
        (half.transaction, 0),
        "sent again, it answers as the first time"
    );
    let all = done(as_officer.erase(learner, &signed(&officer, naming(learner, rest))).await);
    assert_eq!((all.standing.len(), all.erased.len()), (0, standing.len()));
    let once_more = signed(&officer, naming(learner, rest));
    refused(as_officer.erase(learner, &once_more).await, "erasure.nothing_to_erase", 409);

    let own = about(&first, learner);
    for caller in [&as_officer, &pupil.caller(world)] {
        let refusal = caller.proof(own).await.unwrap_err().refused();
        assert_eq!((refusal.code.as_str(), refusal.status), ("entry.erased", 404));
        assert!(refusal.detail.contains(officer.id.as_str()), "{}", refusal.detail);
    }
    proves(world, &as_officer, about(&first, classmate)).await;
    let told = verified(world, learner).await;
    assert!(told.agrees && told.erased == told.recorded, "{told:?}");
    assert_eq!(told.erasures.len() as u64, told.recorded);
    assert!(told.erasures.iter().all(|erased| erased.by == officer.id && erased.at > 0));
    agrees(world, classmate).await;
    let history = done(as_officer.history(learner, &Selection::default()).await);
    assert_eq!((history.rows.len(), history.erasures.len() as u64), (0, told.recorded));
    let history = done(as_officer.history(classmate, &Selection::default()).await);
    assert_eq!((history.rows.len(), history.erased), (2, 0));
    world.check_everything().await;

    assert_eq!(database.rows_with(&name).await, 0, "nothing is left of it in the database");
    assert!(database.rows_with(&mates_name).await > 0, "what is about others stays");
    if world.site.engine == Engine::Embedded {
        world.stop().await;
        nothing_in_files(world, &name);
        world.serve().await;
    }
}

/// The files of the embedded engines, with what lies in pages that are free by now. The ledger's holds compressed bodies,
/// also purged ones while their pages are free: README says so.
fn nothing_in_files(world: &World, name: &str) {
    let holds = |bytes: &[u8]| bytes.windows(name.len()).any(|window| window == name.as_bytes());
    let directory = world.site.directory.path();
    let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    for file in files.filter(|path| path.is_file()) {
        let bytes = fs::read(&file).unwrap();
        assert!(!holds(&bytes), "{}", file.display());
    }
}
