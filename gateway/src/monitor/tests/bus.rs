//! The monitor as a consumer of the bus.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json, to_value};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    clock,
    events::{self, Bus, Consumer, Effect, NewEvent},
    records::{self, Records},
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Alerts that are stored, and told to nobody.
struct Stored(Arc<dyn Records>);

#[async_trait]
impl Raise for Stored {
    async fn raise(&self, alerts: &[NewAlert]) -> records::Result<()> {
        self.0.raise(alerts).await.map(drop)
    }
}

struct World {
    records: Arc<dyn Records>,
    bus: Arc<dyn Bus>,
    settings: events::Settings,
    _directory: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("records.db").display());
        let records =
            records::open(&records::Settings { url, ..records::Settings::default() }).await.unwrap();
        // Impatient: a consumer that is dropped holds its ways until the lease ends.
        let settings =
            events::Settings { tries: 1, poll_ms: 20, lease_ms: 1_000, ..events::Settings::default() };
        let bus = events::open(&settings, records.clone()).unwrap();
        Self { records, bus, settings, _directory: directory }
    }

    fn watcher(&self) -> Watcher {
        Watcher::new(&Settings::default(), &[], Arc::new(Stored(self.records.clone())))
    }

    async fn tell(&self, which: usize, data: Value) {
        let event =
            NewEvent::new(Topic::SignaturesVerified, "document", &which.to_string(), clock::now(), data);
        assert!(self.records.commit(&Effect::default().tell(event)).await.unwrap());
    }

    async fn forged(&self, number: usize) {
        let forged = failed(signature(number, "P-1", "10.0.0.7", clock::now()), "signature.invalid");
        self.tell(number, to_value(forged).unwrap()).await;
    }

    /// Handles events until there are so many alerts; gives their kinds.
    async fn until(&self, watcher: &Watcher, count: usize) -> Vec<String> {
        let consumer = Consumer {
            bus: self.bus.clone(),
            records: self.records.clone(),
            settings: self.settings.clone(),
            group: Group::new("monitor").unwrap(),
            topics: TOPICS.to_vec(),
        };
        let shutdown = CancellationToken::new();
        let found = async {
            let groups = [Group::new("recorder").unwrap()];
            tokio::select! {
                () = consumer.consume(watcher, &shutdown) => unreachable!("it goes on"),
                () = watcher.measure(&*self.bus, &groups, &shutdown) => unreachable!("it goes on"),
                found = self.alerts(count) => found,
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("the alerts are raised")
    }

    async fn alerts(&self, count: usize) -> Vec<String> {
        loop {
            let found = self.records.alerts(0, 100).await.unwrap();
            if found.len() >= count {
                return found.into_iter().map(|alert| alert.finding.kind).collect();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn what_events_tell_is_raised_once() {
    let world = World::new().await;
    for number in 0..7 {
        world.forged(number).await;
    }
    // A person's hours depend on when this test runs; a signature that does not verify is nobody's use.
    assert_eq!(world.until(&world.watcher(), 1).await, [FAILING]);
    // Another monitor, which may get them again.
    for number in 7..14 {
        world.forged(number).await;
    }
    world.tell(14, json!({"signer": 1})).await;
    let found = world.until(&world.watcher(), 2).await;
    assert_eq!(found.iter().filter(|kind| *kind == DEAD).count(), 1, "{found:?}");
    assert!(found.iter().all(|kind| kind == FAILING || kind == DEAD), "{found:?}");
}

#[tokio::test]
async fn a_group_that_is_behind_is_raised() {
    let world = World::new().await;
    let recorder = Group::new("recorder").unwrap();
    let mut subscription = world.bus.subscribe(&recorder, &[Topic::SignaturesVerified]).await.unwrap();
    let old = clock::now() - 6 * MINUTE;
    let forged = failed(signature(1, "P-1", "10.0.0.7", old), "signature.invalid");
    let event = NewEvent::new(Topic::SignaturesVerified, "document", "1", old, to_value(forged).unwrap());
    assert!(world.records.commit(&Effect::default().tell(event)).await.unwrap());
    // It takes what there is, and never confirms it.
    assert_eq!(subscription.next(1, PATIENCE).await.unwrap().len(), 1);
    assert_eq!(world.until(&world.watcher(), 1).await, [LAG]);
    subscription.leave().await;
}
