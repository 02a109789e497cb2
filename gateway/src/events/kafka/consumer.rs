//! One member's part in a group's work.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer as _, StreamConsumer},
    error::KafkaError,
    message::BorrowedMessage,
    types::RDKafkaErrorCode,
};
use tokio::time::{Instant, timeout_at};

use super::{Client, blocking, failed};
use crate::events::{BusError, Delivery, Event, Group, Settings, Subscription, Topic, Unread, bus::Place};

/// How often a confirmation is tried while the group shares its work anew, and how long is waited in between.
const TRIES: (u32, Duration) = (50, Duration::from_millis(100));

/// A member of a consumer group.
pub(super) struct KafkaSubscription {
    client: Client<StreamConsumer>,
    topics: HashMap<String, Topic>,
    /// The next offset of what was confirmed: a confirmation never goes back.
    confirmed: HashMap<(String, i32), i64>,
}

impl KafkaSubscription {
    pub(super) fn new(settings: &Settings, group: &Group, topics: &[Topic]) -> Result<Self, BusError> {
        let kafka = &settings.kafka;
        let consumer: StreamConsumer = kafka
            .client()?
            .set("group.id", kafka.name(group.as_str()))
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", settings.lease_ms.to_string())
            .set("heartbeat.interval.ms", (settings.lease_ms / 3).max(1).to_string())
            .set("max.poll.interval.ms", "600000")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "100")
            .create()
            .map_err(failed)?;
        let topics: HashMap<_, _> = topics.iter().map(|topic| (kafka.name(topic.name()), *topic)).collect();
        let names: Vec<_> = topics.keys().map(String::as_str).collect();
        consumer.subscribe(&names).map_err(failed)?;
        Ok(Self { client: Client::new(consumer), topics, confirmed: HashMap::new() })
    }

    fn delivery(&self, message: &BorrowedMessage<'_>) -> Option<Delivery> {
        let topic = *self.topics.get(message.topic())?;
        let place = Place::Kafka {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
        };
        let content = message.payload().unwrap_or_default();
        let event = Event::parse(content).map_err(|error| Unread {
            topic,
            id: format!("{}/{}/{}", message.topic(), message.partition(), message.offset()),
            content: content.to_vec(),
            error,
        });
        Some(Delivery { event, place })
    }

    /// What is new of these deliveries, each partition's furthest.
    fn further(&self, deliveries: &[Delivery]) -> HashMap<(String, i32), i64> {
        let mut further = HashMap::new();
        for delivery in deliveries {
            let Place::Kafka { topic, partition, offset } = &delivery.place else { continue };
            let way = (topic.clone(), *partition);
            if self.confirmed.get(&way).is_none_or(|confirmed| offset >= confirmed) {
                let next = further.entry(way).or_insert(0);
                *next = (*next).max(offset + 1);
            }
        }
        further
    }
}

#[async_trait]
impl Subscription for KafkaSubscription {
    async fn next(&mut self, most: usize, patience: Duration) -> Result<Vec<Delivery>, BusError> {
        let end = Instant::now() + patience;
        let consumer = self.client.get();
        let mut taken = Vec::new();
        while taken.len() < most {
            // The first is waited for; the others are taken if they are there. So nothing is taken and lost in a wait.
            let received = match taken.is_empty() {
                true => match timeout_at(end, consumer.recv()).await {
                    Ok(received) => received,
                    Err(_) => break,
                },
                false => match consumer.recv().now_or_never() {
                    Some(received) => received,
                    None => break,
                },
            };
            match received {
                Ok(message) => taken.extend(self.delivery(&message)),
                Err(error) if is_final(&error) => return Err(failed(error)),
                // The client goes on by itself.
                Err(error) => tracing::debug!(%error, "Kafka"),
            }
        }
        Ok(taken)
    }

    async fn confirm(&mut self, deliveries: &[Delivery]) -> Result<(), BusError> {
        let further = self.further(deliveries);
        if further.is_empty() {
            return Ok(());
        }
        let mut places = TopicPartitionList::new();
        for ((topic, partition), next) in &further {
            places.add_partition_offset(topic, *partition, Offset::Offset(*next)).map_err(failed)?;
        }
        let consumer: Arc<StreamConsumer> = self.client.get().clone();
        // What was refused comes again, to whoever has it then, and is to be confirmed once more.
        if blocking(move || commit(&consumer, &places)).await? {
            self.confirmed.extend(further);
        }
        Ok(())
    }

    async fn leave(self: Box<Self>) {
        let Self { mut client, .. } = *self;
        let consumer = client.0.take();
        // Ending is saying so to the group.
        let _ = blocking(move || {
            drop(consumer);
            Ok(())
        })
        .await;
    }
}

/// What others were given meanwhile is theirs to confirm. Whether it was ours.
fn commit(consumer: &StreamConsumer, places: &TopicPartitionList) -> Result<bool, BusError> {
    let mut tries = 1..TRIES.0;
    loop {
        let Err(error) = consumer.commit(places, CommitMode::Sync) else { return Ok(true) };
        match error.rdkafka_error_code() {
            Some(
                RDKafkaErrorCode::IllegalGeneration
                | RDKafkaErrorCode::UnknownMemberId
                | RDKafkaErrorCode::FencedInstanceId
                | RDKafkaErrorCode::AssignmentLost,
            ) => {
                tracing::debug!(%error, "what was handled belongs to another by now");
                return Ok(false);
            }
            _ if is_final(&error) || tries.next().is_none() => return Err(failed(error)),
            _ => std::thread::sleep(TRIES.1),
        }
    }
}

/// Whether it does not pass by itself.
fn is_final(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::Fatal
                | RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::GroupAuthorizationFailed
        )
    )
}
