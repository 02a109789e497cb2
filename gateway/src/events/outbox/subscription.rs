//! One member's part in a group's work.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    task::AbortHandle,
    time::Instant,
};

use crate::{
    events::{BusError, Delivery, Event, Group, Settings, Subscription, Topic, bus::Place},
    records::{Ask, Cursor, Held, Records, Result as Stored, StoredEvent, Way},
};

/// How often in a lease it is prolonged.
const BEATS: u32 = 3;

/// A member of a group, which reads the outbox.
pub(super) struct OutboxSubscription {
    member: Arc<Member>,
    source: String,
    poll: Duration,
    told: watch::Receiver<()>,
    heart: AbortHandle,
}

/// What the subscription shares with the heart that keeps its leases.
struct Member {
    records: Arc<dyn Records>,
    group: Group,
    name: String,
    topics: Vec<Topic>,
    lease: Duration,
    /// One asks for its share at a time.
    asking: AsyncMutex<()>,
    share: Mutex<Share>,
}

/// What a member holds.
#[derive(Default)]
struct Share {
    ways: HashMap<Way, Hold>,
    /// By our clock the leases hold until then.
    until: Option<Instant>,
}

/// A way that is held.
struct Hold {
    token: i64,
    leaving: bool,
    /// All up to here was delivered.
    read: Cursor,
    /// All up to here was confirmed.
    done: Cursor,
}

impl Member {
    fn share(&self) -> MutexGuard<'_, Share> {
        self.share.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes its share, or prolongs it.
    async fn hold(&self) -> Stored<()> {
        let _one = self.asking.lock().await;
        let ask = Ask {
            group: self.group.clone(),
            member: self.name.clone(),
            topics: self.topics.clone(),
            busy: self.share().busy(),
            ttl_ms: self.lease.as_millis().try_into().unwrap_or(u64::MAX),
        };
        // From before the database counts.
        let asked = Instant::now();
        let held = self.records.hold(&ask).await?;
        self.share().take(held, asked + self.lease);
        Ok(())
    }

    async fn beat(self: Arc<Self>) {
        loop {
            tokio::time::sleep(self.lease / BEATS).await;
            if let Err(error) = self.hold().await {
                tracing::warn!(group = %self.group, %error, "the share of the events was not prolonged");
            }
        }
    }
}

impl Share {
    fn busy(&self) -> Vec<Way> {
        self.ways.iter().filter(|(_, hold)| hold.read > hold.done).map(|(way, _)| *way).collect()
    }

    fn holds(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }

    fn take(&mut self, held: Vec<Held>, until: Instant) {
        let mut before = std::mem::take(&mut self.ways);
        for Held { way, token, at, leaving } in held {
            let hold = match before.remove(&way) {
                Some(hold) if hold.token == token => Hold { leaving, ..hold },
                _ => Hold { token, leaving, read: at, done: at },
            };
            self.ways.insert(way, hold);
        }
        self.until = Some(until);
    }

    /// From where to read.
    fn places(&self) -> Vec<(Way, Cursor)> {
        let mut places: Vec<_> =
            self.ways.iter().filter(|(_, hold)| !hold.leaving).map(|(way, hold)| (*way, hold.read)).collect();
        places.sort_unstable();
        places
    }

    /// These are delivered, if the way is still held as it was when they were read.
    fn deliver(&mut self, source: &str, from: &[(Way, Cursor)], events: Vec<StoredEvent>) -> Vec<Delivery> {
        let unchanged: Vec<_> = from
            .iter()
            .filter(|(way, read)| self.ways.get(way).is_some_and(|hold| hold.read == *read && !hold.leaving))
            .map(|(way, _)| *way)
            .collect();
        let mut deliveries = Vec::with_capacity(events.len());
        for StoredEvent { way, at, event } in events {
            if let Some(hold) = self.ways.get_mut(&way).filter(|_| unchanged.contains(&way)) {
                hold.read = at;
                let place = Place::Outbox { way, token: hold.token, at };
                deliveries.push(Delivery { event: Ok(Event::told(source, event)), place });
            }
        }
        deliveries
    }

