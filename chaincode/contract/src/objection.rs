//! Objections: a learner objects to an entry, an office upholds or dismisses. Why is private; that, who and when is not.

mod moves;
mod read;
mod reason;

use serde::{Deserialize, Serialize};

pub(crate) use moves::{dismiss, file, uphold};
pub use read::ObjectionTexts;
pub(crate) use read::{get, list, list_open, texts};
pub use reason::{MAX_REASON, Reason, TRANSIENT};

use crate::{
    act::Step,
    batch::Position,
    digest::Digest,
    entry::EntryId,
    id::{LearnerId, ObjectionId, OfficerId},
};

/// By when an office has to decide, from when the objection was filed: 30 days, in microseconds.
pub const TIME_TO_DECIDE: i64 = 30 * 86_400 * 1_000_000;

/// An objection on the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objection {
    /// Its id.
    pub id: ObjectionId,
    /// Who objects.
    pub learner: LearnerId,
    /// To which of their entries.
    pub entry: EntryId,
    /// Which of the learner's entries it is, from 1.
    pub number: u64,
    /// Where that stands.
    pub position: Position,
    /// Where the objection stands.
    pub state: State,
    /// SHA-256 of the reason.
    pub digest: Digest,
    /// When it was filed.
    pub filed: Step,
    /// By when an office has to decide, in microseconds since the Unix epoch.
    pub due_at: i64,
    /// How it was upheld, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upheld: Option<Upheld>,
    /// How it was dismissed, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dismissed: Option<Dismissed>,
}

/// Where an objection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// An office has to decide.
    Filed,
    /// The learner was right.
    Upheld,
    /// The entry stands.
    Dismissed,
}

/// An objection was upheld.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upheld {
    /// Who decided.
    pub by: OfficerId,
    /// The entry that puts it right.
    pub entry: EntryId,
    /// Where that stands.
    pub position: Position,
    /// When.
    #[serde(flatten)]
    pub step: Step,
}

/// An objection was dismissed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissed {
    /// Who decided.
    pub by: OfficerId,
    /// SHA-256 of the reason.
    pub digest: Digest,
    /// When.
    #[serde(flatten)]
    pub step: Step,
}
