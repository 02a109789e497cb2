//! Groups of consumers that are behind.

use std::collections::BTreeMap;

use super::{
    Group, Lag, Limit, SECOND,
    alert::{LAG, Raised},
    kept::Kept,
    settings::Settings,
    window::{Episode, Sum},
};
use crate::records::NewAlert;

/// See [`super::LagSettings`].
pub(super) struct Behind {
    /// How old the oldest event may be, and how many there may be.
    older: Option<i64>,
    events: u64,
    limit: Limit,
    groups: Kept<Episode>,
}

impl Behind {
    pub(super) fn new(settings: &Settings) -> Self {
        let older_s = settings.lag.older_s;
        // One that goes up and down around its limit is told once.
        let limit = settings.limit(older_s.max(60), 1);
        Self {
            older: (older_s > 0).then_some(i64::from(older_s) * SECOND),
            events: settings.lag.events,
            limit,
            groups: Kept::new(settings.remembered),
        }
    }

    pub(super) fn see(&mut self, group: &Group, lag: &Lag, now: i64) -> Option<NewAlert> {
        let Lag { topic, events: behind, oldest } = lag;
        let oldest = oldest.filter(|_| *behind > 0);
        let age = oldest.map_or(0, |oldest| now.saturating_sub(oldest).max(0));
        let too_old = self.older.is_some_and(|older| oldest.is_some() && age >= older);
        let too_many = self.events > 0 && *behind >= self.events;
        if !self.groups.of(&format!("{group} {topic}")).is_news(too_old || too_many, now, self.limit) {
            return None;
        }
        let since = match oldest {
            Some(_) => format!(", the oldest of them for {} s", age / SECOND),
            None => String::new(),
        };
        let detail = format!("{group} has not confirmed {behind} events of {topic}{since}");
        let from = oldest.unwrap_or(now);
        let sum = Sum { count: *behind, from, until: now, events: Vec::new(), notes: BTreeMap::new() };
        let about = [("group", group.as_str()), ("topic", topic.name())];
        Some(Raised { kind: LAG, about: &about, matter: "", rows: 0, detail }.resting_on(sum, self.limit))
    }
}
