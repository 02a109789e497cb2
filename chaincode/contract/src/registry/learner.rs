//! Learners.

use serde::{Deserialize, Serialize};

use super::{WalletKey, check_time, earlier_end};
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
    /// The keys of their wallet, in the order of time. Registered one by one, not with the learner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wallets: Vec<WalletKey>,
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
    /// Checks every member, as a learner who is registered has them: without a wallet.
    pub fn checked(self) -> Result<Self, Refusal> {
        if !self.wallets.is_empty() {
            return Err(Refusal::new(
                Code::ArgumentMalformed,
                "a wallet's key is not registered with the learner but after them",
            ));
        }
        self.enrolled()
    }

    fn enrolled(self) -> Result<Self, Refusal> {
        let malformed = |why| Err(Refusal::new(Code::ArgumentMalformed, why));
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
        self.enrolled()
    }

    /// The wallet key in force at a time: the last that was registered to hold by then, unless it is revoked by then.
    pub fn wallet_at(&self, time: i64) -> Result<&WalletKey, Refusal> {
        let refuse = |code, what| Refusal::new(code, format!("the learner {} {what} at that time", self.id));
        let place = self.wallet_place(time).ok_or_else(|| refuse(Code::WalletNone, "has no wallet key"))?;
        let key = &self.wallets[place];
        match key.revoked_since {
            Some(revoked) if time >= revoked => {
                Err(refuse(Code::WalletRevoked, "has a wallet key that is revoked"))
            }
            _ => Ok(key),
        }
    }

    /// The same learner with another wallet key, which holds from later on than the last.
    pub(crate) fn with_wallet(mut self, key: WalletKey) -> Result<Self, Refusal> {
        let key = key.checked()?;
        let refuse = |why| Err(Refusal::new(Code::AlreadyExists, why));
        match self.wallets.iter().find(|standing| standing.is_same_key(&key)) {
            // One that was registered so and revoked since stands.
            Some(standing) if standing.since == key.since => return Ok(self),
            Some(standing) => return refuse(format!("this key was registered since {}", standing.since)),
            None => {}
        }
        match self.wallets.last() {
            Some(last) if key.since <= last.since => {
                return refuse(format!("another key holds since {}; a new one begins later", last.since));
            }
            _ => self.wallets.push(key),
        }
        Ok(self)
    }

    /// The same learner; the key that began last before `since` is void from then on, earlier than before if it was
    /// revoked already.
    pub(crate) fn without_wallet(mut self, since: i64) -> Result<Self, Refusal> {
        check_time("since", since)?;
        let place = self.wallet_place(since).ok_or_else(|| {
            Refusal::new(Code::WalletNone, format!("the learner {} has no wallet key by then", self.id))
        })?;
        let key = &mut self.wallets[place];
        key.revoked_since = Some(earlier_end("revoked_since", key.revoked_since, since)?);
        Ok(self)
    }

    /// Which key began last before this time.
    fn wallet_place(&self, time: i64) -> Option<usize> {
        self.wallets.iter().rposition(|key| key.since <= time)
    }
}
