//! The service on SQLite and the embedded ledger.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod audit;
mod certificates;
mod drift;
mod faults;
mod mend;
mod objections;
mod officers;
mod recording;
mod requests;
mod restore;
mod seeing;
mod signing;
mod survival;
mod town;
