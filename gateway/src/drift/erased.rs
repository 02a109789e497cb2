//! Entries whose bodies were erased: all that can still be told of them.

use serde::{Deserialize, Serialize};
use sillok_contract::{
    act::Grounds,
    entry::EntryId,
    id::{OfficerId, SchoolId},
};
use utoipa::ToSchema;

use crate::ledger::story::{Content, Story, Told};

/// An entry whose body was erased on legal grounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErasedEntry {
    /// The entry.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub entry: EntryId,
    /// Which of the learner's entries it is, from 1.
    pub number: u64,
    /// Where it stands: the school.
    #[schema(value_type = String)]
    pub school: SchoolId,
    /// The batch.
    pub sequence: u64,
    /// The leaf, from 0.
    pub index: u32,
    /// Which officer erased it.
    #[schema(value_type = String)]
    pub by: OfficerId,
    /// On what grounds: `retention_expired`, `data_subject_request`, `order` or `unlawful_processing`.
    #[schema(value_type = String)]
    pub grounds: Grounds,
    /// When, in microseconds since the Unix epoch.
    pub at: i64,
    /// The transaction that recorded the erasure.
    pub transaction: String,
}

/// The erased entries of a story, in its order.
pub(super) fn erased(story: &Story) -> Vec<ErasedEntry> {
    story.entries.iter().filter(|told| told.content == Content::Erased).filter_map(of).collect()
}

fn of(told: &Told) -> Option<ErasedEntry> {
    let erasure = told.erasure.clone()?;
    Some(ErasedEntry {
        entry: told.id,
        number: told.number,
        school: told.position.school.clone(),
        sequence: told.position.sequence,
        index: told.position.index,
        by: erasure.by,
        grounds: erasure.grounds,
        at: erasure.step.at,
        transaction: erasure.step.transaction,
    })
}
