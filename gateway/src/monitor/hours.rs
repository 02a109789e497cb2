//! Use outside of a person's hours.
//!
//! What is inside of ordinary time costs no memory: only who works outside of it is remembered.

use std::collections::BTreeMap;

use super::{
    EntriesRecorded, Limit, SECOND, SignatureVerified,
    alert::{About, HOURS, Raised},
    kept::Kept,
    settings::{HoursSettings, Settings},
    window::Sum,
};
use crate::records::{Finding, NewAlert};

const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// See [`HoursSettings`].
pub(super) struct Hours {
    settings: HoursSettings,
    people: Kept<Habits>,
}

/// The days on which somebody worked in an hour outside of ordinary time: of each hour the last few.
#[derive(Default)]
struct Habits {
    days: BTreeMap<Slot, Vec<i64>>,
    /// The last day on which it was told.
    told: Option<i64>,
}

/// An hour of a working day, or of one at a weekend where that is another thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    weekend: bool,
    hour: u8,
}

/// A moment by the office's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    /// The day it counts to: a day begins with ordinary time, so that a night is one day's.
    day: i64,
    slot: Slot,
    minute: u8,
}

impl Hours {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { settings: settings.hours.clone(), people: Kept::new(settings.remembered) }
    }

    /// What was recorded, by the times at which it was executed.
    pub(super) fn entries(&mut self, event: &str, recorded: &EntriesRecorded, now: i64) -> Vec<NewAlert> {
        let mut told = Vec::new();
        for entry in &recorded.entries {
            let about = [("educator", entry.educator.as_str()), ("school", recorded.school.as_str())];
            told.extend(self.see(event, &about, entry.executed_at.min(now)));
        }
        told
    }

    /// A signature, by the time at which it was handed in. What does not verify is nobody's use.
    pub(super) fn signature(
        &mut self,
        event: &str,
        verified: &SignatureVerified,
        now: i64,
    ) -> Option<NewAlert> {
        let about = [("signer", verified.signer.as_str())];
        let valid = verified.failure.is_none();
        valid.then(|| self.see(event, &about, verified.received_at.min(now))).flatten()
    }

    /// What was told before is what was learned: each first use of a day outside of ordinary time, until the hours were
    /// known.
    pub(super) fn recall(&mut self, finding: &Finding) {
        let key = finding.key.as_ref();
        let who = ["educator", "signer"].iter().find_map(|what| key?.get(*what)?.as_str());
        if let (HOURS, Some(who), Some(evidence)) = (finding.kind.as_str(), who, &finding.evidence) {
            let moment = Moment::of(evidence.from, &self.settings);
            let habits = self.people.of(who);
            habits.learn(moment, &self.settings);
            habits.told = habits.told.max(Some(moment.day));
        }
    }

    fn see(&mut self, event: &str, about: About<'_>, at: i64) -> Option<NewAlert> {
        let HoursSettings { from_hour, to_hour, .. } = self.settings;
        let moment = Moment::of(at, &self.settings);
        if is_ordinary(moment.slot, &self.settings) {
            return None;
        }
        let (_, who) = about[0];
        let habits = self.people.of(who);
        let theirs = habits.are(moment, &self.settings);
        habits.learn(moment, &self.settings);
        // Hours later may have come to be known first.
        if theirs || habits.told.is_some_and(|told| told >= moment.day) {
            return None;
        }
        habits.told = Some(moment.day);
        let weekend = if moment.slot.weekend { ", at a weekend" } else { "" };
        let detail = format!(
            "{who} was at work at {:02}:{:02}{weekend}: outside of {from_hour:02}:00 to {to_hour:02}:00, and these are not \
             hours that they are known to work at",
            moment.slot.hour, moment.minute
        );
        let sum =
            Sum { count: 1, from: at, until: at, events: vec![event.to_owned()], notes: BTreeMap::new() };
        // One a day: its number is in the fingerprint.
        let day = Limit { span: DAY, most: 1, again: DAY };
        let mut alert = Raised { kind: HOURS, about, matter: "", rows: 0, detail }.resting_on(sum, day);
        alert.fingerprint = format!("monitor:{HOURS}:{who}:{}", moment.day);
        Some(alert)
    }
}

fn is_ordinary(slot: Slot, settings: &HoursSettings) -> bool {
    let HoursSettings { from_hour, to_hour, .. } = settings;
    let always = (*from_hour, *to_hour) == (0, 24);
    always || (!slot.weekend && (*from_hour..*to_hour).contains(&slot.hour))
}

