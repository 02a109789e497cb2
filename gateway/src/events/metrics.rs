//! What the operator can watch of events. Names end in their unit.

use metrics::{counter, describe_counter, describe_gauge, gauge};

use super::{Group, Lag, Topic};
use crate::{clock, records::LetterCount};

const LAG: &str = "sillok_events_lag";
const LAG_SECONDS: &str = "sillok_events_lag_seconds";
const HANDLED: &str = "sillok_events_handled_total";
const RETRIES: &str = "sillok_events_retries_total";
const DEAD: &str = "sillok_events_dead_letters_total";
const LETTERS: &str = "sillok_events_dead_letters";

/// Says what each is, to the recorder that is installed.
pub(crate) fn describe() {
    describe_gauge!(LAG, "Events that a group has not handled, by topic");
    describe_gauge!(LAG_SECONDS, "How old the oldest event is that a group has not handled, by topic");
    describe_counter!(HANDLED, "Events handled, by group");
    describe_counter!(RETRIES, "Attempts to handle events that failed and were made again, by group");
    describe_counter!(DEAD, "Events put aside because they cannot be handled, by group and topic");
    describe_gauge!(
        LETTERS,
        "Dead letters that wait for somebody to replay or discard them, by group and topic"
    );
}

/// How far a group is behind.
pub(super) fn lag(group: &Group, lag: &Lag) {
    let labels = [("group", group.to_string()), ("topic", lag.topic.to_string())];
    gauge!(LAG, &labels).set(lag.events as f64);
    let age = lag.oldest.filter(|_| lag.events > 0).map_or(0, |oldest| clock::now().saturating_sub(oldest));
    gauge!(LAG_SECONDS, &labels).set(age.max(0) as f64 / 1e6);
}

/// A group has handled so many events.
pub(super) fn handled(group: &Group, events: usize) {
    counter!(HANDLED, "group" => group.to_string()).increment(events as u64);
}

/// An attempt failed and is made again.
pub(super) fn retried(group: &Group) {
    counter!(RETRIES, "group" => group.to_string()).increment(1);
}

/// An event was put aside.
pub(super) fn dead(group: &Group, topic: Topic) {
    counter!(DEAD, "group" => group.to_string(), "topic" => topic.name()).increment(1);
}

/// There are so many dead letters.
pub(super) fn letters(count: &LetterCount) {
    let labels = [("group", count.group.to_string()), ("topic", count.topic.to_string())];
    gauge!(LETTERS, &labels).set(count.letters as f64);
}
