//! What is measured, checked before anything begins.

use std::time::Duration;

use serde::Serialize;

use super::{class, part::Part};
use crate::cli::Failure;

/// The most queries of one request that the gateway takes unless it is told otherwise.
const MOST_QUERIES: u32 = 100;
/// The longest run in seconds: requests are signed ahead, and one is good for 300 s.
const LONGEST: u32 = 120;
/// The most callers: the gateway holds 1,000 connections.
const MOST_CALLERS: usize = 900;
/// How many queries one request of the filling holds.
pub(super) const FILL: u32 = 1_000;

/// What is measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Plan {
    /// How many educators send, each one request after the other.
    pub(super) callers: usize,
    /// Over how many schools they are spread.
    pub(super) schools: usize,
    /// How many schools the comparison with one transaction a query uses; each has one transaction under way.
    pub(super) single_schools: usize,
    /// Queries under one signature, run after run.
    pub(super) queries: Vec<u32>,
    /// How many of a hundred queries are SELECTs.
    pub(super) reads: u32,
    /// How long before anything counts, in seconds.
    pub(super) warm_up: u32,
    /// How long is measured, in seconds.
    pub(super) seconds: u32,
    /// With how many entries in the ledger it is measured, in ascending order; 0: with what there is.
    pub(super) history: Vec<u64>,
    /// How many callers send at once when too many do; 0: left out.
    pub(super) overload: usize,
    /// How many times what one network may send the greedy caller sends; 0: left out.
    pub(super) greedy: u32,
    /// What of all this.
    pub(super) parts: Vec<Part>,
    /// How many learners have wallets, and get a certificate each.
    pub(super) learners: usize,
    /// How many signatures wait for verifiers.
    pub(super) signatures: usize,
    /// How many writes go past the gateway.
    pub(super) past: usize,
    /// After how many seconds the audit begins no other school.
    pub(super) audit_seconds: u32,
}

impl Plan {
    /// Refuses what cannot be measured; says which argument and why.
    pub(super) fn check(self) -> Result<Self, Failure> {
        let seconds = self.warm_up.saturating_add(self.seconds);
        let rules = [
            (self.callers == 0 || self.callers > MOST_CALLERS, "--callers is 1 to 900"),
            (self.schools == 0 || self.schools > self.callers, "--schools is 1 to the number of callers"),
            (self.single_schools > 500, "--single-schools is 0 to 500"),
            (
                self.queries.is_empty()
                    || self.queries.iter().any(|count| !(1..=MOST_QUERIES).contains(count)),
                "--queries is a list of numbers from 1 to 100",
            ),
            (self.reads > 100, "--reads is 0 to 100"),
            (
                self.warm_up == 0 || self.seconds == 0 || seconds > LONGEST,
                "--seconds and --warm-up are at least 1, and together at most 120",
            ),
            (
                !self.history.is_sorted() || self.history.last().is_some_and(|&most| most > 10_000_000),
                "--history is a list in ascending order, at most 10000000",
            ),
            (
                self.overload != 0 && !(self.callers..=MOST_CALLERS).contains(&self.overload),
                "--overload is 0, or from the number of callers to 900",
            ),
            (self.greedy == 1 || self.greedy > 1_000, "--greedy is 0, or 2 to 1000"),
            (self.learners == 0 || self.learners > class::MOST, "--learners is 1 to 60"),
            (!(10..=100_000).contains(&self.signatures), "--signatures is 10 to 100000"),
            (
                self.past == 0 || self.past % 2 == 1 || self.past > 1_000,
                "--past is an even number from 2 to 1000",
            ),
        ];
        match rules.into_iter().find(|(broken, _)| *broken) {
            Some((_, rule)) => Err(Failure::usage(rule)),
            None => Ok(self),
        }
    }

    /// Whether a part is measured.
    pub(super) fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// With how many entries it is measured; none where the town's schools have nothing to record.
    pub(super) fn histories(&self) -> Vec<u64> {
        match self.parts.iter().all(|part| matches!(part, Part::Learners | Part::Platform)) {
            true => Vec::new(),
            false => self.history.clone(),
        }
    }

    /// How long before anything counts.
    pub(super) fn warm_up(&self) -> Duration {
        Duration::from_secs(self.warm_up.into())
    }

    /// How long is measured.
    pub(super) fn run(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn plan() -> Plan {
        Plan {
            callers: 8,
            schools: 2,
            single_schools: 10,
            queries: vec![1, 30],
            reads: 50,
            warm_up: 1,
            seconds: 5,
            history: vec![0],
            overload: 0,
            greedy: 0,
            parts: vec![Part::Queries],
            learners: 2,
            signatures: 10,
            past: 2,
            audit_seconds: 1,
        }
    }

    #[test]
    fn what_cannot_be_measured_is_refused_by_its_argument() {
        assert!(plan().check().is_ok());
        for (wrong, argument) in [
            (Plan { callers: 0, ..plan() }, "--callers"),
            (Plan { callers: 901, ..plan() }, "--callers"),
            (Plan { schools: 0, ..plan() }, "--schools"),
            (Plan { schools: 9, ..plan() }, "--schools"),
            (Plan { single_schools: 501, ..plan() }, "--single-schools"),
            (Plan { queries: vec![], ..plan() }, "--queries"),
            (Plan { queries: vec![1, 101], ..plan() }, "--queries"),
            (Plan { reads: 101, ..plan() }, "--reads"),
            (Plan { seconds: 0, ..plan() }, "--seconds"),
            (Plan { warm_up: u32::MAX, ..plan() }, "--seconds"),
            (Plan { history: vec![10, 5], ..plan() }, "--history"),
            (Plan { overload: 7, ..plan() }, "--overload"),
            (Plan { learners: 61, ..plan() }, "--learners"),
            (Plan { signatures: 9, ..plan() }, "--signatures"),
            (Plan { past: 3, ..plan() }, "--past"),
            (Plan { greedy: 1, ..plan() }, "--greedy"),
        ] {
            let refused = wrong.check().unwrap_err();
            assert_eq!(refused.code, "usage");
            assert!(refused.detail.starts_with(argument), "{refused:?}");
        }
    }
}