impl Moment {
    fn of(at: i64, settings: &HoursSettings) -> Self {
        let local = at.saturating_add(i64::from(settings.offset_minutes) * 60 * SECOND);
        let date = local.div_euclid(DAY);
        let of_day = local.rem_euclid(DAY);
        let hour = (of_day / HOUR) as u8;
        // The Unix epoch was a Thursday; 5 and 6 are Saturday and Sunday.
        let weekend = !settings.weekend && (date + 3).rem_euclid(7) >= 5;
        let day = if hour < settings.from_hour { date - 1 } else { date };
        Self { day, slot: Slot { weekend, hour }, minute: (of_day % HOUR / (60 * SECOND)) as u8 }
    }
}

impl Habits {
    /// Whether the person is known to work at this hour, or next to it.
    fn are(&self, moment: Moment, settings: &HoursSettings) -> bool {
        let since = moment.day - i64::from(settings.remember_days);
        let mut days: Vec<_> =
            moment.slot.around().filter_map(|slot| self.days.get(&slot)).flatten().collect();
        days.retain(|day| (since..moment.day).contains(day));
        days.sort_unstable();
        days.dedup();
        settings.learn_days > 0 && days.len() >= usize::from(settings.learn_days)
    }

    fn learn(&mut self, moment: Moment, settings: &HoursSettings) {
        let days = self.days.entry(moment.slot).or_default();
        if let Err(place) = days.binary_search(&moment.day) {
            days.insert(place, moment.day);
            // Today is not an earlier day, so one more than are needed.
            if days.len() > usize::from(settings.learn_days) + 1 {
                days.remove(0);
            }
        }
    }
}

impl Slot {
    fn around(self) -> impl Iterator<Item = Self> {
        [23, 0, 1].into_iter().map(move |by| Self { hour: (self.hour + by) % 24, ..self })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Monday, 2 March 2026, 00:00 in Korea.
    const MONDAY: i64 = 1_772_377_200 * SECOND;

    fn at(day: i64, hour: i64, minute: i64) -> i64 {
        MONDAY + day * DAY + hour * HOUR + minute * 60 * SECOND
    }

    fn told(settings: HoursSettings, times: &[i64]) -> Vec<bool> {
        let mut hours = Hours::new(&Settings { hours: settings, ..Settings::default() });
        times.iter().map(|at| hours.see("e", &[("educator", "E")], *at).is_some()).collect()
    }

    #[test]
    fn a_night_is_told_once_and_an_evening_never() {
        let night = [at(0, 8, 0), at(0, 22, 59), at(0, 23, 0), at(1, 2, 10), at(1, 5, 59), at(1, 6, 0)];
        assert_eq!(told(HoursSettings::default(), &night), [false, false, true, false, false, false]);
        let weekend = [at(5, 15, 0), at(6, 10, 0)];
        assert_eq!(told(HoursSettings::default(), &weekend), [false, false]);
        let strict = HoursSettings { weekend: false, ..HoursSettings::default() };
        assert_eq!(told(strict, &weekend), [true, true]);
        let off = HoursSettings { from_hour: 0, to_hour: 24, weekend: false, ..HoursSettings::default() };
        assert_eq!(told(off, &[at(5, 3, 0), at(0, 3, 0)]), [false, false]);
    }

    #[test]
    fn hours_become_theirs_and_are_forgotten() {
        let nights: Vec<_> = (0..6).map(|day| at(day, 2, 30)).collect();
        assert_eq!(told(HoursSettings::default(), &nights), [true, true, true, false, false, false]);
        let near: Vec<_> = nights.iter().copied().chain([at(6, 3, 10), at(7, 4, 30)]).collect();
        assert_eq!(told(HoursSettings::default(), &near)[6..], [false, true], "an hour beside it, and two");
        let later: Vec<_> = nights.iter().copied().chain([at(90, 2, 30)]).collect();
        assert_eq!(told(HoursSettings::default(), &later)[6..], [true], "after a quarter of a year");
        let never = HoursSettings { learn_days: 0, ..HoursSettings::default() };
        assert_eq!(told(never, &nights), [true; 6]);
    }

    proptest! {
        #[test]
        fn habits_are_bounded(times in prop::collection::vec(any::<i64>(), 0..2_000)) {
            let settings = HoursSettings { weekend: false, ..HoursSettings::default() };
            let mut habits = Habits::default();
            for at in times {
                habits.learn(Moment::of(at, &settings), &settings);
            }
            prop_assert!(habits.days.len() <= 48 && habits.days.values().all(|days| days.len() <= 4));
        }
    }
}
