//! Whether the entries of a batch are true: signed by an educator who stood, for a learner of theirs, at that time; or by
//! an officer who stood, for a learner of that school.

use std::collections::HashMap;

use super::contents::{Claim, Contents};
use crate::{
    Code, Refusal,
    access::{OFFICE, SUPPORT},
    certificate::Certificate,
    id::{LearnerId, MspId, SchoolId},
    key,
    refusal::blame,
    registry::{Educator, Learner, Office, OfficePerson as _, Officer, Person as _, School},
    request::SignedRequest,
    snapshot::{Snapshot, damaged},
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

/// The school, signers, their offices and the learners of a batch, each read once.
pub(crate) struct Standing {
    school: School,
    authority: Certificate,
    /// The authorities of officers' offices.
    offices: HashMap<MspId, Certificate>,
    /// By their keys on the ledger.
    signers: HashMap<String, Signer>,
    learners: HashMap<LearnerId, Learner>,
}

/// Who signed a request, with their certificate, which their authority issued.
enum Signer {
    Educator { educator: Educator, certificate: Certificate },
    Officer { officer: Officer, certificate: Certificate },
}

impl Standing {
    /// The keys that [`Standing::read`] needs. An officer's office is one of two, so that both are read.
    pub(crate) fn keys(school: &SchoolId, contents: &Contents) -> Vec<String> {
        let mut keys = vec![key::school(school)];
        for (entry, request) in contents.pairs() {
            keys.extend([signer_key(entry, request), key::learner(&entry.learner)]);
            if request.payload.purpose.is_some() {
                keys.extend([OFFICE, SUPPORT].map(key::office));
            }
        }
        keys
    }

    /// Reads who takes part, and checks that their authorities issued the signers' certificates.
    pub(crate) fn read(school: &SchoolId, contents: &Contents, snapshot: &Snapshot) -> Result<Self, Refusal> {
        let school: School = snapshot.document(&key::school(school))?.ok_or_else(|| {
            Refusal::new(Code::SchoolUnknown, format!("the school {school} is not registered"))
        })?;
        let authority = school.authority()?;
        let (offices, signers, learners) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut standing = Self { school, authority, offices, signers, learners };
        for (index, (entry, request)) in contents.pairs().enumerate() {
            standing.add(entry, request, snapshot).map_err(blame(index))?;
        }
        Ok(standing)
    }

    fn add(&mut self, entry: &Claim, request: &SignedRequest, snapshot: &Snapshot) -> Result<(), Refusal> {
        let key = signer_key(entry, request);
        if !self.signers.contains_key(&key) {
            let signer = match request.payload.purpose {
                None => self.educator(entry, snapshot)?,
                Some(_) => self.officer(entry, snapshot)?,
            };
            self.signers.insert(key, signer);
        }
        if !self.learners.contains_key(&entry.learner) {
            let learner = snapshot.document(&key::learner(&entry.learner))?.ok_or_else(|| {
                Refusal::new(Code::LearnerUnknown, format!("the learner {} is not registered", entry.learner))
            })?;
            self.learners.insert(entry.learner.clone(), learner);
        }
        Ok(())
    }

    fn educator(&self, entry: &Claim, snapshot: &Snapshot) -> Result<Signer, Refusal> {
        let educator: Option<Educator> = snapshot.document(&key::educator(&entry.educator))?;
        let educator = educator.ok_or_else(|| {
            Refusal::new(Code::EducatorUnknown, format!("the educator {} is not registered", entry.educator))
        })?;
        let certificate = educator.certificate_of(&self.authority)?;
        Ok(Signer::Educator { educator, certificate })
    }

    fn officer(&mut self, entry: &Claim, snapshot: &Snapshot) -> Result<Signer, Refusal> {
        let officer: Option<Officer> = snapshot.document(&key::officer(&entry.educator))?;
        let officer = officer.ok_or_else(|| {
            Refusal::new(Code::OfficerUnknown, format!("the officer {} is not registered", entry.educator))
        })?;
        if !self.offices.contains_key(&officer.office) {
            let office: Option<Office> = snapshot.document(&key::office(&officer.office))?;
            let office = office.ok_or_else(|| damaged(&key::officer(&officer.id)))?;
            self.offices.insert(officer.office.clone(), office.authority()?);
        }
        let certificate = officer.certificate_of(&self.offices[&officer.office])?;
        Ok(Signer::Officer { officer, certificate })
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
        let time = entry.executed_at;
        let signer = &self.signers[&signer_key(entry, request)];
        let certificate = match signer {
            Signer::Educator { educator, certificate } => {
                educator.may_act_with(certificate, &self.school, &self.authority, time)?;
                certificate
            }
            Signer::Officer { officer, certificate } => {
                self.school.open_at(time)?;
                officer.may_act_with(certificate, &self.offices[&officer.office], time)?;
                certificate
            }
        };
        self.learners[&entry.learner].attends(&self.school.id, time)?;
        request.names(certificate)?;
        if !*verified {
            request.verify_with(certificate)?;
            *verified = true;
        }
        Ok(())
    }
}

/// Where who signed is registered: a request with a purpose is an officer's.
fn signer_key(entry: &Claim, request: &SignedRequest) -> String {
    match request.payload.purpose {
        None => key::educator(&entry.educator),
        Some(_) => key::officer(&entry.educator),
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
