//! What the monitor is shown: an event, read.

use serde::Deserialize;

use crate::{
    events::{
        Event, Topic,
        data::{DeadLetterTold, EntriesRecorded, SignatureVerified},
    },
    records::Alert,
};

/// An event, as the rules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// The event's id: the same event again has the same.
    pub(super) id: String,
    /// Its time, microseconds since the Unix epoch.
    pub(super) at: i64,
    /// What it tells.
    pub(super) what: What,
}

/// What an event tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A signature was verified, with whatever outcome.
    Verified(SignatureVerified),
    /// A batch of entries came to rest on the ledger.
    Recorded(EntriesRecorded),
    /// An alert was raised, by the watch, an audit or the monitor.
    Alerted(Box<Alert>),
    /// An event was put aside.
    PutAside(DeadLetterTold),
}

/// The topics that some rule looks at.
pub const TOPICS: [Topic; 4] =
    [Topic::SignaturesVerified, Topic::RecordsEntries, Topic::Alerts, Topic::DeadLetters];

impl Seen {
    /// Reads an event; `None` of a topic that no rule looks at.
    pub(super) fn of(Event { id, topic, time, data, .. }: &Event) -> serde_json::Result<Option<Self>> {
        let what = match topic {
            Topic::SignaturesVerified => What::Verified(Deserialize::deserialize(data)?),
            Topic::RecordsEntries => What::Recorded(Deserialize::deserialize(data)?),
            Topic::Alerts => What::Alerted(Deserialize::deserialize(data)?),
            Topic::DeadLetters => What::PutAside(Deserialize::deserialize(data)?),
            Topic::SignaturesRequested | Topic::SignaturesCreated | Topic::SignaturesRecorded => {
                return Ok(None);
            }
        };
        Ok(Some(Self { id: id.clone(), at: *time, what }))
    }
}
