//! Events: what happened, told by the transaction in which it happened, to all who have to do something about it.
//!
//! # How it works
//!
//! Whoever changes something writes the events that tell of it into the *outbox*, the table `sillok_events` of the records
//! database, in the same transaction ([`crate::records::Events::commit`], with an [`Effect`]). A [`Bus`] brings them to
//! groups of consumers: the engine `outbox` has each consumer read the table itself; with the engine `kafka` a relay, itself
//! a group, produces them to Apache Kafka, where the others are consumer groups. Delivery is at least once, in order for
//! each subject; the *inbox* (`sillok_inbox`, written by the same `commit`) makes effects happen once. A [`Consumer`] runs
//! the one loop: next, [`Handler::handle`], confirm; what cannot be handled becomes a dead letter, which an operator sees and
//! can have handled once more.
//!
//! ```text
//! change + event, one transaction ─▶ outbox ─┬────────────────────────▶ Subscription ─▶ Handler ─▶ commit(Effect):
//!                                            └─ relay ─▶ Kafka's topic ─┘                          inbox + change + event
//! ```
//!
//! # The events
//!
//! Each is a CloudEvent 1.0 in its JSON form (structured mode; in Kafka with the header `content-type:
//! application/cloudevents+json; charset=UTF-8`, the subject as the message's key):
//!
//! | attribute | |
//! |---|---|
//! | `specversion` | `1.0` |
//! | `id` | the topic, `/`, and what tells the event from others of it; unique for the source. The same event may come more than once, always under its id |
//! | `source` | the setting `events.source`: the same for all gateways on one database |
//! | `type` | `sillok.` and the topic: `sillok.records.entries` |
//! | `subject` | of what or whom it tells; events of one subject and topic are in order |
//! | `time` | when it happened (RFC 3339, microseconds) |
//! | `datacontenttype` | `application/json` |
//! | `data` | by the topic, as below. Readers let be what they do not know: there may come more |
//!
//! **`records.entries`**: a school's batch came to rest on the ledger. Subject: the school. Data:
//! [`data::EntriesRecorded`].
//!
//! **`alerts`**: something was found that did not come through a gateway, or that a rule of the monitor warns of. Subject:
//! the kind. Data: a [`crate::records::Alert`].
//!
//! **`dead-letters`**: a group could not handle an event, or somebody decided that it need not be handled. Subject: the
//! group. Data: [`data::DeadLetterTold`].
//!
//! **`signatures.requested`**, **`signatures.created`**, **`signatures.verified`**, **`signatures.recorded`**: a signature on
//! its way. Subject: the id of the document of several parties that it is of, else the document's hash, in hex. Data of
//! `signatures.verified`: [`data::SignatureVerified`], and `presented`, the signature, unless the office did not make it; the
//! others' are [`crate::service::SignatureRequested`], [`crate::service::SignatureCreated`] and
//! [`crate::service::SignatureRested`].
//!
//! All of it is told for other languages in `proto/events/asyncapi.json`, made of these types by
//! [`crate::service::event_schema()`].

pub mod data;

mod bus;
#[cfg(test)]
mod conformance;
mod consume;
mod effect;
mod event;
mod group;
mod kafka;
mod metrics;
mod outbox;
mod settings;
mod topic;

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

pub use bus::{Bus, BusError, Delivery, Lag, Subscription, Unread};
pub use consume::{Consumer, HandleError, Handler};
pub use effect::{Effect, Handled, SignatureChange, SignatureMove};
pub(crate) use event::MEDIA_TYPE;
pub use event::{Event, MalformedEvent, NewEvent, PARTITIONS};
pub use group::{Group, MalformedGroup};
pub use kafka::KafkaSettings;
pub(crate) use kafka::{bare, delete_topics};
pub(crate) use metrics::describe as describe_metrics;
pub use settings::{Engine, Settings};
pub use topic::{Topic, UnknownTopic};

use crate::{
    clock,
    records::{LetterCount, Records, Result as Stored},
};

/// How often what is old is deleted, and how much at a time.
const PRUNING: (Duration, u32) = (Duration::from_secs(60), 1_000);
/// How long is waited until topics that could not be made are tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// How often it is measured how far groups are behind.
const MEASURING: Duration = Duration::from_secs(5);

