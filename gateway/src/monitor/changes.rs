//! Bursts of changes, of an educator and of a school.

use super::{
    Action, EntriesRecorded, Limit, RecordedEntry,
    alert::{BURST, Raised, span},
    kept::Kept,
    settings::{ChangeSettings, Settings},
    window::{Mark, Window},
};
use crate::records::NewAlert;

/// What one educator, or one school, does.
#[derive(Default)]
struct Changes {
    overwrites: Window,
    writes: Window,
}

/// See [`ChangeSettings`].
pub(super) struct Bursts {
    educator: [Limit; 2],
    school: [Limit; 2],
    educators: Kept<Changes>,
    schools: Kept<Changes>,
}

impl Bursts {
    pub(super) fn new(settings: &Settings) -> Self {
        let ChangeSettings {
            window_s,
            educator_overwrites,
            school_overwrites,
            educator_writes,
            school_writes,
        } = settings.changes;
        let limits = |overwrites, writes| [overwrites, writes].map(|most| settings.limit(window_s, most));
        Self {
            educator: limits(educator_overwrites, educator_writes),
            school: limits(school_overwrites, school_writes),
            educators: Kept::new(settings.remembered),
            schools: Kept::new(settings.remembered),
        }
    }

    pub(super) fn see(&mut self, event: &str, recorded: &EntriesRecorded, now: i64) -> Vec<NewAlert> {
        let school = recorded.school.as_str();
        let mut told = Vec::new();
        for entry in &recorded.entries {
            let overwrites = match entry.action {
                Action::Read | Action::Adopted => continue,
                Action::Inserted => false,
                Action::Changed | Action::Deleted => true,
            };
            let mark = Mark { at: entry.executed_at.min(now), weight: entry.count(), event, note: "" };
            let about = [("educator", entry.educator.as_str()), ("school", school)];
            told.extend(self.educators.of(&by(entry)).see(mark, overwrites, self.educator, &about));
            told.extend(self.schools.of(school).see(mark, overwrites, self.school, &about[1..]));
        }
        told
    }
}

fn by(entry: &RecordedEntry) -> String {
    entry.educator.to_string()
}

impl Changes {
    fn see(
        &mut self,
        mark: Mark<'_>,
        overwrites: bool,
        [of_overwrites, of_writes]: [Limit; 2],
        about: super::alert::About<'_>,
    ) -> impl Iterator<Item = NewAlert> {
        let overwritten = overwrites.then(|| self.overwrites.count(mark, of_overwrites)).flatten();
        let written = self.writes.count(mark, of_writes);
        let alert = |sum: super::window::Sum, matter, limit: Limit| {
            let (what, who) = about[0];
            let detail =
                format!("{} rows were {matter} by {what} {who} within {}", sum.count, span(limit.span));
            Raised { kind: BURST, about, matter, rows: sum.count, detail }.resting_on(sum, limit)
        };
        let overwritten = overwritten.map(|sum| alert(sum, "overwritten or deleted", of_overwrites));
        let written = written.map(|sum| alert(sum, "written", of_writes));
        overwritten.into_iter().chain(written)
    }
}
