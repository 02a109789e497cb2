//! What is asked and answered about objections.

use serde::{Deserialize, Serialize};
use sillok_contract::{
    entry::EntryId,
    id::{LearnerId, ObjectionId, OfficerId, SchoolId},
    objection::{Dismissed, Objection, ObjectionTexts, State, Upheld},
};
use utoipa::ToSchema;

/// A learner objects to an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectionFiling {
    /// The act `objection.file`, signed with the wallet's key: a compact JWS, `typ` `sillok-act+jws`.
    #[schema(example = "eyJ0eXAiOiJzaWxsb2stYWN0K2p3cyJ9.eyJhY3QiOiJvYmplY3Rpb24uZmlsZSJ9.c2ln")]
    pub act: String,
    /// Why: the JSON text of `text` and `salt`, exactly as the act's digest was taken of it.
    #[schema(example = "{\"text\":\"The mark is another pupil's.\",\"salt\":\"q83vEjRWeJCrze8SNFZ4kA\"}")]
    pub reason: String,
}

/// What an officer decides about an objection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectionDecision {
    /// The act `objection.uphold` or `objection.dismiss`, signed with the officer's key: a compact JWS, `typ`
    /// `sillok-act+jws`.
    #[schema(example = "eyJ0eXAiOiJzaWxsb2stYWN0K2p3cyJ9.eyJhY3QiOiJvYmplY3Rpb24uZGlzbWlzcyJ9.c2ln")]
    pub act: String,
    /// With `objection.dismiss`: why, the JSON text of `text` and `salt`, exactly as the act's digest was taken of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

/// Which objections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectionsWanted {
    /// Only those that are not decided, or all. Where it is not said: of a learner all, else those that are open.
    pub open: Option<bool>,
    /// A learner's.
    pub learner: Option<LearnerId>,
    /// Where the page before ended.
    pub bookmark: String,
}

/// A page of objections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Objections {
    /// Without the reasons. Those that are not decided come in the order in which they are due, a learner's in the order of
    /// their ids.
    pub objections: Vec<ObjectionState>,
    /// Give it back to read on; empty when there is no more.
    pub bookmark: String,
}

/// An objection, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectionState {
    /// Its id.
    #[schema(value_type = String)]
    pub objection: ObjectionId,
    /// Who objects.
    #[schema(value_type = String)]
    pub learner: LearnerId,
    /// To which entry.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub entry: EntryId,
    /// Which of the learner's entries that is, from 1.
    pub number: u64,
    /// Where it stands: the school.
    #[schema(value_type = String)]
    pub school: SchoolId,
    /// The batch.
    pub sequence: u64,
    /// The leaf, from 0.
    pub index: u32,
    /// `filed`, `upheld` or `dismissed`.
    #[schema(value_type = String)]
    pub state: State,
    /// When it was filed, in microseconds since the Unix epoch.
    pub filed_at: i64,
    /// The transaction that recorded it.
    pub transaction: String,
    /// By when an office has to decide, in microseconds since the Unix epoch.
    pub due_at: i64,
    /// Whether it should have been decided by now, and is not.
    pub overdue: bool,
    /// How it was decided, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
    /// Why it was filed: the JSON text of `text` and `salt`. Where one objection is asked for, and the ledger has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it was dismissed, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// How an objection was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decided {
    /// By which officer.
    #[schema(value_type = String)]
    pub by: OfficerId,
    /// When, in microseconds since the Unix epoch.
    pub at: i64,
    /// The transaction that recorded it.
    pub transaction: String,
    /// Where it was upheld: the entry that puts it right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub entry: Option<EntryId>,
}

impl ObjectionState {
    /// Without the texts.
    pub(super) fn of(objection: &Objection, now: i64) -> Self {
        let Objection { id, learner, entry, number, position, state, filed, due_at, .. } = objection.clone();
        let decided = decided(objection);
        Self {
            objection: id,
            learner,
            entry,
            number,
            school: position.school,
            sequence: position.sequence,
            index: position.index,
            state,
            filed_at: filed.at,
            transaction: filed.transaction,
            due_at,
            overdue: state == State::Filed && now > due_at,
            decided,
            reason: None,
            answer: None,
        }
    }

    /// The same with its texts.
    pub(super) fn with(mut self, texts: ObjectionTexts) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok();
        (self.reason, self.answer) = (texts.reason.and_then(text), texts.answer.and_then(text));
        self
    }
}

fn decided(objection: &Objection) -> Option<Decided> {
    let upheld = objection.upheld.clone();
    let upheld = upheld.map(|Upheld { by, step, entry, .. }| (by, step, Some(entry)));
    let dismissed = objection.dismissed.clone().map(|Dismissed { by, step, .. }| (by, step, None));
    let (by, step, entry) = upheld.or(dismissed)?;
    Some(Decided { by, at: step.at, transaction: step.transaction, entry })
}
