//! Schools whose batches wait until somebody has looked: this gateway works, so that it stays ready, and says so.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use sillok_contract::id::SchoolId;

use super::super::metrics;

/// The schools.
#[derive(Default)]
pub(in crate::service) struct Stuck(Mutex<HashSet<SchoolId>>);

impl Stuck {
    fn schools(&self) -> MutexGuard<'_, HashSet<SchoolId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This one waits.
    pub(super) fn add(&self, school: &SchoolId) {
        let mut schools = self.schools();
        schools.insert(school.clone());
        metrics::stuck(schools.len());
    }

    /// This one goes on, or is no longer this gateway's.
    pub(super) fn free(&self, school: &SchoolId) {
        let mut schools = self.schools();
        if schools.remove(school) {
            metrics::stuck(schools.len());
        }
    }

    /// What readiness says of them. No names: whoever can connect may ask.
    pub(in crate::service) fn told(&self) -> Option<String> {
        match self.schools().len() {
            0 => None,
            count => Some(format!(
                "the batches of {count} school(s) wait until somebody has looked; the log says why"
            )),
        }
    }
}
