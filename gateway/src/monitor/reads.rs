//! One educator who reads many learners.

use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash as _, Hasher as _},
};

use super::{
    Action, EntriesRecorded, Limit,
    alert::{READS, Raised, span},
    kept::Kept,
    settings::Settings,
    window::{Episode, Sum},
};
use crate::records::NewAlert;

/// The most events that are named as evidence.
const NAMED: usize = 20;

/// See [`super::ReadSettings`].
pub(super) struct Reads {
    limit: Limit,
    educators: Kept<Reader>,
}

/// Whom one educator has read within the span. It holds no more learners than the limit.
#[derive(Default)]
struct Reader {
    /// When each learner was read last, by a hash of their id.
    learners: HashMap<u64, i64>,
    newest: Option<i64>,
    /// The last events, and when.
    events: Vec<(i64, String)>,
    episode: Episode,
}

impl Reads {
    pub(super) fn new(settings: &Settings) -> Self {
        let limit = settings.limit(settings.reads.window_s, settings.reads.learners.into());
        Self { limit, educators: Kept::new(settings.remembered) }
    }

    pub(super) fn see(&mut self, event: &str, recorded: &EntriesRecorded, now: i64) -> Vec<NewAlert> {
        let limit = self.limit;
        if limit.most == 0 {
            return Vec::new();
        }
        let mut told = Vec::new();
        for entry in recorded.entries.iter().filter(|entry| entry.action == Action::Read) {
            let educator = entry.educator.as_str();
            let reader = self.educators.of(educator);
            let Some(sum) = reader.read(entry.learner.as_str(), entry.executed_at.min(now), event, limit)
            else {
                continue;
            };
            let detail =
                format!("{educator} read the records of {} learners within {}", sum.count, span(limit.span));
            let about = [("educator", educator), ("school", recorded.school.as_str())];
            let raised = Raised { kind: READS, about: &about, matter: "", rows: 0, detail };
            told.push(raised.resting_on(sum, limit));
        }
        told
    }
}

impl Reader {
    /// A learner was read; gives what was read within the span where that is too much and was not told.
    fn read(&mut self, learner: &str, at: i64, event: &str, limit: Limit) -> Option<Sum> {
        let newest = self.newest.map_or(at, |newest| newest.max(at));
        let begin = newest.saturating_sub(limit.span);
        if at <= begin {
            return None;
        }
        self.newest = Some(newest);
        let last = self.learners.entry(hash(learner)).or_insert(at);
        *last = at.max(*last);
        self.name(event, at);
        let most = usize::try_from(limit.most).unwrap_or(usize::MAX);
        if self.learners.len() >= most {
            self.learners.retain(|_, last| *last > begin);
        }
        let count = self.learners.len();
        if count > most {
            self.forget_oldest();
        }
        if !self.episode.is_news(count >= most, newest, limit) {
            return None;
        }
        let from = self.learners.values().copied().min().unwrap_or(newest);
        let within = self.events.iter().filter(|(at, _)| *at > begin);
        let events = within.map(|(_, event)| event.clone()).collect();
        Some(Sum { count: count as u64, from, until: newest, events, notes: Default::default() })
    }

    fn name(&mut self, event: &str, at: i64) {
        if self.events.iter().any(|(_, named)| named == event) {
            return;
        }
        if self.events.len() == NAMED {
            self.events.remove(0);
        }
        self.events.push((at, event.to_owned()));
    }

    fn forget_oldest(&mut self) {
        let oldest = self.learners.iter().min_by_key(|(_, last)| **last).map(|(learner, _)| *learner);
        if let Some(oldest) = oldest {
            self.learners.remove(&oldest);
        }
    }
}

/// The same for the same text in every process.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: Limit = Limit { span: 100, most: 10, again: 1_000_000 };

    proptest! {
        #[test]
        fn a_reader_of_many_is_told_and_memory_is_bounded(
            reads in prop::collection::vec((0_u8..40, 0_i64..100), 0..300)
        ) {
            let mut reader = Reader::default();
            let mut told = 0;
            for (learner, at) in &reads {
                told += usize::from(reader.read(&learner.to_string(), *at, &at.to_string(), LIMIT).is_some());
                prop_assert!(reader.learners.len() <= 10 && reader.events.len() <= NAMED);
            }
            let different: std::collections::BTreeSet<_> = reads.iter().map(|(learner, _)| learner).collect();
            prop_assert_eq!(told, usize::from(different.len() >= 10), "whatever their order within the span");
        }
    }
}