/// Opens the bus that the settings name.
pub fn open(settings: &Settings, records: Arc<dyn Records>) -> Result<Arc<dyn Bus>, BusError> {
    let wrong = |(field, reason)| BusError::Setting(format!("{field}: {reason}"));
    settings.check().map_err(wrong)?;
    match settings.engine {
        Engine::Outbox => Ok(Arc::new(outbox::Outbox::new(records, settings.clone()))),
        Engine::Kafka => Ok(Arc::new(kafka::Kafka::new(records, settings.clone()))),
    }
}

/// Brings the outbox's events to Kafka until `shutdown`, where the settings name it; else it ends at once. Any number of
/// processes may do so at once: they share the work as every group does.
pub async fn relay(settings: &Settings, records: Arc<dyn Records>, shutdown: &CancellationToken) {
    if settings.engine != Engine::Kafka {
        return;
    }
    // Those who may not make topics wait for them.
    while let Err(error) = kafka::make_topics(settings).await {
        tracing::warn!(%error, "Kafka's topics cannot be made; it is tried again");
        if !wait(AGAIN, shutdown).await {
            return;
        }
    }
    let consumer = Consumer {
        bus: Arc::new(outbox::Outbox::new(records.clone(), settings.clone())),
        records,
        settings: settings.clone(),
        group: relay_group(),
        topics: Topic::ALL.to_vec(),
    };
    let producer = kafka::Producer::new(settings.clone());
    consumer.consume(&producer, shutdown).await;
    producer.end().await;
}

/// The group that the relay is: how far it is behind is what Kafka has not got yet.
pub fn relay_group() -> Group {
    Group::new("relay").expect("letters alone are well formed")
}

/// Deletes what is old, until `shutdown`: events that all groups have handled, and marks of what was handled.
pub async fn prune(settings: &Settings, records: &dyn Records, shutdown: &CancellationToken) {
    while wait(PRUNING.0, shutdown).await {
        if let Err(error) = prune_once(settings, records, shutdown).await {
            tracing::warn!(%error, "old events could not be deleted");
        }
    }
}

async fn prune_once(settings: &Settings, records: &dyn Records, shutdown: &CancellationToken) -> Stored<()> {
    const DAY: i64 = 86_400_000_000;
    let now = clock::now();
    let before = now.saturating_sub(DAY.saturating_mul(settings.keep_days.into()));
    // With Kafka, the relay alone reads the outbox; what others read there before does not hold it back.
    let relay = (settings.engine == Engine::Kafka).then(relay_group);
    while !shutdown.is_cancelled() && records.prune(before, now, relay.as_ref(), PRUNING.1).await? > 0 {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Measures how far these groups are behind, until `shutdown`.
pub async fn measure(bus: &dyn Bus, groups: &[Group], shutdown: &CancellationToken) {
    loop {
        for group in groups {
            match bus.lag(group).await {
                Ok(lags) => lags.iter().for_each(|lag| metrics::lag(group, lag)),
                Err(error) => {
                    tracing::debug!(%group, %error, "it cannot be told how far the group is behind")
                }
            }
        }
        if !wait(MEASURING, shutdown).await {
            return;
        }
    }
}

/// Counts the dead letters, until `shutdown`.
pub async fn count_letters(records: &dyn Records, shutdown: &CancellationToken) {
    let mut seen: Vec<LetterCount> = Vec::new();
    loop {
        match records.count_letters().await {
            Ok(counts) => {
                // Where there are none any more, that is told, too.
                seen.iter_mut().for_each(|count| count.letters = 0);
                seen.retain(|old| {
                    !counts.iter().any(|new| (&new.group, new.topic) == (&old.group, old.topic))
                });
                seen.extend(counts);
                seen.iter().for_each(metrics::letters);
            }
            Err(error) => tracing::debug!(%error, "the dead letters cannot be counted"),
        }
        if !wait(MEASURING, shutdown).await {
            return;
        }
    }
}

/// Waits; false if the service stops before.
async fn wait(duration: Duration, shutdown: &CancellationToken) -> bool {
    tokio::select! {
        () = shutdown.cancelled() => false,
        () = tokio::time::sleep(duration) => true,
    }
}
