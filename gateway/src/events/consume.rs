//! The one loop in which events are handled: next, handle, confirm.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::{Bus, BusError, Delivery, Event, Group, Settings, Subscription, Topic, Unread, metrics};
use crate::{
    clock,
    records::{NewDeadLetter, Records, RecordsError},
};

/// How long is waited for events before it is looked whether there is something else to do.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is looked whether dead letters are to be handled once more, and how many at a time.
const REVIVALS: (Duration, u32) = (Duration::from_secs(1), 10);

/// What is done about events.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Handles these, in order, and answers when all of it is durable. They may come again, all or some, in other parts:
    /// [`crate::records::Events::commit`] says which were done before.
    async fn handle(&self, events: &[Event]) -> Result<(), HandleError>;
}

/// Why events were not handled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// It is not the events' fault: something that handling needs is away. They are tried again for as long as it takes.
    #[error("{0}")]
    Later(String),
    /// One of them cannot be handled, nor can it be later. It is tried a few times, then it is put aside; those before and
    /// behind it go on.
    #[error("the event cannot be handled: {reason}")]
    Event {
        /// Which of them, from 0.
        index: usize,
        /// Why; an operator reads it.
        reason: String,
    },
}

impl From<RecordsError> for HandleError {
    fn from(error: RecordsError) -> Self {
        Self::Later(error.to_string())
    }
}

/// What became of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    /// All are handled, or put aside.
    Done { buried: bool },
    /// The service stops before.
    Stopped,
}

/// A service that handles events as one of a group.
pub struct Consumer {
    /// What brings events.
    pub bus: Arc<dyn Bus>,
    /// Where dead letters are put.
    pub records: Arc<dyn Records>,
    /// Limits and waits.
    pub settings: Settings,
    /// The group.
    pub group: Group,
    /// What it handles.
    pub topics: Vec<Topic>,
}

