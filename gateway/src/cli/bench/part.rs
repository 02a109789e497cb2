//! The parts of a bench: each can be left out, or measured alone.

use clap::ValueEnum;
use serde::Serialize;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    /// Requests through the gateway, and what the same queries cost without it.
    Queries,
    /// Verification of learners, their wallets and their certificates.
    Learners,
    /// Signatures of documents; and, on a network, the broker alone, and verifiers beside each other.
    Platform,
    /// Writes past the gateway, on PostgreSQL.
    Watch,
    /// The audit of everything that was recorded, at the end.
    Audit,
}
