//! Dead letters: events that a group could not handle and that were put aside.

use crate::events::{Group, NewEvent, Topic, data::DeadLetterTold};

/// An event that is to be put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDeadLetter {
    /// Who could not handle it.
    pub group: Group,
    /// The event's id; of what is no event, its place.
    pub event: String,
    /// Where it was read.
    pub topic: Topic,
    /// What was read: the CloudEvent in its JSON form, or whatever was there instead.
    pub content: Vec<u8>,
    /// Why it could not be handled.
    pub reason: String,
    /// How often it was tried.
    pub tries: u32,
    /// When, microseconds since the Unix epoch.
    pub at: i64,
}

/// An event that was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number.
    pub id: i64,
    /// What was put aside.
    pub letter: NewDeadLetter,
    /// Whether it is to be handled once more.
    pub revived: bool,
}

/// Which dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LettersWanted {
    /// With a greater number than this.
    pub after: i64,
    /// At most so many.
    pub limit: u32,
    /// Of this group alone.
    pub group: Option<Group>,
    /// Of this topic alone.
    pub topic: Option<Topic>,
}

/// How many dead letters a group has of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterCount {
    /// The group.
    pub group: Group,
    /// The topic.
    pub topic: Topic,
    /// How many.
    pub letters: u64,
}

/// Somebody decided that an event need not be handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discarded {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, microseconds since the Unix epoch.
    pub at: i64,
}

impl NewDeadLetter {
    /// What tells of it: not the event itself, which may be what is wrong.
    pub(super) fn told(&self, id: i64) -> NewEvent {
        self.tell(id, self.at, None)
    }

    fn tell(&self, id: i64, at: i64, discarded: Option<&Discarded>) -> NewEvent {
        let told = DeadLetterTold {
            id,
            group: self.group.to_string(),
            event: self.event.clone(),
            topic: self.topic.to_string(),
            reason: self.reason.clone(),
            tries: self.tries,
            discarded: discarded.map(Into::into),
        };
        let data = serde_json::to_value(told).unwrap_or_default();
        NewEvent::new(Topic::DeadLetters, self.group.as_str(), &format!("{id}/{at}"), at, data)
    }
}

impl DeadLetter {
    /// What tells that it was taken away unhandled.
    pub(super) fn told_discarded(&self, decided: &Discarded) -> NewEvent {
        self.letter.tell(self.id, decided.at, Some(decided))
    }
}