impl Consumer {
    /// Handles events until `shutdown`. Then it ends after what is being handled at the moment; what is not confirmed by
    /// then is delivered again, to whoever comes next.
    pub async fn consume(&self, handler: &dyn Handler, shutdown: &CancellationToken) {
        let mut waits = self.waits();
        while !shutdown.is_cancelled() {
            let error = match self.bus.subscribe(&self.group, &self.topics).await {
                Ok(mut subscription) => {
                    let ended = self.follow(&mut *subscription, handler, shutdown, &mut waits).await;
                    subscription.leave().await;
                    match ended {
                        Ok(()) => return,
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            tracing::warn!(group = %self.group, %error, "the events have to be subscribed to again");
            pause(&mut waits, shutdown).await;
        }
    }

    async fn follow(
        &self,
        subscription: &mut dyn Subscription,
        handler: &dyn Handler,
        shutdown: &CancellationToken,
        waits: &mut Waits,
    ) -> Result<(), BusError> {
        let mut looked: Option<Instant> = None;
        loop {
            if looked.is_none_or(|looked| looked.elapsed() > REVIVALS.0) {
                self.revive(handler, shutdown).await?;
                looked = Some(Instant::now());
            }
            let deliveries = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                next = subscription.next(self.settings.batch as usize, PATIENCE) => next?,
            };
            if self.settle(&deliveries, handler, shutdown).await == Settled::Stopped {
                return Ok(());
            }
            subscription.confirm(&deliveries).await?;
            metrics::handled(&self.group, deliveries.len());
            *waits = self.waits();
        }
    }

    /// Handles what was delivered, or puts it aside.
    async fn settle(
        &self,
        deliveries: &[Delivery],
        handler: &dyn Handler,
        shutdown: &CancellationToken,
    ) -> Settled {
        let mut events = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            match &delivery.event {
                Ok(event) => events.push(event.clone()),
                Err(unread) if self.bury(self.unread(unread), shutdown).await => {}
                Err(_) => return Settled::Stopped,
            }
        }
        self.handle(&events, handler, shutdown).await
    }

    /// Handles events: together, and where one of them does not let itself be handled, it alone and the others around it.
    async fn handle(&self, events: &[Event], handler: &dyn Handler, shutdown: &CancellationToken) -> Settled {
        let (mut parts, mut buried) = (VecDeque::from([events]), false);
        let (mut waits, mut tries) = (self.waits(), 0);
        while let Some(part) = parts.pop_front() {
            if part.is_empty() {
                continue;
            }
            match attempt(handler, part).await {
                Ok(()) => (waits, tries) = (self.waits(), 0),
                Err(Failed::Later(reason)) => {
                    tracing::warn!(group = %self.group, reason, "events could not be handled; they are tried again");
                    metrics::retried(&self.group);
                    parts.push_front(part);
                    if !pause(&mut waits, shutdown).await {
                        return Settled::Stopped;
                    }
                }
                Err(Failed::All(_)) if part.len() > 1 => {
                    part.chunks(1).rev().for_each(|one| parts.push_front(one));
                }
                Err(Failed::One { index, .. }) if part.len() > 1 => {
                    let index = index.min(part.len() - 1);
                    for rest in [&part[index + 1..], &part[index..=index], &part[..index]] {
                        parts.push_front(rest);
                    }
                }
                Err(Failed::One { reason, .. } | Failed::All(reason)) => {
                    tries += 1;
                    if tries < self.settings.tries {
                        metrics::retried(&self.group);
                        parts.push_front(part);
                        if !pause(&mut waits, shutdown).await {
                            return Settled::Stopped;
                        }
                        continue;
                    }
                    if !self.bury(self.poison(&part[0], reason, tries), shutdown).await {
                        return Settled::Stopped;
                    }
                    (waits, tries, buried) = (self.waits(), 0, true);
                }
            }
        }
        Settled::Done { buried }
    }

    /// Handles dead letters that somebody asked to be handled once more.
    async fn revive(&self, handler: &dyn Handler, shutdown: &CancellationToken) -> Result<(), BusError> {
        let ttl = self.settings.lease_ms.max(60_000);
        for dead in self.records.revived(&self.group, ttl, REVIVALS.1).await? {
            let settled = match Event::parse(&dead.letter.content) {
                Ok(event) => self.handle(&[event], handler, shutdown).await,
                Err(error) => {
                    let again = NewDeadLetter { reason: error.to_string(), tries: 1, ..dead.letter };
                    self.bury(again, shutdown).await;
                    continue;
                }
            };
            if settled == (Settled::Done { buried: false }) {
                self.records.discard(dead.id, None).await?;
                tracing::info!(group = %self.group, letter = dead.id, "a dead letter was handled");
            }
        }
        Ok(())
    }

    fn poison(&self, event: &Event, reason: String, tries: u32) -> NewDeadLetter {
        NewDeadLetter {
            group: self.group.clone(),
            event: event.id.clone(),
            topic: event.topic,
            content: event.to_json().into_bytes(),
            reason,
            tries,
            at: clock::now(),
        }
    }

    fn unread(&self, unread: &Unread) -> NewDeadLetter {
        NewDeadLetter {
            group: self.group.clone(),
            event: unread.id.clone(),
            topic: unread.topic,
            content: unread.content.clone(),
            reason: unread.error.to_string(),
            tries: 1,
            at: clock::now(),
        }
    }

    /// Puts an event aside, however long that takes; not, if the service stops before.
    async fn bury(&self, letter: NewDeadLetter, shutdown: &CancellationToken) -> bool {
        let mut waits = self.waits();
        while let Err(error) = self.records.bury(&letter).await {
            tracing::warn!(group = %self.group, %error, "a dead letter could not be put aside; it is tried again");
            if !pause(&mut waits, shutdown).await {
                return false;
            }
        }
        let NewDeadLetter { event, topic, reason, .. } = letter;
        tracing::error!(
            group = %self.group, event, %topic, reason,
            "an event cannot be handled and was put aside as a dead letter: look at it with `sillok dead-letters`, then replay or discard it"
        );
        metrics::dead(&self.group, topic);
        true
    }

    fn waits(&self) -> Waits {
        ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(self.settings.retry_min_ms))
            .with_max_delay(Duration::from_millis(self.settings.retry_max_ms))
            .with_jitter()
            .without_max_times()
            .build()
    }
}

type Waits = backon::ExponentialBackoff;

/// Waits until the next attempt; false if the service stops before.
async fn pause(waits: &mut Waits, shutdown: &CancellationToken) -> bool {
    let wait = waits.next().unwrap_or(PATIENCE);
    tokio::select! {
        () = shutdown.cancelled() => false,
        () = tokio::time::sleep(wait) => true,
    }
}

/// Why an attempt failed.
enum Failed {
    Later(String),
    One {
        index: usize,
        reason: String,
    },
    /// It cannot be told which of them is to blame.
    All(String),
}

async fn attempt(handler: &dyn Handler, events: &[Event]) -> Result<(), Failed> {
    match AssertUnwindSafe(handler.handle(events)).catch_unwind().await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(HandleError::Later(reason))) => Err(Failed::Later(reason)),
        Ok(Err(HandleError::Event { index, reason })) => Err(Failed::One { index, reason }),
        Err(_) => Err(Failed::All("the service panicked at it".to_owned())),
    }
}
