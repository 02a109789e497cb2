//! An ordinary school year: the real one's learners, marks and absences, at the hours at which schools work.
//!
//! The registrar takes up the whole school in one morning; teachers enter the marks of their classes in the afternoon or
//! evening, some late, some on a Saturday; reports are read class by class, and by the head of school all in one hour; a
//! day's absences come in its first lesson; parents sign consents from the school's one address, some of them wrongly.

use std::path::PathBuf;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::*;

/// The school, and how many learners are in one class.
const SCHOOL: &str = "GP";
const CLASS: usize = 30;
/// How many classes one teacher has.
const CLASSES: usize = 5;
/// How many entries a batch holds.
const BATCH: usize = 40;
/// On which day of the year each term's marks are entered.
const TERMS: [i64; 3] = [60, 150, 270];

/// The file: from `SILLOK_TEST_DATA`, or beside the workspace. Gives the learners' absences.
fn absences() -> Option<Vec<usize>> {
    let beside =
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/student-por-GP.csv"));
    let file = std::env::var_os("SILLOK_TEST_DATA").map_or_else(beside, PathBuf::from);
    if !file.exists() {
        eprintln!("skipped: {} is not there; SILLOK_TEST_DATA may name another", file.display());
        return None;
    }
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines().map(|line| line.split(';').map(|field| field.trim_matches('"')));
    let column = lines.next().unwrap().position(|field| field == "absences").unwrap();
    Some(lines.map(|mut fields| fields.nth(column).unwrap().parse().unwrap()).collect())
}

/// What happens in the year, to be put in order.
struct Year {
    draw: StdRng,
    entries: Vec<RecordedEntry>,
    signatures: Vec<SignatureVerified>,
}

impl Year {
    fn of(absences: &[usize]) -> Self {
        let mut year =
            Self { draw: StdRng::seed_from_u64(2026), entries: Vec::new(), signatures: Vec::new() };
        year.begins(absences.len());
        for day in TERMS {
            year.term(day, absences.len());
        }
        year.absences(absences);
        year.consents(absences.len());
        year.ends(absences.len());
        year
    }

    fn does(&mut self, educator: &str, learner: usize, action: Action, at: i64) {
        self.entries.push(entry(educator, &format!("L-{learner}"), action, at));
    }

    /// Who they are, enrolment, absences opened: the registrar, in one morning, one learner every 20 seconds.
    fn begins(&mut self, learners: usize) {
        for learner in 0..learners {
            let at = MONDAY + 8 * HOUR + learner as i64 * 20 * SECOND;
            for step in 0..3 {
                self.does("registrar", learner, Action::Inserted, at + step * SECOND);
            }
        }
    }

    /// Marks by the teachers within a week; reports read; all marks confirmed by the registrar, as fast as it goes.
    fn term(&mut self, day: i64, learners: usize) {
        for first in (0..learners).step_by(CLASS) {
            let class = first / CLASS;
            let teacher = format!("T-{}", class / CLASSES);
            // Afternoons, evenings until 22:40, a Saturday.
            let begin = MONDAY + (day + self.draw.random_range(0..6)) * DAY;
            let begin = begin + self.draw.random_range(13 * 60..22 * 60 + 20) * MINUTE;
            let read = MONDAY + (day + 9) * DAY + (14 * 60 + class as i64 * 5) * MINUTE;
            for (seat, learner) in (first..learners.min(first + CLASS)).enumerate() {
                let at = begin + seat as i64 * 40 * SECOND;
                self.does(&teacher, learner, Action::Inserted, at);
                if self.draw.random_range(0..20) == 0 {
                    self.does(&teacher, learner, Action::Changed, at + 20 * SECOND);
                }
                self.does(&format!("H-{class}"), learner, Action::Read, read + seat as i64 * SECOND);
            }
        }
        for learner in 0..learners {
            let read = MONDAY + (day + 10) * DAY + 9 * HOUR + learner as i64 * 8 * SECOND;
            self.does("head", learner, Action::Read, read);
            let confirmed = MONDAY + (day + 14) * DAY + 16 * HOUR + learner as i64 * SECOND;
            self.does("registrar", learner, Action::Changed, confirmed);
        }
    }

    /// Each absence in the first lesson of a day of the week, by the class's own teacher.
    fn absences(&mut self, absences: &[usize]) {
        for (learner, days) in absences.iter().enumerate() {
            for _ in 0..*days {
                let (week, day) = (self.draw.random_range(0..40), self.draw.random_range(0..5));
                let at = MONDAY + (week * 7 + day) * DAY + 9 * HOUR + learner as i64 % 30 * 10 * SECOND;
                self.does(&format!("H-{}", learner / CLASS), learner, Action::Changed, at);
            }
        }
    }

