//! How much happened to one key within a span of time, and whether that is news.

use std::collections::{BTreeMap, VecDeque};

/// A span is counted in so many parts: it slides by one of them.
const SLOTS: i64 = 60;
/// The most events that are named as evidence.
const NAMED: usize = 20;

/// When it is too much. Times are in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// Within this span
    pub(super) span: i64,
    /// so much is too much; 0: nothing is.
    pub(super) most: u64,
    /// What goes on so long is told again.
    pub(super) again: i64,
}

/// Something that happened.
#[derive(Clone, Copy)]
pub(super) struct Mark<'a> {
    pub(super) at: i64,
    /// How much of it.
    pub(super) weight: u64,
    /// The event's id.
    pub(super) event: &'a str,
    /// Of what kind it was.
    pub(super) note: &'a str,
}

/// What a window holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    /// How much.
    pub(super) count: u64,
    /// The first of it.
    pub(super) from: i64,
    /// The last of it.
    pub(super) until: i64,
    /// The ids of the last events of it.
    pub(super) events: Vec<String>,
    /// How many of these are of which kind.
    pub(super) notes: BTreeMap<String, u64>,
}

/// What happened to one key within the span before the last of it, and the episode. Its size is bounded by constants.
#[derive(Default)]
pub(super) struct Window {
    /// By time.
    slots: VecDeque<Slot>,
    newest: Option<i64>,
    named: VecDeque<Named>,
    episode: Episode,
}

struct Slot {
    number: i64,
    first: i64,
    weight: u64,
}

struct Named {
    at: i64,
    event: String,
    note: String,
}

impl Window {
    /// Counts it; gives what the window holds where that is too much and was not told. The order of what happened
    /// within one span makes no difference to whether it is told. What is older than the span is passed over.
    pub(super) fn count(&mut self, mark: Mark<'_>, limit: Limit) -> Option<Sum> {
        if limit.most == 0 {
            return None;
        }
        let width = (limit.span / SLOTS).max(1);
        let newest = self.newest.map_or(mark.at, |newest| newest.max(mark.at));
        let (number, last) = (mark.at.div_euclid(width), newest.div_euclid(width));
        if number <= last.saturating_sub(SLOTS) {
            return None;
        }
        self.newest = Some(newest);
        self.slots.retain(|slot| slot.number > last.saturating_sub(SLOTS));
        self.put(number, mark);
        self.name(mark);
        let count = self.slots.iter().fold(0_u64, |sum, slot| sum.saturating_add(slot.weight));
        self.episode.is_news(count >= limit.most, newest, limit).then(|| self.sum(count, newest))
    }

    fn put(&mut self, number: i64, mark: Mark<'_>) {
        match self.slots.binary_search_by_key(&number, |slot| slot.number) {
            Ok(place) => {
                let slot = &mut self.slots[place];
                slot.weight = slot.weight.saturating_add(mark.weight);
                slot.first = slot.first.min(mark.at);
            }
            Err(place) => self.slots.insert(place, Slot { number, first: mark.at, weight: mark.weight }),
        }
    }

    fn name(&mut self, mark: Mark<'_>) {
        if self.named.iter().any(|named| named.event == mark.event) {
            return;
        }
        if self.named.len() == NAMED {
            self.named.pop_front();
        }
        self.named.push_back(Named { at: mark.at, event: mark.event.to_owned(), note: mark.note.to_owned() });
    }

    fn sum(&self, count: u64, until: i64) -> Sum {
        let from = self.slots.front().map_or(until, |slot| slot.first);
        let within = || self.named.iter().filter(|named| named.at >= from);
        let mut notes = BTreeMap::new();
        for named in within() {
            *notes.entry(named.note.clone()).or_default() += 1;
        }
        Sum { count, from, until, events: within().map(|named| named.event.clone()).collect(), notes }
    }
}

