//! The statements: marks entered, corrected and read, each about one learner, each by its key. None of them grows with
//! what was entered before.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use sillok_contract::id::LearnerId;

use crate::keys::Asked;

/// The year and term that everything is about.
const YEAR: u16 = 2026;
const TERM: u16 = 1;

const ENTER: &str = "INSERT INTO grades (year, term, subject, score) VALUES ($1, $2, $3, $4)";
const CORRECT: &str =
    "UPDATE grades SET score = $1, confirmed = true WHERE year = $2 AND term = $3 AND subject = $4";
const READ: &str =
    "SELECT subject, score, confirmed FROM grades WHERE year = $1 AND term = $2 AND subject = $3";

/// Makes statements in the wanted proportion. One a database: what it enters, it enters once.
#[derive(Debug)]
pub(super) struct Workload {
    reads: u32,
    next: AtomicU64,
}

impl Workload {
    /// So many of a hundred statements are SELECTs; of the others half enter and half correct.
    pub(super) fn new(reads: u32) -> Self {
        Self { reads, next: AtomicU64::new(0) }
    }

    /// The mark that a caller later corrects and reads: entered before anything is measured.
    pub(super) fn base(learner: &LearnerId, caller: usize) -> Asked {
        ask(learner, ENTER, vec![json!(YEAR), json!(TERM), json!(Self::subject_of(caller)), json!(50)])
    }

    /// The subject that a caller corrects and reads.
    pub(super) fn subject_of(caller: usize) -> String {
        format!("c{caller}")
    }

    /// Where in the class the next request begins.
    pub(super) fn seat(&self) -> usize {
        spread(self.next.load(Ordering::Relaxed)) as usize
    }

    /// The next statement of a caller about a learner.
    pub(super) fn next(&self, learner: &LearnerId, caller: usize) -> Asked {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (draw, score) = (spread(number), json!(number % 101));
        if draw % 100 < u64::from(self.reads) {
            ask(learner, READ, vec![json!(YEAR), json!(TERM), json!(Self::subject_of(caller))])
        } else if draw / 100 % 2 == 0 {
            ask(learner, ENTER, vec![json!(YEAR), json!(TERM), json!(format!("n{number}")), score])
        } else {
            ask(learner, CORRECT, vec![score, json!(YEAR), json!(TERM), json!(Self::subject_of(caller))])
        }
    }
}

fn ask(learner: &LearnerId, sql: &str, params: Vec<serde_json::Value>) -> Asked {
    Asked { learner: learner.clone(), sql: sql.to_owned(), params }
}

/// Numbers that follow each other, spread as if by chance and the same in every run: the finaliser of SplitMix64
/// (Steele, Lea and Flood, 2014).
fn spread(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use std::collections::HashSet;

    use super::*;
    use crate::records::{
        policy::{Limits, Policy},
        schema::Schema,
    };

    fn statements(reads: u32) -> Vec<Asked> {
        let (workload, learner) = (Workload::new(reads), LearnerId::new("L1").unwrap());
        (0..2_000).map(|_| workload.next(&learner, 7)).collect()
    }

    #[test]
    fn the_proportion_is_kept() {
        for (reads, least, most) in [(0, 0, 0), (50, 900, 1_100), (100, 2_000, 2_000)] {
            let count = statements(reads).iter().filter(|asked| asked.sql == READ).count();
            assert!((least..=most).contains(&count), "{reads}: {count}");
        }
    }

    #[test]
    fn the_policy_admits_them_and_no_mark_is_entered_twice() {
        let policy = Policy::new(Schema::school_record().into(), Limits::default());
        let mut entered = HashSet::new();
        let base = Workload::base(&LearnerId::new("L1").unwrap(), 7);
        for asked in statements(20).into_iter().chain([base]) {
            policy.admit(&asked.learner, &asked.sql, &asked.params).unwrap();
            assert!(asked.sql != ENTER || entered.insert(asked.params[2].to_string()));
        }
    }
}
