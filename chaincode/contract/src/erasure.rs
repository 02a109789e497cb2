//! Erasure: the bodies of a learner's entries are blanked on legal grounds. Headers, leaves, other learners' entries and
//! all proofs that somebody holds stay as they are, and everybody can see that, by whom, when and why it was done.

mod redact;

use serde::{Deserialize, Serialize};

pub use redact::redacted;
pub(crate) use redact::{erase, get};

use crate::{
    act::{Grounds, Step},
    id::{LearnerId, OfficerId, SchoolId},
};

/// The most batches of one act.
pub const MAX_PLACES: usize = 50;

/// What was erased of a batch's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasures {
    /// The school.
    pub school: SchoolId,
    /// The batch.
    pub sequence: u64,
    /// The number of the body that stands: as many as there were erasures.
    pub revision: u32,
    /// Each of them, the first one first.
    pub erasures: Vec<Erasure>,
}

/// A learner's entries in a batch were erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Whose.
    pub learner: LearnerId,
    /// Which leaves, from 0.
    pub indices: Vec<u32>,
    /// Who erased them.
    pub by: OfficerId,
    /// On what grounds.
    pub grounds: Grounds,
    /// When.
    #[serde(flatten)]
    pub step: Step,
}
