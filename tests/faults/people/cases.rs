//! Certificates, and what was told of each: done is on the ledger, refused is not, what had no answer is there or not.

use std::{collections::BTreeMap, fmt};

use sillok_contract::{act::SignedAct, credential::Credential, digest::Digest, id::LearnerId};
use sillok_gateway::certificate::{CertificateId, Outcome};
use sillok_tests::{certificate::found, world::World};

use super::{Shared, asking::Ended};

/// A step of a certificate's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Requested,
    Refused,
    Issued,
    Countersigned,
    Revoked,
}

/// What was told of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Done,
    Refused,
    Unclear,
}

impl Told {
    pub(super) fn of<T>(ended: &Ended<T>) -> Self {
        match ended {
            Ended::Done(_) => Self::Done,
            Ended::Refused(_) => Self::Refused,
            Ended::Unclear => Self::Unclear,
        }
    }
}

/// A certificate.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) id: CertificateId,
    pub(super) learner: LearnerId,
    /// The act of each step that was tried, and what was told of it; one that is under way is unclear.
    steps: BTreeMap<Step, (Digest, Told)>,
    /// Its file, as it was last had.
    pub(super) file: Option<Vec<u8>>,
}

impl Case {
    fn told(&self, step: Step) -> Option<Told> {
        self.steps.get(&step).map(|(_, told)| *told)
    }

    /// G9: whether what somebody finds who is shown the file may be, by what was told when they asked and when they had
    /// the answer.
    pub(super) fn allows(&self, outcome: Outcome, before: &Self) -> bool {
        let perhaps = |step| self.told(step).is_some_and(|told| told != Told::Refused);
        match outcome {
            Outcome::Valid => before.told(Step::Revoked) != Some(Told::Done) && perhaps(Step::Countersigned),
            Outcome::NotCountersigned => before.told(Step::Revoked) != Some(Told::Done),
            Outcome::Revoked => perhaps(Step::Revoked),
            Outcome::CannotTell => true,
            Outcome::Refuted | Outcome::Expired | Outcome::NotYetValid => false,
        }
    }

    fn agrees_with(&self, credential: Option<&Credential>) {
        for (step, (act, told)) in &self.steps {
            let on_ledger = credential.and_then(|credential| act_of(credential, *step));
            let is_there = on_ledger == Some(act);
            match told {
                Told::Done => assert!(
                    is_there,
                    "G9: told done, and not on the ledger: {step:?} of {self:?}: {credential:?}"
                ),
                Told::Refused => {
                    assert!(!is_there, "G9: told refused, and on the ledger: {step:?} of {self:?}")
                }
                Told::Unclear => {}
            }
        }
    }
}

fn act_of(credential: &Credential, step: Step) -> Option<&Digest> {
    match step {
        Step::Requested => Some(&credential.requested.act),
        Step::Refused => credential.refused.as_ref().map(|refused| &refused.step.act),
        Step::Issued => credential.issued.as_ref().map(|issued| &issued.step.act),
        Step::Countersigned => credential.countersigned.as_ref().map(|step| &step.act),
        Step::Revoked => credential.revoked.as_ref().map(|revoked| &revoked.step.act),
    }
}

/// All of a round.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    all: BTreeMap<CertificateId, Case>,
    shown: BTreeMap<&'static str, u64>,
}

impl Cases {
    pub(super) fn open(&mut self, id: CertificateId, learner: &LearnerId) {
        let case = Case { id, learner: learner.clone(), steps: BTreeMap::new(), file: None };
        self.all.insert(id, case);
    }

    /// A step is tried from now on.
    pub(super) fn tries(&mut self, id: CertificateId, step: Step, act: &str) {
        let act = SignedAct::parse(act).unwrap().digest;
        self.case(id).steps.insert(step, (act, Told::Unclear));
    }

    pub(super) fn told(&mut self, id: CertificateId, step: Step, told: Told) {
        self.case(id).steps.get_mut(&step).expect("it was tried").1 = told;
    }

    pub(super) fn case(&mut self, id: CertificateId) -> &mut Case {
        self.all.get_mut(&id).expect("it was opened")
    }

    /// Those that somebody can be shown.
    pub(super) fn with_files(&self, learner: &LearnerId) -> Vec<CertificateId> {
        let shown = self.all.values().filter(|case| case.learner == *learner && case.file.is_some());
        shown.map(|case| case.id).collect()
    }

    pub(super) fn was_shown(&mut self, outcome: Outcome) {
        *self.shown.entry(outcome.as_str()).or_default() += 1;
    }
}

impl fmt::Display for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.all.values().flat_map(|case| &case.steps);
        let mut done: BTreeMap<_, u64> = BTreeMap::new();
        for (step, _) in steps.filter(|(_, (_, told))| *told == Told::Done) {
            *done.entry(*step).or_default() += 1;
        }
        write!(f, "{} certificates: {done:?}, shown: {:?}", self.all.len(), self.shown)
    }
}

/// G9: both offices have each certificate as it was told; what is revoked is valid to nobody.
pub(super) async fn check(world: &World, shared: &Shared) {
    let cases: Vec<_> = shared.cases.borrow().all.values().cloned().collect();
    let anybody = world.as_seen_by_the_office();
    for case in &cases {
        let mut both = Vec::new();
        for msp in ["OfficeMSP", "SupportMSP"] {
            let contract = world.consortium().administrator(msp).unwrap();
            both.push(contract.certificate(&case.id.named()).await.unwrap());
        }
        assert_eq!(both[0], both[1], "G9: the offices agree on {}", case.id);
        case.agrees_with(both[0].as_ref());
        let (Some(credential), Some(file)) = (&both[0], &case.file) else { continue };
        let outcome = found(world, &anybody, file).await.outcome;
        let countersigned = file_is_countersigned(file);
        let expected = match (&credential.revoked, countersigned) {
            (Some(_), _) => Outcome::Revoked,
            (None, true) => Outcome::Valid,
            (None, false) => Outcome::NotCountersigned,
        };
        assert_eq!(outcome, expected, "G9: {case:?}: {credential:?}");
    }
}

fn file_is_countersigned(file: &[u8]) -> bool {
    let file = sillok_gateway::certificate::CertificateFile::parse(file).unwrap();
    file.countersigned.is_some()
}
