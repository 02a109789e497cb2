//! Who is registered on the ledger, and at which school each is audited.

use std::collections::BTreeMap;

use sillok_contract::{
    id::{LearnerId, SchoolId},
    registry::{Learner, MAX_DOCUMENTS},
};

use crate::ledger::{LedgerError, contract::Contract};

/// A learner, as the audit of a school needs to know them.
#[derive(Clone, Debug)]
pub(super) struct Pupil {
    pub(super) id: LearnerId,
    /// Whether they have entries at other schools, perhaps.
    pub(super) moved: bool,
}

/// Schools and learners.
pub(super) struct Registered {
    /// Each with the number of its last batch.
    pub(super) schools: Vec<(SchoolId, u64)>,
    /// By the school where they are now; in the order of their ids.
    pupils: BTreeMap<SchoolId, Vec<Pupil>>,
    /// In order.
    learners: Vec<LearnerId>,
}

impl Registered {
    pub(super) async fn read(contract: &Contract) -> Result<Self, LedgerError> {
        let mut registered = Self { schools: Vec::new(), pupils: BTreeMap::new(), learners: Vec::new() };
        let (page, mut bookmark) = (MAX_DOCUMENTS as u32, String::new());
        loop {
            let schools = contract.schools(page, &bookmark).await?;
            for school in schools.items {
                let head = contract.head(&school.id).await?;
                registered.schools.push((school.id, head.sequence));
            }
            bookmark = schools.bookmark;
            if bookmark.is_empty() {
                break;
            }
        }
        loop {
            let learners = contract.learners(page, &bookmark).await?;
            learners.items.into_iter().for_each(|learner| registered.add(learner));
            bookmark = learners.bookmark;
            if bookmark.is_empty() {
                break;
            }
        }
        registered.learners.sort();
        Ok(registered)
    }

    fn add(&mut self, learner: Learner) {
        self.learners.push(learner.id.clone());
        let Some(last) = learner.enrolments.last() else { return };
        let moved = learner.enrolments.iter().any(|enrolment| enrolment.school != last.school);
        let pupils = self.pupils.entry(last.school.clone()).or_default();
        pupils.push(Pupil { id: learner.id, moved });
    }

    pub(super) fn pupils(&self, school: &SchoolId) -> &[Pupil] {
        self.pupils.get(school).map_or(&[], Vec::as_slice)
    }

    pub(super) fn knows(&self, learner: &str) -> bool {
        self.learners.binary_search_by(|known| known.as_str().cmp(learner)).is_ok()
    }
}
