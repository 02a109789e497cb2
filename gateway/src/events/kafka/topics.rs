//! Topics: made where they are not there, and how far groups are in them.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    metadata::MetadataTopic,
    types::RDKafkaErrorCode,
};

use super::{
    blocking, failed,
    settings::{ANSWER, longest},
};
use crate::events::{BusError, Group, Lag, Settings, Topic};

/// How long a message is waited for at a time.
const SOON: Duration = Duration::from_millis(100);

/// Makes what is missing of these topics. Those that are there stay as they are, and whoever finds all of them needs no right
/// to make any.
pub(super) async fn make(settings: &Settings, topics: &[Topic]) -> Result<(), BusError> {
    let kafka = &settings.kafka;
    let admin: AdminClient<DefaultClientContext> = kafka.client()?.create().map_err(failed)?;
    let names: Vec<_> = topics.iter().map(|topic| kafka.name(topic.name())).collect();
    let (admin, names) = blocking(move || {
        let there = admin.inner().fetch_metadata(None, ANSWER).map_err(failed)?;
        let there: BTreeSet<_> = there.topics().iter().map(MetadataTopic::name).collect();
        let missing = names.into_iter().filter(|name| !there.contains(&**name)).collect::<Vec<_>>();
        Ok((admin, missing))
    })
    .await?;
    let keep = (u64::from(settings.keep_days) * 86_400_000).to_string();
    let (longest, in_sync) = (longest(), if kafka.replication >= 3 { "2" } else { "1" });
    let new = |name| {
        NewTopic::new(name, kafka.partitions.into(), TopicReplication::Fixed(kafka.replication.into()))
            .set("retention.ms", &keep)
            .set("max.message.bytes", &longest)
            .set("min.insync.replicas", in_sync)
    };
    let new: Vec<_> = names.iter().map(|name| new(name)).collect();
    let options = AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER));
    let made = match new.is_empty() {
        true => Ok(Vec::new()),
        false => admin.create_topics(&new, &options).await.map_err(failed),
    };
    // It waits for its threads.
    blocking(move || {
        drop(admin);
        Ok(())
    })
    .await?;
    for topic in made? {
        match topic {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, error)) => {
                return Err(BusError::Kafka(format!("the topic {topic} is not made: {error}")));
            }
        }
    }
    Ok(())
}

/// Deletes all of our topics that are there, with what is in them.
pub(super) async fn delete(settings: &Settings) -> Result<(), BusError> {
    let kafka = &settings.kafka;
    let admin: AdminClient<DefaultClientContext> = kafka.client()?.create().map_err(failed)?;
    let names: Vec<_> = Topic::ALL.iter().map(|topic| kafka.name(topic.name())).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let options = AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER));
    let deleted = admin.delete_topics(&names, &options).await.map_err(failed);
    // It waits for its threads.
    blocking(move || {
        drop(admin);
        Ok(())
    })
    .await?;
    for topic in deleted? {
        match topic {
            Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
            Err((topic, error)) => {
                return Err(BusError::Kafka(format!("the topic {topic} is not deleted: {error}")));
            }
        }
    }
    Ok(())
}

/// How far the group is behind, in the topics that it is known to handle.
pub(super) fn lag(settings: &Settings, group: &Group, ours: &BTreeSet<Topic>) -> Result<Vec<Lag>, BusError> {
    let kafka = &settings.kafka;
    let consumer: BaseConsumer = kafka
        .client()?
        .set("group.id", kafka.name(group.as_str()))
        // What is read is the first message of each partition, for its time.
        .set("enable.auto.commit", "false")
        .set("queued.min.messages", "1")
        .set("max.partition.fetch.bytes", "1024")
        .create()
        .map_err(failed)?;
    let mut lags = Vec::new();
    let metadata = consumer.fetch_metadata(None, ANSWER).map_err(failed)?;
    for topic in Topic::ALL {
        let name = kafka.name(topic.name());
        let Some(there) = metadata.topics().iter().find(|there| there.name() == name) else { continue };
        let mut places = TopicPartitionList::new();
        there.partitions().iter().for_each(|partition| {
            places.add_partition(&name, partition.id());
        });
        let places = consumer.committed_offsets(places, ANSWER).map_err(failed)?;
        let known = places.elements().iter().any(|place| matches!(place.offset(), Offset::Offset(_)));
        if known || ours.contains(&topic) {
            let (mut events, mut waiting) = (0, TopicPartitionList::new());
            for place in places.elements() {
                let (low, high) =
                    consumer.fetch_watermarks(&name, place.partition(), ANSWER).map_err(failed)?;
                let at = if let Offset::Offset(at) = place.offset() { at.max(low) } else { low };
                events += u64::try_from(high - at).unwrap_or_default();
                if at < high {
                    let at = Offset::Offset(at);
                    waiting.add_partition_offset(&name, place.partition(), at).map_err(failed)?;
                }
            }
            lags.push(Lag { topic, events, oldest: oldest(&consumer, &waiting)? });
        }
    }
    Ok(lags)
}

/// When the oldest of the messages at these places of one topic was told, as far as they are given soon.
fn oldest(consumer: &BaseConsumer, places: &TopicPartitionList) -> Result<Option<i64>, BusError> {
    if places.count() == 0 {
        return Ok(None);
    }
    consumer.assign(places).map_err(failed)?;
    let (mut seen, mut oldest, end) = (BTreeSet::new(), None::<i64>, Instant::now() + ANSWER);
    while seen.len() < places.count() && Instant::now() < end {
        let Some(message) = consumer.poll(SOON) else { continue };
        let message = message.map_err(failed)?;
        if seen.insert(message.partition()) {
            let at = message.timestamp().to_millis().map(|at| at.saturating_mul(1_000));
            oldest = oldest.into_iter().chain(at).min();
        }
    }
    consumer.unassign().map_err(failed)?;
    Ok(oldest)
}
