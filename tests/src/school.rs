//! Schools of a scenario, their educators and learners.

use sillok_contract::{id::SchoolId, registry::BatchSettings};
use sillok_gateway::{
    keys::{AccessToken, Issued, Validity},
    ledger::{consortium::Consortium, school},
};

pub use school::{Educator as Teacher, School, register_offices};
pub use sillok_gateway::clock::now;

use crate::call::AUDIENCE;

/// A school as it is to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its id before the scenario's mark.
    pub name: String,
    /// How many educators.
    pub educators: usize,
    /// How many learners.
    pub learners: usize,
    /// When its batches close.
    pub batch: BatchSettings,
}

impl Plan {
    /// A small school whose batches close soon.
    pub fn new(name: &str) -> Self {
        let batch = BatchSettings { max_entries: 40, max_age_ms: 200 };
        Self { name: name.to_owned(), educators: 2, learners: 5, batch }
    }

    /// The same with so many learners.
    pub fn learners(self, learners: usize) -> Self {
        Self { learners, ..self }
    }

    /// The same, its batches closing at so many entries or when the oldest is so many milliseconds old.
    pub fn batches(self, max_entries: u32, max_age_ms: u32) -> Self {
        Self { batch: BatchSettings { max_entries, max_age_ms }, ..self }
    }
}

/// Somebody of an office, who may see everything.
pub fn auditor(consortium: &Consortium) -> AccessToken {
    let authority = consortium.authority("OfficeMSP").unwrap();
    let Issued { certificate, key } = authority.issue("Auditor", "client", Validity::days(now(), 1)).unwrap();
    AccessToken::of_officer(&certificate, key).unwrap()
}

/// Registers a school with its people. Every id ends in the scenario's mark, because a ledger forgets nothing.
pub async fn register(consortium: &Consortium, plan: &Plan, tag: &str) -> School {
    let Plan { name, educators, learners, batch } = plan.clone();
    let id = SchoolId::new(format!("{name}.{tag}")).unwrap();
    let plan = school::Plan { batch, ..school::Plan::new(id, educators, learners).unwrap() };
    school::register(consortium, &plan, AUDIENCE).await.unwrap()
}
