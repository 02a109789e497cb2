//! The engine `outbox`: events are read from the records database, by the process that handles them.
//!
//! The ways of the topics are shared among a group's members: each holds some under a lease, with a token that grows with
//! each owner. What a former owner confirms late is refused by it.

mod subscription;

use std::sync::Arc;

use async_trait::async_trait;

use self::subscription::OutboxSubscription;
use super::{Bus, BusError, Group, Lag, Settings, Subscription, Topic};
use crate::records::Records;

/// Events from the records database.
pub(super) struct Outbox {
    records: Arc<dyn Records>,
    settings: Settings,
}

impl Outbox {
    pub(super) fn new(records: Arc<dyn Records>, settings: Settings) -> Self {
        Self { records, settings }
    }
}

#[async_trait]
impl Bus for Outbox {
    async fn subscribe(&self, group: &Group, topics: &[Topic]) -> Result<Box<dyn Subscription>, BusError> {
        let subscription = OutboxSubscription::new(self.records.clone(), &self.settings, group, topics);
        Ok(Box::new(subscription))
    }

    async fn lag(&self, group: &Group) -> Result<Vec<Lag>, BusError> {
        let behind = self.records.behind().await?.into_iter().filter(|behind| behind.group == *group);
        Ok(behind
            .map(|behind| Lag { topic: behind.topic, events: behind.events, oldest: behind.oldest })
            .collect())
    }
}