/// Something that is too much for a while. It is told when it begins, and not again until it is over, unless it goes on
/// for long. It is over when it was not too much for a whole span.
#[derive(Default)]
pub(super) struct Episode {
    told: Option<i64>,
    /// When it was too much last.
    last: i64,
}

impl Episode {
    /// Whether it is to be told now.
    pub(super) fn is_news(&mut self, too_much: bool, now: i64, limit: Limit) -> bool {
        if self.told.is_some() && now.saturating_sub(self.last) > limit.span {
            self.told = None;
        }
        if !too_much {
            return false;
        }
        self.last = self.last.max(now);
        let news = self.told.is_none_or(|told| now.saturating_sub(told) >= limit.again);
        if news {
            self.told = Some(now);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use proptest::prelude::*;

    use super::*;

    const LIMIT: Limit = Limit { span: 600, most: 5, again: 10_000 };

    fn told(window: &mut Window, times: &[i64]) -> Vec<Sum> {
        let ids: Vec<_> = (0..times.len()).map(|number| number.to_string()).collect();
        let marks = times.iter().zip(&ids).map(|(at, event)| Mark { at: *at, weight: 1, event, note: "x" });
        marks.filter_map(|mark| window.count(mark, LIMIT)).collect()
    }

    #[test]
    fn an_episode_is_told_once_and_a_new_one_again() {
        let mut window = Window::default();
        let found = told(&mut window, &[0, 10, 20, 30, 40, 50, 60, 70, 400, 410, 420, 430, 440]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].count, found[0].from, found[0].until), (5, 0, 40));
        assert_eq!((found[0].events.len(), found[0].notes["x"]), (5, 5));
        assert_eq!(told(&mut window, &[2_000, 2_001, 2_002, 2_003]), [], "fewer, after it was over");
        let again = told(&mut window, &[2_004]);
        assert_eq!((again.len(), again[0].from), (1, 2_000), "a new episode");
    }

    #[test]
    fn what_goes_on_for_long_is_told_again() {
        let times: Vec<_> = (0..250).map(|step| step * 100).collect();
        let at: Vec<_> = told(&mut Window::default(), &times).iter().map(|sum| sum.until).collect();
        assert_eq!(at, [400, 10_400, 20_400]);
    }

    proptest! {
        #[test]
        fn within_a_span_the_order_makes_no_difference(
            times in prop::collection::vec(0_i64..590, 0..12), seed in any::<prop::sample::Index>()
        ) {
            let mut turned = times.clone();
            turned.reverse();
            if !turned.is_empty() {
                let by = seed.index(turned.len());
                turned.rotate_left(by);
            }
            let (one, other) = (told(&mut Window::default(), &times), told(&mut Window::default(), &turned));
            prop_assert_eq!(one.len(), usize::from(times.len() >= 5));
            prop_assert_eq!(one.len(), other.len());
        }

        #[test]
        fn it_tells_no_window_that_is_not_there(mut times in prop::collection::vec(0_i64..20_000, 0..200)) {
            let found = told(&mut Window::default(), &times);
            times.sort_unstable();
            let fullest = times.iter().map(|end| times.iter().filter(|at| (end - 600..=*end).contains(at)).count());
            prop_assert!(found.is_empty() || fullest.max().unwrap_or_default() >= 5);
        }

        #[test]
        fn it_is_bounded_whatever_comes(
            wild in prop::collection::vec(any::<i64>(), 0..10), steps in prop::collection::vec(-600_i64..700, 0..500)
        ) {
            let mut window = Window::default();
            let walk = steps.into_iter().scan(0, |at, step| {
                *at += step;
                Some(*at)
            });
            for (number, at) in walk.chain(wild).enumerate() {
                let event = number.to_string();
                let _ = window.count(Mark { at, weight: u64::MAX, event: &event, note: "x" }, LIMIT);
                prop_assert!(window.slots.len() <= SLOTS as usize && window.named.len() <= NAMED);
            }
        }
    }
}
