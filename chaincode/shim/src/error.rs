use std::time::Duration;

/// Why a call of the ledger did not do what was asked.
///
/// [`Refused`](Self::Refused) and [`InvalidArgument`](Self::InvalidArgument) concern one call, and the chaincode may
/// go on. The others say that the conversation with the peer is broken: what the peer has of this transaction is
/// unknown, so every further call fails and the transaction ends with ERROR, whatever the chaincode answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The peer answered ERROR: no permission, history switched off, a rich query on LevelDB, and the like.
    #[error("the peer refused {call}: {reason}")]
    Refused {
        /// The message it refused, by Fabric's name.
        call: &'static str,
        /// The peer's own words.
        reason: String,
    },
    /// An argument that Fabric would not accept, or would silently take for something else. Nothing was sent.
    #[error("{argument} {reason}")]
    InvalidArgument {
        /// Which argument.
        argument: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The transaction came without the proposal this call reads from.
    #[error("the transaction has no {0}, for the peer sent none")]
    Absent(&'static str),
    /// The peer did not answer in time. Its answer, should it come later, is dropped.
    #[error("the peer did not answer {call} within {limit:?}; the transaction may be sent again")]
    TimedOut {
        /// The message it did not answer, by Fabric's name.
        call: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// The stream to the peer ended before the answer came.
    #[error("the stream to the peer ended before {call} was answered; the transaction may be sent again")]
    StreamClosed {
        /// The message left without an answer, by Fabric's name.
        call: &'static str,
    },
    /// The peer answered what the protocol does not allow: another type, malformed bytes, twice.
    #[error("the peer broke the protocol at {call}: {found}")]
    Protocol {
        /// The message it answered so, by Fabric's name.
        call: &'static str,
        /// What came instead.
        found: String,
    },
}

impl LedgerError {
    /// A stable code for programs to compare.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "LEDGER_REFUSED",
            Self::InvalidArgument { .. } => "LEDGER_INVALID_ARGUMENT",
            Self::Absent(_) => "LEDGER_ABSENT",
            Self::TimedOut { .. } => "LEDGER_TIMED_OUT",
            Self::StreamClosed { .. } => "LEDGER_STREAM_CLOSED",
            Self::Protocol { .. } => "LEDGER_PROTOCOL",
        }
    }

    /// Whether the same transaction, sent again, may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::StreamClosed { .. })
    }

    pub(crate) fn invalid(argument: &'static str, reason: &'static str) -> Self {
        Self::InvalidArgument { argument, reason }
    }
}
