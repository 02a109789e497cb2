//! Events that could not be handled and were put aside.

use super::{
    DeadLetterTold, Limit,
    alert::{DEAD, Raised},
    kept::Kept,
    settings::Settings,
    window::{Mark, Window},
};
use crate::records::NewAlert;

/// See [`super::DeadLetterSettings`].
pub(super) struct Dead {
    limit: Limit,
    groups: Kept<Window>,
}

impl Dead {
    pub(super) fn new(settings: &Settings) -> Self {
        let window_s = settings.dead_letters.window_s;
        let limit = settings.limit(window_s, u64::from(window_s > 0));
        Self { limit, groups: Kept::new(settings.remembered) }
    }

    /// Its time is that of the event which tells of it.
    pub(super) fn see(&mut self, event: &str, letter: &DeadLetterTold, at: i64) -> Option<NewAlert> {
        // Somebody has looked at it.
        if letter.discarded.is_some() {
            return None;
        }
        let DeadLetterTold { group, event: which, topic, reason, .. } = letter;
        let mark = Mark { at, weight: 1, event, note: "" };
        let sum = self.groups.of(group).count(mark, self.limit)?;
        let detail = format!("{group} could not handle {which} of {topic}, and put it aside: {reason}");
        let about = [("group", group.as_str())];
        let raised = Raised { kind: DEAD, about: &about, matter: "", rows: 0, detail };
        Some(raised.resting_on(sum, self.limit))
    }
}