    /// A consent of every parent within two days of the spring; one in twenty is signed wrongly at first.
    fn consents(&mut self, learners: usize) {
        for learner in 0..learners {
            let signer = format!("parent-{learner}");
            let at = MONDAY + (30 + learner as i64 % 2) * DAY + 17 * HOUR + learner as i64 * 30 * SECOND;
            let mut sign = |at, code: Option<&str>| {
                let signature = signature(self.signatures.len(), &signer, "10.1.0.1", at);
                self.signatures.push(match code {
                    Some(code) => failed(signature, code),
                    None => signature,
                });
            };
            if learner % 20 == 0 {
                sign(at, Some("document.digest_mismatch"));
            }
            sign(at + MINUTE, None);
        }
    }

    /// The absences of the year, by the registrar in an hour.
    fn ends(&mut self, learners: usize) {
        for learner in 0..learners {
            let at = MONDAY + 300 * DAY + 15 * HOUR + learner as i64 * 8 * SECOND;
            self.does("registrar", learner, Action::Changed, at);
        }
    }

    /// As the events of it come: batches of what was executed one after the other, in between the signatures.
    fn events(mut self) -> Vec<Seen> {
        self.entries.sort_by_key(|entry| entry.executed_at);
        let batches = self.entries.chunks(BATCH).zip(1..).map(|(entries, sequence)| {
            let last = entries.last().unwrap().executed_at;
            (last + 2 * SECOND, batch(SCHOOL, sequence, entries.to_vec()))
        });
        let signatures =
            self.signatures.into_iter().map(|signature| (signature.verified_at, verified(signature)));
        let mut events: Vec<_> = batches.chain(signatures).collect();
        events.sort_by_key(|(at, _)| *at);
        events.into_iter().map(|(_, event)| event).collect()
    }
}

#[test]
fn an_ordinary_school_year_is_silent() {
    let Some(absences) = absences() else { return };
    let year = Year::of(&absences);
    let learners = absences.len();
    assert!(year.entries.len() > learners * 13, "{} entries", year.entries.len());
    assert_eq!(raised(&Settings::default(), &year.events()), []);
}

/// What is out of the ordinary is told, also amid everything else; so the year's silence says something.
#[test]
fn what_is_put_into_the_year_is_told_and_nothing_else() {
    let Some(absences) = absences() else { return };
    let learners = absences.len();
    type Cause = fn(&mut Year, usize);
    let causes: [(&[&str], Cause); 4] = [
        (&[HOURS], |year, _| year.does("T-1", 7, Action::Changed, MONDAY + 63 * DAY + 3 * HOUR)),
        (&[BURST], |year, learners| {
            for step in 0..2 * learners {
                let at = MONDAY + 100 * DAY + 11 * HOUR + step as i64 * SECOND / 4;
                year.does("T-1", step % learners, Action::Changed, at);
            }
        }),
        (&[READS], |year, learners| {
            for learner in 0..learners + 80 {
                let at = MONDAY + 100 * DAY + 11 * HOUR + learner as i64 * 5 * SECOND;
                year.does("T-1", learner, Action::Read, at);
            }
        }),
        (&[FAILING, REVOKED], |year, _| {
            for step in 0..6 {
                let at = MONDAY + 100 * DAY + 11 * HOUR + step * MINUTE;
                let forged = signature(year.signatures.len(), "parent-3", "10.9.0.9", at);
                let revoked_since = Some(MONDAY + 99 * DAY);
                let forged = SignatureVerified { revoked_since, ..failed(forged, "signer.revoked") };
                year.signatures.push(forged);
            }
        }),
    ];
    for (expected, cause) in causes {
        let mut year = Year::of(&absences);
        cause(&mut year, learners);
        let mut told = kinds(&year.events());
        told.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(told, expected);
    }
}

/// The whole year within a minute, as a demonstration plays it: at the ledger's speed, each class by its own teacher.
#[test]
fn a_year_that_is_played_in_a_minute_is_silent() {
    let Some(absences) = absences() else { return };
    let mut year = Year::of(&[]);
    for (learner, step) in (0..absences.len()).flat_map(|learner| (0..11).map(move |step| (learner, step))) {
        let action =
            [Action::Inserted, Action::Read, Action::Inserted, Action::Inserted, Action::Changed][step % 5];
        year.does(
            &format!("T-{}", learner / CLASS),
            learner,
            action,
            TEN + (learner * 11 + step) as i64 * 10_000,
        );
    }
    assert_eq!(raised(&Settings::default(), &year.events()), []);
}
