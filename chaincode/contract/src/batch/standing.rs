//! Whether the entries of a batch are true: signed by an educator who stood, for a learner of theirs, at that time.

use std::collections::HashMap;

use super::contents::{Claim, Contents};
use crate::{
    Code, Refusal,
    certificate::Certificate,
    id::{EducatorId, LearnerId, SchoolId},
    key,
    refusal::blame,
    registry::{Educator, Learner, School},
    request::SignedRequest,
    snapshot::Snapshot,
};

const SECOND: i64 = 1_000_000;
/// How far a query's execution may lie ahead of the transaction's time, in microseconds: clocks differ.
pub const MAX_AHEAD: i64 = 300 * SECOND;
/// How long after its execution a query may be recorded, in microseconds: the ledger may have been away.
pub const MAX_AGE: i64 = 90 * 86_400 * SECOND;
/// How far a query's execution may lie before its request's `iat`, in microseconds: clocks differ.
pub const SKEW: i64 = 300 * SECOND;
/// How long after its request's `iat` a query may be executed, in microseconds.
pub const MAX_WAIT: i64 = 86_400 * SECOND;

/// The school, educators and learners of a batch, each read once.
pub(crate) struct Standing {
    school: School,
    authority: Certificate,
    educators: HashMap<EducatorId, (Educator, Certificate)>,
    learners: HashMap<LearnerId, Learner>,
}

impl Standing {
    /// The keys that [`Standing::read`] needs.
    pub(crate) fn keys(school: &SchoolId, contents: &Contents) -> Vec<String> {
        let people = contents
            .entries
            .iter()
            .flat_map(|entry| [key::educator(&entry.educator), key::learner(&entry.learner)]);
        people.chain([key::school(school)]).collect()
    }

    /// Reads who takes part, and checks that the school's authority issued the educators' certificates.
    pub(crate) fn read(school: &SchoolId, contents: &Contents, snapshot: &Snapshot) -> Result<Self, Refusal> {
        let school: School = snapshot.document(&key::school(school))?.ok_or_else(|| {
            Refusal::new(Code::SchoolUnknown, format!("the school {school} is not registered"))
        })?;
        let authority = school.authority()?;
        let mut standing = Self { school, authority, educators: HashMap::new(), learners: HashMap::new() };
        for (index, entry) in contents.entries.iter().enumerate() {
            standing.add(entry, snapshot).map_err(blame(index))?;
        }
        Ok(standing)
    }

    fn add(&mut self, entry: &Claim, snapshot: &Snapshot) -> Result<(), Refusal> {
        if !self.educators.contains_key(&entry.educator) {
            let educator: Educator =
                snapshot.document(&key::educator(&entry.educator))?.ok_or_else(|| {
                    Refusal::new(
                        Code::EducatorUnknown,
                        format!("the educator {} is not registered", entry.educator),
                    )
                })?;
            let certificate = educator.certificate_of(&self.authority)?;
            self.educators.insert(entry.educator.clone(), (educator, certificate));
        }
        if !self.learners.contains_key(&entry.learner) {
            let learner = snapshot.document(&key::learner(&entry.learner))?.ok_or_else(|| {
                Refusal::new(Code::LearnerUnknown, format!("the learner {} is not registered", entry.learner))
            })?;
            self.learners.insert(entry.learner.clone(), learner);
        }
        Ok(())
    }

    /// Checks every entry, and each request's signature once. `now` is the transaction's time.
    pub(crate) fn check(&self, contents: &Contents, now: i64) -> Result<(), Refusal> {
        let mut verified = vec![false; contents.requests.len()];
        for (index, (entry, &of)) in contents.entries.iter().zip(&contents.request_of).enumerate() {
            let request = &contents.requests[of];
            check_time(entry, request, now).map_err(blame(index))?;
            self.check_people(entry, request, &mut verified[of]).map_err(blame(index))?;
        }
        Ok(())
    }

    fn check_people(
        &self,
        entry: &Claim,
        request: &SignedRequest,
        verified: &mut bool,
    ) -> Result<(), Refusal> {
        let (educator, certificate) = &self.educators[&entry.educator];
        let time = entry.executed_at;
        self.school.open_at(time)?;
        educator.serves(&self.school.id, time)?;
        self.authority.valid_at(time)?;
        certificate.valid_at(time)?;
        self.learners[&entry.learner].attends(&self.school.id, time)?;
        request.names(certificate)?;
        if !*verified {
            request.verify_with(certificate)?;
            *verified = true;
        }
        Ok(())
    }
}

fn check_time(entry: &Claim, request: &SignedRequest, now: i64) -> Result<(), Refusal> {
    let (executed, signed) = (entry.executed_at, request.payload.iat * SECOND);
    let refuse = |why: &str| Err(Refusal::new(Code::EntryTime, format!("the query was executed {why}")));
    if executed > now.saturating_add(MAX_AHEAD) {
        return refuse("more than 5 minutes after the transaction's time");
    }
    if executed < now.saturating_sub(MAX_AGE) {
        return refuse("more than 90 days before the transaction's time");
    }
    if executed < signed - SKEW {
        return refuse("more than 5 minutes before the request was signed");
    }
    if executed > signed + MAX_WAIT {
        return refuse("more than a day after the request was signed");
    }
    Ok(())
}
