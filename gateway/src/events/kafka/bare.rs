//! A broker by itself: how many events a second go through it, from one producer to one consumer, and nothing else.

use std::time::{Duration, Instant};

use super::{consumer::KafkaSubscription, producer::Producer, topics};
use crate::events::{BusError, Event, Group, Handler as _, Settings, Subscription as _, Topic};

/// How many are taken at once.
const TAKEN: usize = 1_000;
/// How long is waited for the next event at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// What went through a broker.
pub(crate) struct Bare {
    /// From the first event's sending until all were acknowledged.
    pub(crate) produced: Duration,
    /// From the first event's sending until the last was taken and confirmed.
    pub(crate) consumed: Duration,
}

/// Produces these events so many times, all of one topic and each time all at once, as the relay does (idempotent, acknowledged by all), while a group of its own
/// consumes them as the services do, and does nothing about them.
pub(crate) async fn bare(
    settings: &Settings,
    topic: Topic,
    events: &[Event],
    times: usize,
) -> Result<Bare, BusError> {
    topics::make(settings, &[topic]).await?;
    let group = Group::new("bare").expect("letters alone are well formed");
    let mut subscription = KafkaSubscription::new(settings, &group, &[topic])?;
    // So that the group is there before anything counts.
    subscription.next(1, Duration::from_secs(5)).await?;
    let producer = Producer::new(settings.clone());
    let began = Instant::now();
    let produce = async {
        for _ in 0..times {
            producer.handle(events).await.map_err(|error| BusError::Kafka(error.to_string()))?;
        }
        Ok(began.elapsed())
    };
    let consume = async {
        let mut left = events.len() * times;
        while left > 0 {
            let taken = subscription.next(TAKEN, PATIENCE).await?;
            if taken.is_empty() {
                return Err(BusError::Kafka(format!("{left} events did not come")));
            }
            subscription.confirm(&taken).await?;
            left = left.saturating_sub(taken.len());
        }
        Ok(began.elapsed())
    };
    let (produced, consumed) = tokio::try_join!(produce, consume)?;
    Box::new(subscription).leave().await;
    producer.end().await;
    Ok(Bare { produced, consumed })
}

/// Deletes all topics of these settings' names, with what is in them.
pub(crate) async fn delete_topics(settings: &Settings) -> Result<(), BusError> {
    topics::delete(settings).await
}