    /// The furthest places of these deliveries, as far as they are still ours to confirm.
    fn confirmed(&self, deliveries: &[Delivery]) -> Vec<Held> {
        let mut furthest: HashMap<Way, Held> = HashMap::new();
        for delivery in deliveries {
            let Place::Outbox { way, token, at } = delivery.place else { continue };
            if self.ways.get(&way).is_some_and(|hold| hold.token == token) {
                let held = furthest.entry(way).or_insert(Held { way, token, at, leaving: false });
                held.at = held.at.max(at);
            }
        }
        furthest.into_values().collect()
    }

    /// Whether another waits for a way that is free by this.
    fn done(&mut self, done: &[Held]) -> bool {
        let mut waited_for = false;
        for held in done {
            if let Some(hold) = self.ways.get_mut(&held.way).filter(|hold| hold.token == held.token) {
                hold.done = hold.done.max(held.at);
                waited_for |= hold.leaving && hold.done >= hold.read;
            }
        }
        waited_for
    }
}

impl OutboxSubscription {
    pub(super) fn new(
        records: Arc<dyn Records>,
        settings: &Settings,
        group: &Group,
        topics: &[Topic],
    ) -> Self {
        let told = records.told();
        let member = Arc::new(Member {
            records,
            group: group.clone(),
            name: format!("{:032x}", rand::random::<u128>()),
            topics: topics.to_vec(),
            lease: Duration::from_millis(settings.lease_ms),
            asking: AsyncMutex::default(),
            share: Mutex::default(),
        });
        let heart = tokio::spawn(member.clone().beat()).abort_handle();
        let poll = Duration::from_millis(settings.poll_ms);
        Self { member, source: settings.source.clone(), poll, told, heart }
    }

    /// What there is now.
    async fn look(&self, most: usize) -> Stored<Vec<Delivery>> {
        if !self.member.share().holds() {
            self.member.hold().await?;
        }
        let places = self.member.share().places();
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        let mut events = self.member.records.events(&places, limit).await?;
        // The oldest first: so no way is behind for the others' sake.
        events.sort_by_key(|event| (event.at, event.way));
        events.truncate(most);
        Ok(self.member.share().deliver(&self.source, &places, events))
    }
}

#[async_trait]
impl Subscription for OutboxSubscription {
    async fn next(&mut self, most: usize, patience: Duration) -> Result<Vec<Delivery>, BusError> {
        let end = Instant::now() + patience;
        loop {
            // Whatever is told after this wakes the wait.
            self.told.mark_unchanged();
            let found = self.look(most).await?;
            let left = end.saturating_duration_since(Instant::now());
            if !found.is_empty() || left.is_zero() {
                return Ok(found);
            }
            // A time-out is as good a reason to look as a signal.
            let _ = tokio::time::timeout(self.poll.min(left), self.told.changed()).await;
        }
    }

    async fn confirm(&mut self, deliveries: &[Delivery]) -> Result<(), BusError> {
        let done = self.member.share().confirmed(deliveries);
        if done.is_empty() {
            return Ok(());
        }
        self.member.records.advance(&self.member.group, &done).await?;
        let waited_for = self.member.share().done(&done);
        // At once, for another waits for it; else with the next beat.
        if waited_for && let Err(error) = self.member.hold().await {
            tracing::debug!(group = %self.member.group, %error, "what another waits for was not given up yet");
        }
        Ok(())
    }

    async fn leave(self: Box<Self>) {
        self.heart.abort();
        let Member { records, group, name, .. } = &*self.member;
        if let Err(error) = records.leave(group, name).await {
            tracing::debug!(%group, %error, "the share of the events was not given back");
        }
    }
}

impl Drop for OutboxSubscription {
    fn drop(&mut self) {
        self.heart.abort();
    }
}
