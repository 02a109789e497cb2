//! The program as a user has it: its real binary, on the embedded engines, in a directory of its own.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod admin;
mod keys;
mod program;
