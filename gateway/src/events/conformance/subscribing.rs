//! Deliveries: all of them, in order, to one of a group, until they are confirmed.

use std::time::Duration;

use super::{PATIENCE, TOPIC, World, group, ids, on_every_engine, take, until};

on_every_engine!(
    every_group_gets_every_event_in_order,
    what_is_not_confirmed_comes_again,
    what_is_confirmed_does_not_come_again,
    a_group_knows_how_far_it_is_behind,
    two_share_and_one_that_was_silent_is_replaced,
    nobody_waits_longer_than_their_patience,
);

async fn every_group_gets_every_event_in_order(world: &World) {
    world.tell(&["a", "b", "c"], 10).await;
    for name in ["one", "two"] {
        let mut subscription = world.subscribe(name).await;
        let taken = take(&mut *subscription, 30).await;
        for subject in ["a", "b", "c"] {
            let prefix = format!("{TOPIC}/{subject}/");
            let taken = ids(&taken);
            let of: Vec<_> = taken.iter().filter_map(|id| id.strip_prefix(&prefix)).collect();
            assert_eq!(of, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], "of {subject}");
        }
        let event = taken[0].event.clone().unwrap();
        assert_eq!(
            (event.source.as_str(), event.topic, event.time),
            ("/sillok", TOPIC, 1_790_000_000_000_000)
        );
        subscription.leave().await;
    }
}

async fn what_is_not_confirmed_comes_again(world: &World) {
    world.tell(&["a"], 5).await;
    let mut first = world.subscribe("g").await;
    let taken = take(&mut *first, 5).await;
    first.confirm(&taken[..2]).await.unwrap();
    assert!(first.next(5, Duration::from_millis(50)).await.unwrap().is_empty(), "not twice to the same");
    first.leave().await;
    let mut second = world.subscribe("g").await;
    assert_eq!(ids(&take(&mut *second, 3).await), ids(&taken[2..]));
    // Dropped, as by a process that dies: once it was silent for long enough.
    drop(second);
    let mut third = world.subscribe("g").await;
    assert_eq!(ids(&take(&mut *third, 3).await), ids(&taken[2..]));
    third.leave().await;
}

async fn what_is_confirmed_does_not_come_again(world: &World) {
    world.tell(&["a", "b"], 4).await;
    let mut first = world.subscribe("g").await;
    let taken = take(&mut *first, 8).await;
    first.confirm(&taken).await.unwrap();
    first.confirm(&taken[..1]).await.unwrap();
    first.leave().await;
    world.records.commit(&super::Effect::default()).await.unwrap();
    let mut second = world.subscribe("g").await;
    assert!(second.next(8, Duration::from_millis(1_500)).await.unwrap().is_empty());
    second.leave().await;
}

async fn a_group_knows_how_far_it_is_behind(world: &World) {
    world.tell(&["a", "b", "c", "d"], 5).await;
    let mut subscription = world.subscribe("g").await;
    let taken = take(&mut *subscription, 20).await;
    let lag = async || world.bus.lag(&group("g")).await.unwrap().iter().map(|lag| lag.events).sum::<u64>();
    assert_eq!(lag().await, 20);
    subscription.confirm(&taken).await.unwrap();
    assert_eq!(lag().await, 0);
    world.tell(&["e"], 3).await;
    until("the lag is seen", async || lag().await == 3).await;
    let lags = world.bus.lag(&group("g")).await.unwrap();
    let oldest: Vec<_> = lags.iter().filter(|lag| lag.events > 0).map(|lag| lag.oldest).collect();
    assert_eq!(oldest, [Some(1_790_000_000_000_000)]);
    subscription.leave().await;
    assert!(
        world
            .bus
            .lag(&group("nobody"))
            .await
            .unwrap()
            .iter()
            .all(|lag| lag.events == 0 || lag.topic == TOPIC)
    );
}

async fn two_share_and_one_that_was_silent_is_replaced(world: &World) {
    let subjects: Vec<_> = (0..40).map(|n| format!("subject-{n}")).collect();
    let subjects: Vec<_> = subjects.iter().map(String::as_str).collect();
    let (mut one, mut two) = (world.subscribe("g").await, world.subscribe("g").await);
    // Until both have a part.
    let (mut of_one, mut of_two, mut told) = (Vec::new(), Vec::new(), 0);
    let limit = tokio::time::Instant::now() + PATIENCE;
    while of_one.is_empty() || of_two.is_empty() || of_one.len() + of_two.len() < told {
        assert!(tokio::time::Instant::now() < limit, "one gets all: {} and {}", of_one.len(), of_two.len());
        if of_one.len() + of_two.len() == told {
            let next: Vec<_> = subjects.iter().map(|subject| format!("{subject}-{told}")).collect();
            world.tell(&next.iter().map(String::as_str).collect::<Vec<_>>(), 1).await;
            told += next.len();
        }
        for (subscription, of) in [(&mut one, &mut of_one), (&mut two, &mut of_two)] {
            let taken = subscription.next(100, Duration::from_millis(100)).await.unwrap();
            subscription.confirm(&taken).await.unwrap();
            of.extend(ids(&taken));
        }
    }
    // Each event to one of them, unless its way changed hands in between.
    let mut all: Vec<_> = of_one.iter().chain(&of_two).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), told);
    drop(two);
    world.tell(&subjects, 1).await;
    let taken = take(&mut *one, subjects.len()).await;
    assert_eq!(ids(&taken).len(), subjects.len());
    one.leave().await;
}

async fn nobody_waits_longer_than_their_patience(world: &World) {
    let mut subscription = world.subscribe("g").await;
    let began = tokio::time::Instant::now();
    assert!(subscription.next(1, Duration::from_millis(200)).await.unwrap().is_empty());
    assert!(began.elapsed() < Duration::from_secs(20));
    // What comes while somebody waits is given to them.
    let (taken, ()) = tokio::join!(take(&mut *subscription, 1), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.tell(&["a"], 1).await;
    });
    assert_eq!(ids(&taken), ["signatures.created/a/0"]);
    subscription.leave().await;
}
