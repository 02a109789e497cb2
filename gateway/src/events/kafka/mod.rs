//! The engine `kafka`: a relay produces the outbox's events to Apache Kafka, where groups are consumer groups.

mod bare;
mod consumer;
mod producer;
mod settings;
mod topics;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use rdkafka::error::KafkaError;

pub(crate) use self::bare::{bare, delete_topics};
pub(super) use self::producer::Producer;
pub use self::settings::KafkaSettings;
use self::{consumer::KafkaSubscription, topics::lag};
use super::{Bus, BusError, Group, Lag, Settings, Subscription, Topic, outbox::Outbox, relay_group};
use crate::records::Records;

/// Events from Kafka.
pub(super) struct Kafka {
    settings: Settings,
    /// What the relay reads.
    outbox: Outbox,
    /// What groups of this process handle: one that has confirmed nothing yet is not known to Kafka.
    subscribed: Mutex<HashMap<Group, BTreeSet<Topic>>>,
}

impl Kafka {
    pub(super) fn new(records: Arc<dyn Records>, settings: Settings) -> Self {
        let outbox = Outbox::new(records, settings.clone());
        Self { settings, outbox, subscribed: Mutex::default() }
    }
}

/// Makes the topics that are not there.
pub(super) async fn make_topics(settings: &Settings) -> Result<(), BusError> {
    topics::make(settings, &Topic::ALL).await
}

#[async_trait]
impl Bus for Kafka {
    async fn subscribe(&self, group: &Group, topics: &[Topic]) -> Result<Box<dyn Subscription>, BusError> {
        topics::make(&self.settings, topics).await?;
        let subscription = KafkaSubscription::new(&self.settings, group, topics)?;
        let mut subscribed = self.subscribed.lock().unwrap_or_else(PoisonError::into_inner);
        subscribed.entry(group.clone()).or_default().extend(topics);
        Ok(Box::new(subscription))
    }

    async fn lag(&self, group: &Group) -> Result<Vec<Lag>, BusError> {
        if *group == relay_group() {
            return self.outbox.lag(group).await;
        }
        let ours = {
            let subscribed = self.subscribed.lock().unwrap_or_else(PoisonError::into_inner);
            subscribed.get(group).cloned().unwrap_or_default()
        };
        let (settings, group) = (self.settings.clone(), group.clone());
        blocking(move || lag(&settings, &group, &ours)).await
    }
}

/// Does what waits for the broker where waiting hinders nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BusError> + Send + 'static,
) -> Result<T, BusError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(BusError::Kafka(error.to_string())))
}

/// A client that lives on a thread of its own while it ends: it waits for the broker then.
struct Client<T: Send + Sync + 'static>(Option<Arc<T>>);

impl<T: Send + Sync + 'static> Client<T> {
    fn new(client: T) -> Self {
        Self(Some(Arc::new(client)))
    }

    fn get(&self) -> &Arc<T> {
        self.0.as_ref().expect("only dropping takes it")
    }
}

impl<T: Send + Sync + 'static> Drop for Client<T> {
    fn drop(&mut self) {
        let client = self.0.take();
        // Without a thread to spare it ends here.
        let _ = std::thread::Builder::new().name("sillok-kafka-end".to_owned()).spawn(move || drop(client));
    }
}

fn failed(error: KafkaError) -> BusError {
    BusError::Kafka(error.to_string())
}
