//! The bus: what brings events to whoever handles them, whichever engine it is.

use std::time::Duration;

use async_trait::async_trait;

use super::{Event, Group, MalformedEvent, Topic};
use crate::records::{Cursor, RecordsError, Way};

/// Brings events from the outbox to the groups that handle them.
///
/// Every engine owes this. An event that was committed reaches every group that subscribes to its topic while it is kept,
/// at least once: it is delivered until it is confirmed, to one subscription of the group at a time, except where one was
/// silent for so long that it was given up. Events of one topic and subject come in the order in which they were
/// committed. A group that is new gets everything that is still kept. Whoever handles an event may therefore be told it
/// again: [`crate::records::Events::commit`] makes that the effect happens once.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Takes part in a group's work. All of a group subscribe to the same topics.
    async fn subscribe(&self, group: &Group, topics: &[Topic]) -> Result<Box<dyn Subscription>, BusError>;
    /// How far a group is behind, topic by topic; nothing where nobody knows the group.
    async fn lag(&self, group: &Group) -> Result<Vec<Lag>, BusError>;
}

/// A part in a group's work. Dropped without [`Subscription::leave`] its work goes over to others once it was silent for
/// long enough.
#[async_trait]
pub trait Subscription: Send {
    /// The next events, at most `most`; none if there are none for as long as the patience lasts. An event is not given
    /// twice by one subscription unless its way was taken away meanwhile. Safe to cancel.
    async fn next(&mut self, most: usize, patience: Duration) -> Result<Vec<Delivery>, BusError>;
    /// These are done, and with them all that this subscription gave before them on their ways: call it after the effect.
    /// What was given to another meanwhile is passed over.
    async fn confirm(&mut self, deliveries: &[Delivery]) -> Result<(), BusError>;
    /// Ends it: others may go on at once with what was not confirmed.
    async fn leave(self: Box<Self>);
}

/// What was delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The event.
    pub event: Result<Event, Unread>,
    /// Where it was.
    pub(super) place: Place,
}

/// What was delivered and is no event: somebody else's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Where it was.
    pub topic: Topic,
    /// What tells the place from others.
    pub id: String,
    /// The message.
    pub content: Vec<u8>,
    /// What is wrong with it.
    pub error: MalformedEvent,
}

/// Where an event was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the outbox, read under this token.
    Outbox {
        /// The way.
        way: Way,
        /// Of the way's owner.
        token: i64,
        /// The place.
        at: Cursor,
    },
    /// In Kafka.
    Kafka {
        /// The topic's name there.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset.
        offset: i64,
    },
}

/// How far a group is behind in a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The topic.
    pub topic: Topic,
    /// How many events it has not confirmed.
    pub events: u64,
    /// When the oldest of them happened, microseconds since the Unix epoch, where that can be told.
    pub oldest: Option<i64>,
}

/// Why the bus did not do a thing. The same may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The outbox cannot be read or written.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// Kafka is away or refuses.
    #[error("Kafka is not to be had: {0}")]
    Kafka(String),
    /// The section `events` of the configuration cannot be used: which key, and why.
    #[error("events.{0}")]
    Setting(String),
}
