//! What every engine of the bus owes, run against each: the outbox on SQLite always, on PostgreSQL where
//! `SILLOK_TEST_POSTGRES` names a server, and Kafka where `SILLOK_TEST_KAFKA` names the directory of a network in which
//! network/kafka.sh has brought a broker up.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod broker;
mod consuming;
mod subscribing;
mod worlds;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    Bus, Consumer, Delivery, Effect, Event, Group, HandleError, Handler, NewEvent, Settings, Subscription,
    Topic,
};
use crate::records::{Records, RecordsError};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The topic of most tests.
const TOPIC: Topic = Topic::SignaturesCreated;

/// A bus with its records database.
struct World {
    records: Arc<dyn Records>,
    bus: Arc<dyn Bus>,
    settings: Settings,
}

impl World {
    /// Tells so many events of each of these subjects, in turn: `subject/1`, `subject/2` and so on.
    async fn tell(&self, subjects: &[&str], count: usize) {
        for n in 0..count {
            let effect = subjects.iter().fold(Effect::default(), |effect, subject| {
                let which = format!("{subject}/{n}");
                effect.tell(NewEvent::new(TOPIC, *subject, &which, 1_790_000_000_000_000, json!({ "n": n })))
            });
            assert!(self.records.commit(&effect).await.unwrap());
        }
    }

    async fn subscribe(&self, name: &str) -> Box<dyn Subscription> {
        self.bus.subscribe(&group(name), &[TOPIC]).await.unwrap()
    }

    fn consumer(&self, name: &str) -> Consumer {
        Consumer {
            bus: self.bus.clone(),
            records: self.records.clone(),
            settings: self.settings.clone(),
            group: group(name),
            topics: vec![TOPIC],
        }
    }

    /// A consumer in a task of its own.
    fn consume(&self, name: &str, handler: &Arc<Seen>) -> Running {
        let (consumer, handler, shutdown) = (self.consumer(name), handler.clone(), CancellationToken::new());
        let until = shutdown.clone();
        let task = tokio::spawn(async move { consumer.consume(&*handler, &until).await });
        Running { task, shutdown }
    }
}

/// A consumer that runs.
struct Running {
    task: JoinHandle<()>,
    shutdown: CancellationToken,
}

impl Running {
    async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.expect("it ends").unwrap();
    }

    /// As a process is killed: nothing is given back.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

fn group(name: &str) -> Group {
    Group::new(name).unwrap()
}

/// Whether an event is to fail.
type Fault = dyn Fn(&Event) -> Option<HandleError> + Send + Sync;

/// A handler that notes what it sees, and what came of it.
struct Seen {
    records: Arc<dyn Records>,
    group: Group,
    /// What was delivered, each time.
    delivered: Mutex<Vec<String>>,
    /// What had its effect, in order.
    done: Arc<Mutex<Vec<Event>>>,
    fault: Box<Fault>,
}

impl Seen {
    fn new(world: &World, name: &str) -> Arc<Self> {
        Self::failing(world, name, |_| None)
    }

    fn failing(
        world: &World,
        name: &str,
        fault: impl Fn(&Event) -> Option<HandleError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            records: world.records.clone(),
            group: group(name),
            delivered: Mutex::default(),
            done: Arc::default(),
            fault: Box::new(fault),
        })
    }

    fn done(&self) -> Vec<String> {
        self.done.lock().unwrap().iter().map(|event| event.id.clone()).collect()
    }

    /// Waits until so many had their effect, and no more.
    async fn wait(&self, count: usize) {
        until(&format!("{count} events are handled"), async || self.done.lock().unwrap().len() >= count)
            .await;
        assert_eq!(self.done.lock().unwrap().len(), count);
    }

    /// That of each subject all had their effect, in order, once.
    fn is_in_order(&self, subjects: &[&str], count: usize) {
        let mut seen: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for event in self.done.lock().unwrap().iter() {
            seen.entry(event.subject.clone()).or_default().push(event.data["n"].as_u64().unwrap());
        }
        let expected: Vec<_> = (0..count as u64).collect();
        assert_eq!(seen.len(), subjects.len());
        for subject in subjects {
            assert_eq!(seen[*subject], expected, "of {subject}");
        }
    }
}

#[async_trait]
impl Handler for Seen {
    async fn handle(&self, events: &[Event]) -> Result<(), HandleError> {
        for (index, event) in events.iter().enumerate() {
            self.delivered.lock().unwrap().push(event.id.clone());
            match (self.fault)(event) {
                Some(HandleError::Event { reason, .. }) => return Err(HandleError::Event { index, reason }),
                Some(later) => return Err(later),
                None => {}
            }
            let effect = Effect::of(&self.group, &event.id);
            let (records, done, event) = (self.records.clone(), self.done.clone(), event.clone());
            // A commit comes to its end also where who began it is killed meanwhile, and so does the note of it.
            let committed = tokio::spawn(async move {
                if records.commit(&effect).await? {
                    done.lock().unwrap().push(event);
                }
                Ok::<_, RecordsError>(())
            });
            committed.await.unwrap()?;
        }
        Ok(())
    }
}

/// Polls until it is so.
async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let limit = tokio::time::Instant::now() + PATIENCE;
    while !so().await {
        assert!(tokio::time::Instant::now() < limit, "time is over, waited until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Takes deliveries until there are so many.
async fn take(subscription: &mut dyn Subscription, count: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    let limit = tokio::time::Instant::now() + PATIENCE;
    while taken.len() < count {
        assert!(tokio::time::Instant::now() < limit, "time is over: {} of {count}", taken.len());
        taken.extend(subscription.next(count - taken.len(), Duration::from_millis(200)).await.unwrap());
    }
    taken
}

fn ids(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|delivery| delivery.event.as_ref().unwrap().id.clone()).collect()
}

/// Makes each function a test on each engine.
macro_rules! on_every_engine {
    ($($test:ident),* $(,)?) => {
        mod outbox_on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let (world, _directory) = super::super::worlds::sqlite().await;
                super::$test(&world).await;
            })*
        }

        mod kafka {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some((world, relay, _directory)) = super::super::worlds::kafka().await {
                    super::$test(&world).await;
                    relay.stop().await;
                }
            })*
        }

        mod outbox_on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some((world, database)) = super::super::worlds::postgres().await {
                    super::$test(&world).await;
                    drop(world);
                    database.drop().await;
                }
            })*
        }
    };
}
use on_every_engine;
