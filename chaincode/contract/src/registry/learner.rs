//! Learners.

use serde::{Deserialize, Serialize};

use super::check_time;
use crate::{
    Code, Refusal,
    id::{LearnerId, SchoolId},
};

/// A learner, by a pseudonym: which school they are at since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learner {
    /// Their id, a pseudonym.
    pub id: LearnerId,
    /// Their schools, in the order of time.
    pub enrolments: Vec<Enrolment>,
    /// Their wallet's public key. Not registered with this version's functions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet_key: Option<String>,
}

/// From this time on at this school, until the next enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The school.
    pub school: SchoolId,
    /// From when on.
    pub since: i64,
}

impl Learner {
    /// Checks every member.
    pub fn checked(self) -> Result<Self, Refusal> {
        let malformed = |why| Err(Refusal::new(Code::ArgumentMalformed, why));
        if self.wallet_key.is_some() {
            return malformed("a wallet's key cannot be registered with the learner");
        }
        if self.enrolments.is_empty() {
            return malformed("a learner has at least one enrolment");
        }
        for enrolment in &self.enrolments {
            check_time("since", enrolment.since)?;
        }
        if !self.enrolments.is_sorted_by(|earlier, later| earlier.since < later.since) {
            return malformed("enrolments are in the order of time, each later than the one before");
        }
        Ok(self)
    }

    /// The school the learner is at at a time; refuses a time before the first enrolment.
    pub fn school_at(&self, time: i64) -> Result<&SchoolId, Refusal> {
        let enrolment = self.enrolments.iter().rev().find(|enrolment| enrolment.since <= time);
        enrolment.map(|enrolment| &enrolment.school).ok_or_else(|| {
            Refusal::new(
                Code::LearnerNotEnrolled,
                format!("the learner {} is at no school at that time", self.id),
            )
        })
    }

    /// Refuses another school than the one the learner is at at that time.
    pub fn attends(&self, school: &SchoolId, time: i64) -> Result<(), Refusal> {
        if self.school_at(time)? == school {
            return Ok(());
        }
        Err(Refusal::new(
            Code::LearnerElsewhere,
            format!("the learner {} is not at the school {school} at that time", self.id),
        ))
    }

    /// The same learner, at another school from a time on that is later than the last enrolment's.
    pub(crate) fn moved(mut self, school: SchoolId, since: i64) -> Result<Self, Refusal> {
        let next = Enrolment { school, since };
        if self.enrolments.last() != Some(&next) {
            self.enrolments.push(next);
        }
        self.checked()
    }
}
