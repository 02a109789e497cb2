//! The ledger is away, and comes back.

use sillok_tests::{
    cut::Switch,
    lesson::{grade, report},
    patience::until,
    refusal::Failed,
    school::Plan,
    world::World,
};

/// How many entries may wait.
const LIMIT: u64 = 20;
/// Both offices' chaincode: without it no query and no transaction has an answer.
const CHAINCODE: [&str; 2] = ["chaincode-office", "chaincode-support"];

/// Queries go on until so many entries wait; then they are refused for now; in the end all is recorded once.
pub(crate) async fn and_back(world: &mut World) {
    world.stop().await;
    world.settings.service.requests.max_unrecorded = LIMIT;
    world.settings.service.requests.unrecorded_cache_ms = 0;
    world.serve().await;
    let school = world.school(Plan::new("Badak")).await;
    let (teacher, learner) = (&school.educators[0], &school.learners[0]);
    world.done(teacher, school.learners.iter().map(|learner| grade(learner, 1, "art", 80))).await;
    world.check_everything().await;

    leaves(world);
    let mut done = 0;
    let (waits, refusal) = until("the limit of waiting entries", async || {
        let signed = teacher.signs([report(learner, 1)]).unwrap();
        match world.clients.try_once(teacher, &signed).await {
            Ok(_) => {
                done += 1;
                None
            }
            // Some are refused before, so that not all come back at once.
            Err(Failed::Refused(early)) if done < LIMIT => {
                assert!(done >= LIMIT / 2 && early.code == "ledger.backlog", "after {done}: {early:?}");
                None
            }
            Err(Failed::Refused(refusal)) => Some((signed, refusal)),
            Err(failed) => panic!("{failed:?}"),
        }
    })
    .await;
    assert_eq!(done, LIMIT, "queries go on");
    assert_eq!((refusal.code.as_str(), refusal.status), ("ledger.backlog", 503), "{refusal:?}");
    assert!(refusal.retry && refusal.retry_after.is_some(), "G12: {refusal:?}");
    world.clients.refuses(teacher, &waits, "ledger.backlog").await;

    comes_back(world);
    world.send(teacher, &waits).await;
    world.check_everything().await;
}

pub(crate) fn leaves(world: &World) {
    match &world.site.nodes {
        Some(nodes) => CHAINCODE.iter().for_each(|node| nodes.stop(node)),
        None => drop(world.line.as_ref().unwrap().send_replace(Switch::Cut)),
    }
}

pub(crate) fn comes_back(world: &World) {
    match &world.site.nodes {
        Some(nodes) => CHAINCODE.iter().for_each(|node| nodes.start(node)),
        None => drop(world.line.as_ref().unwrap().send_replace(Switch::Through)),
    }
}
