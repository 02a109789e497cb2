//! Dead letters, seen by the offices: replayed once their cause is mended, or discarded with a reason.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Caller, Core, Service, problems};
use crate::{
    events::{Group, Topic},
    problem::{Kind, Problem},
    records::{DeadLetter, Discarded, LettersWanted},
};

/// The most dead letters of one answer.
const MOST: u32 = 100;
/// The longest reason to discard one, in characters.
const MOST_REASON: usize = 500;

/// An event that a group of consumers could not handle, and that was put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterState {
    /// Its number: greater than those of the dead letters before it.
    pub id: i64,
    /// Who could not handle it, such as `recorder`.
    pub group: String,
    /// The event's topic.
    pub topic: String,
    /// The event's id; of what is no event, its place in Kafka.
    pub event: String,
    /// Why it could not be handled, the last time.
    pub reason: String,
    /// How often it was tried, all in all.
    pub tries: u32,
    /// When it was put aside, the last time, microseconds since the Unix epoch.
    pub buried_at: i64,
    /// Whether it is about to be handled once more.
    pub replaying: bool,
    /// What was put aside: the CloudEvent in its JSON form, or whatever was there instead. Only where one is asked for, and
    /// only where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The same in hexadecimal digits, where it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hex: Option<String>,
}

/// Which dead letters are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLettersWanted {
    /// With a greater number than this.
    pub after: i64,
    /// At most so many; 0 means the most: 100.
    pub limit: u32,
    /// Of this group alone.
    pub group: Option<Group>,
    /// Of this topic alone.
    pub topic: Option<Topic>,
}

/// Why a dead letter need not be handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterDiscard {
    /// For whoever asks later, in the topic `dead-letters`.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

impl Service {
    /// Events that could not be handled and were put aside, in order, without their contents. For officers.
    pub async fn dead_letters(
        &self,
        caller: &Caller,
        wanted: DeadLettersWanted,
    ) -> Result<Vec<DeadLetterState>, Problem> {
        self.core.dead_letters(caller, wanted).await
    }

    /// The dead letter of this number, with its content. For officers.
    pub async fn dead_letter(&self, caller: &Caller, id: i64) -> Result<DeadLetterState, Problem> {
        self.core.dead_letter(caller, id).await
    }

    /// Has a dead letter handled once more, by its group. Handled, it is gone; where it cannot be, it is put aside again. For
    /// officers.
    pub async fn replay_dead_letter(&self, caller: &Caller, id: i64) -> Result<DeadLetterState, Problem> {
        self.core.replay_dead_letter(caller, id).await
    }

    /// Takes a dead letter away unhandled: it is told who did and why. Answers as it was. For officers.
    pub async fn discard_dead_letter(
        &self,
        caller: &Caller,
        id: i64,
        asked: DeadLetterDiscard,
    ) -> Result<DeadLetterState, Problem> {
        self.core.discard_dead_letter(caller, id, asked).await
    }
}

impl Core {
    async fn dead_letters(
        &self,
        caller: &Caller,
        wanted: DeadLettersWanted,
    ) -> Result<Vec<DeadLetterState>, Problem> {
        caller.check_office()?;
        let DeadLettersWanted { after, limit, group, topic } = wanted;
        let limit = if limit == 0 { MOST } else { limit.min(MOST) };
        let wanted = LettersWanted { after, limit, group, topic };
        let letters = self.records.dead_letters(&wanted).await.map_err(problems::of_records)?;
        let listed = |letter| DeadLetterState { content: None, ..DeadLetterState::from(letter) };
        Ok(letters.into_iter().map(listed).collect())
    }

    async fn dead_letter(&self, caller: &Caller, id: i64) -> Result<DeadLetterState, Problem> {
        caller.check_office()?;
        let letter = self.records.dead_letter(id).await.map_err(problems::of_records)?;
        letter.map(DeadLetterState::from).ok_or_else(|| problems::not_found("dead letter"))
    }

    async fn replay_dead_letter(&self, caller: &Caller, id: i64) -> Result<DeadLetterState, Problem> {
        let letter = self.dead_letter(caller, id).await?;
        self.records.revive(id).await.map_err(problems::of_records)?;
        tracing::info!(letter = id, by = %caller, group = letter.group, "a dead letter is to be handled once more");
        Ok(DeadLetterState { replaying: true, ..letter })
    }

    async fn discard_dead_letter(
        &self,
        caller: &Caller,
        id: i64,
        asked: DeadLetterDiscard,
    ) -> Result<DeadLetterState, Problem> {
        let letter = self.dead_letter(caller, id).await?;
        let reason = asked.reason.trim();
        if reason.is_empty() || reason.chars().count() > MOST_REASON {
            let detail = format!("say in 1 to {MOST_REASON} characters why it need not be handled");
            return Err(Problem::new(Kind::Invalid, "letter.reason", detail));
        }
        let (by, at) = (caller.to_string(), (self.clock)());
        let decided = Discarded { by, reason: reason.to_owned(), at };
        let was_there = self.records.discard(id, Some(&decided)).await.map_err(problems::of_records)?;
        if !was_there {
            return Err(problems::not_found("dead letter"));
        }
        let Discarded { by, reason, .. } = decided;
        tracing::warn!(letter = id, by, reason, event = letter.event, "a dead letter was discarded");
        Ok(letter)
    }
}

impl From<DeadLetter> for DeadLetterState {
    fn from(DeadLetter { id, letter, revived }: DeadLetter) -> Self {
        let (content, content_hex) = match String::from_utf8(letter.content) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(hex::encode(error.as_bytes()))),
        };
        Self {
            id,
            group: letter.group.to_string(),
            topic: letter.topic.to_string(),
            event: letter.event,
            reason: letter.reason,
            tries: letter.tries,
            buried_at: letter.at,
            replaying: revived,
            content,
            content_hex,
        }
    }
}
