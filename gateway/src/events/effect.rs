//! What comes of an event, written in one transaction.

use serde_json::Value;

use super::{Group, NewEvent, data::Failure};
use crate::records::{SignatureState, StoredSignature};

/// What comes of an event, or of a request: all of it is written, or nothing. See [`crate::records::Events::commit`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effect {
    /// The event that it comes of, and who handled it: done once, however often the event is delivered.
    pub of: Option<Handled>,
    /// Changes of signatures.
    pub signatures: Vec<SignatureChange>,
    /// Events that tell of it.
    pub events: Vec<NewEvent>,
}

/// A group has handled an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handled {
    /// The group.
    pub group: Group,
    /// The event's id.
    pub event: String,
}

/// A change of what is kept of a signature.
#[derive(Clone, Debug, PartialEq)]
pub enum SignatureChange {
    /// A signature that is not there yet.
    New(StoredSignature),
    /// One that is there goes on to another state.
    Move(SignatureMove),
}

impl SignatureChange {
    /// Which signature.
    pub(crate) fn id(&self) -> &[u8; 32] {
        match self {
            Self::New(signature) => &signature.id,
            Self::Move(change) => &change.id,
        }
    }

    /// Whether it can be made where the signature stands like this.
    pub(crate) fn fits(&self, now: Option<SignatureState>) -> bool {
        match self {
            Self::New(_) => now.is_none(),
            Self::Move(change) => now == Some(change.from),
        }
    }

    /// Where the signature stands after it.
    pub(crate) fn state(&self) -> SignatureState {
        match self {
            Self::New(signature) => signature.state,
            Self::Move(change) => change.to,
        }
    }
}

/// A signature goes from one state to another. What is none here stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct SignatureMove {
    /// Which.
    pub id: [u8; 32],
    /// Where it has to be.
    pub from: SignatureState,
    /// Where it goes.
    pub to: SignatureState,
    /// The verdict.
    pub verdict: Option<Value>,
    /// The ledger's transaction, and its block.
    pub recorded: Option<(String, u64)>,
    /// Why it was refused.
    pub refusal: Option<Failure>,
    /// When, microseconds since the Unix epoch.
    pub at: i64,
}

impl SignatureMove {
    /// One that changes where the signature stands, and nothing else.
    pub fn new(id: [u8; 32], from: SignatureState, to: SignatureState, at: i64) -> Self {
        Self { id, from, to, verdict: None, recorded: None, refusal: None, at }
    }
}

impl Effect {
    /// An effect of this event, handled by this group, that is nothing yet.
    pub fn of(group: &Group, event: impl Into<String>) -> Self {
        Self { of: Some(Handled { group: group.clone(), event: event.into() }), ..Self::default() }
    }

    /// The same, and this change.
    #[must_use]
    pub fn change(mut self, change: SignatureChange) -> Self {
        self.signatures.push(change);
        self
    }

    /// The same, and this event.
    #[must_use]
    pub fn tell(mut self, event: NewEvent) -> Self {
        self.events.push(event);
        self
    }
}
