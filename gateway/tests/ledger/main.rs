//! Ledgers: what every engine owes, what each owes besides, and the proofs that rest on them.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod acts;
mod conformance;
mod embedded;
mod engines;
mod fabric;
mod proof;
mod school;
mod signatures;
mod wallet;
