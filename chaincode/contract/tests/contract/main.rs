//! The contract through its one door, `invoke`, over a ledger in memory.
#![allow(missing_docs, unreachable_pub, reason = "tests")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod access;
mod acts;
mod credentials;
mod deciding;
mod documents;
mod erasures;
mod forms;
mod hostile;
mod ledger;
mod objections;
mod officers;
mod people;
mod reads;
mod record;
mod registry;
mod replay;
mod signature_forms;
mod signatures;
mod signers;
mod signing;
mod standing;
mod trail;
mod wallets;
mod world;
