//! What events are about.

use std::{fmt, str::FromStr};

/// A kind of events; in Kafka a topic of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// `signatures.requested`: somebody leaves a signature to the office that holds their key.
    SignaturesRequested,
    /// `signatures.created`: a signature came in and is of its form.
    SignaturesCreated,
    /// `signatures.verified`: a verdict on it; or that the office did not make it, and why.
    SignaturesVerified,
    /// `signatures.recorded`: it is on the ledger, or the ledger refused it.
    SignaturesRecorded,
    /// `records.entries`: a school's batch came to rest on the ledger.
    RecordsEntries,
    /// `alerts`: an alert was raised.
    Alerts,
    /// `dead-letters`: an event could not be handled and was put aside.
    DeadLetters,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::SignaturesRequested,
        Self::SignaturesCreated,
        Self::SignaturesVerified,
        Self::SignaturesRecorded,
        Self::RecordsEntries,
        Self::Alerts,
        Self::DeadLetters,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignaturesRequested => "signatures.requested",
            Self::SignaturesCreated => "signatures.created",
            Self::SignaturesVerified => "signatures.verified",
            Self::SignaturesRecorded => "signatures.recorded",
            Self::RecordsEntries => "records.entries",
            Self::Alerts => "alerts",
            Self::DeadLetters => "dead-letters",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(name: &str) -> Result<Self, UnknownTopic> {
        let found = Self::ALL.into_iter().find(|topic| topic.name() == name);
        found.ok_or_else(|| UnknownTopic(name.chars().take(64).collect()))
    }
}

/// No topic has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no topic {0:?}")]
pub struct UnknownTopic(String);
