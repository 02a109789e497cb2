//! Reads recorded.

use sillok_contract::entry::Entry;
use sillok_gateway::proof::Proof;
use sillok_proto::ledger::entry::Result as Outcome;
use sillok_tests::{
    lesson::{grade, report},
    patience::until,
    refusal::Failed,
    school::Plan,
    world::World,
};

/// Whoever looks is recorded, with how much they saw, and without what they saw.
pub(crate) async fn are_recorded(world: &mut World) {
    let school = world.school(Plan::new("Narae")).await;
    let [teacher, curious] = &school.educators[..] else { panic!("two educators") };
    let learner = &school.learners[0];
    world.done(teacher, [grade(learner, 1, "music", 93), grade(learner, 1, "art", 88)]).await;

    let told = world.done(curious, [report(learner, 1)]).await;
    assert_eq!(told.results[0].rows, 2);
    let entry = read_entry(world, told.results[0].entry.entry).await;
    assert_eq!(entry.educator, curious.id, "who looked");
    let Outcome::Read(read) = &entry.result else { panic!("a read: {entry:?}") };
    assert_eq!((read.rows, read.digest.len()), (2, 32), "how much was seen, and a digest of it");
    world.check_everything().await;

    // Looking where there is nothing is looking all the same.
    let told = world.done(curious, [report(&school.learners[1], 1)]).await;
    assert_eq!((told.results[0].rows, told.results[0].data.as_deref()), (0, Some(&[][..])));
}

async fn read_entry(world: &World, id: sillok_contract::entry::EntryId) -> Entry {
    let caller = world.as_seen_by_the_office();
    let proof = until("the read has a proof", async || match caller.proof(id).await {
        Ok(proof) => Some(proof),
        Err(Failed::Refused(refusal)) if refusal.code == "proof.not_yet" => {
            assert!(refusal.retry && refusal.retry_after.is_some(), "G12: {refusal:?}");
            None
        }
        Err(failed) => panic!("{failed:?}"),
    });
    let roots =
        sillok_gateway::ledger::receipt::Roots::read_dir(&world.consortium().roots().unwrap()).unwrap();
    Proof::parse(&proof.await).unwrap().verify(&roots).unwrap().entry
}
