//! The loop: whatever befalls it, each event has its effect once, in order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::{HandleError, Seen, TOPIC, World, group, on_every_engine, until};
use crate::records::{DeadLetter, LettersWanted};

on_every_engine!(
    each_event_has_its_effect_once_in_order,
    what_needs_something_that_is_away_waits_for_it,
    poison_is_put_aside_and_the_others_go_on,
    a_panic_is_the_fault_of_the_event_that_causes_it,
    a_dead_letter_is_handled_once_it_can_be,
    killed_between_effect_and_confirm_it_has_its_effect_once,
    one_of_two_leaves_and_another_is_killed,
    a_service_that_stops_loses_nothing,
);

const SUBJECTS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

async fn each_event_has_its_effect_once_in_order(world: &World) {
    let seen = Seen::new(world, "g");
    let running = world.consume("g", &seen);
    world.tell(&SUBJECTS, 20).await;
    seen.wait(120).await;
    seen.is_in_order(&SUBJECTS, 20);
    running.stop().await;
    assert!(letters(world).await.is_empty());
}

async fn what_needs_something_that_is_away_waits_for_it(world: &World) {
    let tries = Arc::new(AtomicU32::new(0));
    let count = tries.clone();
    let away = move |_: &_| {
        let away = count.fetch_add(1, Ordering::SeqCst) < 8;
        away.then(|| HandleError::Later("the ledger is away".to_owned()))
    };
    let seen = Seen::failing(world, "g", away);
    let running = world.consume("g", &seen);
    world.tell(&["a"], 5).await;
    seen.wait(5).await;
    seen.is_in_order(&["a"], 5);
    assert!(tries.load(Ordering::SeqCst) >= 13, "more often than poison is tried");
    running.stop().await;
    assert!(letters(world).await.is_empty());
}

/// All dead letters, without their contents.
pub(super) async fn letters(world: &World) -> Vec<DeadLetter> {
    let wanted = LettersWanted { limit: 10, ..LettersWanted::default() };
    world.records.dead_letters(&wanted).await.unwrap()
}

/// Waits for the one dead letter.
pub(super) async fn dead_letter(world: &World) -> DeadLetter {
    until("there is a dead letter", async || !letters(world).await.is_empty()).await;
    let letters = letters(world).await;
    assert_eq!(letters.len(), 1);
    world.records.dead_letter(letters[0].id).await.unwrap().unwrap()
}

async fn poison_is_put_aside_and_the_others_go_on(world: &World) {
    let poison = |event: &super::Event| {
        let is_poison = event.id.ends_with("/b/1");
        is_poison.then(|| HandleError::Event { index: 0, reason: "it is poison".to_owned() })
    };
    let seen = Seen::failing(world, "g", poison);
    world.tell(&["a", "b"], 4).await;
    let running = world.consume("g", &seen);
    seen.wait(7).await;
    let dead = dead_letter(world).await.letter;
    assert_eq!((dead.group, dead.topic, dead.event.as_str()), (group("g"), TOPIC, "signatures.created/b/1"));
    assert_eq!((dead.reason.as_str(), dead.tries), ("it is poison", world.settings.tries));
    assert_eq!(super::Event::parse(&dead.content).unwrap().id, dead.event);
    let done = seen.done();
    let of = |prefix: &str| done.iter().filter_map(|id| id.strip_prefix(prefix)).collect::<Vec<_>>();
    assert_eq!(of("signatures.created/a/"), ["0", "1", "2", "3"]);
    assert_eq!(of("signatures.created/b/"), ["0", "2", "3"]);
    running.stop().await;
}

async fn a_panic_is_the_fault_of_the_event_that_causes_it(world: &World) {
    let seen = Seen::failing(world, "g", |event: &super::Event| {
        assert!(!event.id.ends_with("/a/2"), "at this event a test panics on purpose");
        None
    });
    world.tell(&["a"], 5).await;
    let running = world.consume("g", &seen);
    seen.wait(4).await;
    assert_eq!(dead_letter(world).await.letter.event, "signatures.created/a/2");
    running.stop().await;
}

async fn a_dead_letter_is_handled_once_it_can_be(world: &World) {
    let healed = Arc::new(AtomicU32::new(0));
    let is_healed = healed.clone();
    let poison = move |event: &super::Event| {
        let is_poison = event.id.ends_with("/a/0") && is_healed.load(Ordering::SeqCst) == 0;
        is_poison.then(|| HandleError::Event { index: 0, reason: "it is poison".to_owned() })
    };
    let seen = Seen::failing(world, "g", poison);
    world.tell(&["a"], 2).await;
    let running = world.consume("g", &seen);
    seen.wait(1).await;
    let dead = dead_letter(world).await;
    // Too early: it is put aside again.
    assert!(world.records.revive(dead.id).await.unwrap());
    until("it was tried again", async || dead_letter(world).await.letter.tries > dead.letter.tries).await;
    healed.store(1, Ordering::SeqCst);
    assert!(world.records.revive(dead.id).await.unwrap());
    seen.wait(2).await;
    until("it is gone", async || letters(world).await.is_empty()).await;
    running.stop().await;
}

async fn killed_between_effect_and_confirm_it_has_its_effect_once(world: &World) {
    world.tell(&SUBJECTS, 5).await;
    let seen = Seen::new(world, "g");
    // The effect is there, nothing is confirmed, and the process is gone.
    let mut killed = world.subscribe("g").await;
    let taken = super::take(&mut *killed, 10).await;
    let events: Vec<_> = taken.into_iter().map(|delivery| delivery.event.unwrap()).collect();
    super::Handler::handle(&*seen, &events).await.unwrap();
    drop(killed);
    let running = world.consume("g", &seen);
    seen.wait(30).await;
    until("they were delivered again", async || seen.delivered.lock().unwrap().len() >= 40).await;
    seen.wait(30).await;
    running.stop().await;
}

async fn one_of_two_leaves_and_another_is_killed(world: &World) {
    let seen = Seen::new(world, "g");
    let mut running = vec![world.consume("g", &seen), world.consume("g", &seen)];
    world.tell(&SUBJECTS, 10).await;
    running.remove(0).stop().await;
    running.push(world.consume("g", &seen));
    let more: Vec<_> = SUBJECTS.iter().map(|subject| format!("{subject}2")).collect();
    let more: Vec<_> = more.iter().map(String::as_str).collect();
    world.tell(&more, 10).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    running.remove(0).kill().await;
    seen.wait(120).await;
    let all: Vec<_> = SUBJECTS.into_iter().chain(more.iter().copied()).collect();
    seen.is_in_order(&all, 10);
    for one in running {
        one.stop().await;
    }
}

async fn a_service_that_stops_loses_nothing(world: &World) {
    world.tell(&SUBJECTS, 20).await;
    let seen = Seen::new(world, "g");
    for _ in 0..4 {
        let running = world.consume("g", &seen);
        tokio::time::sleep(Duration::from_millis(30)).await;
        running.stop().await;
    }
    let running = world.consume("g", &seen);
    seen.wait(120).await;
    seen.is_in_order(&SUBJECTS, 20);
    running.stop().await;
}
