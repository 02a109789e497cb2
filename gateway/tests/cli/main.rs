//! The program as a user has it: its real binary, on the embedded engines, in a directory of its own.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod admin;
mod archive;
mod bench;
mod drift;
mod files;
mod keys;
mod objection;
mod program;
mod proof;
mod request;
mod roles;
mod secrets;
mod served;
mod signings;
mod story;
mod wallet;
mod withheld;

#[path = "../ledger/engines.rs"]
#[allow(dead_code, reason = "the ledgers' suite has use for more of it")]
mod engines;
#[path = "../ledger/school.rs"]
#[allow(dead_code, reason = "the ledgers' suite has use for more of it")]
mod school;
