//! The world that the scenarios play in: engines, gateways, schools and their callers, and the check that everything
//! the design promises holds.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

pub mod alarm;
pub mod call;
pub mod certificate;
pub mod check;
pub mod clients;
pub mod cut;
pub mod database;
pub mod drift;
pub mod engine;
pub mod erasing;
pub mod gateway;
pub mod held;
pub mod lesson;
pub mod letters;
pub mod load;
pub mod nodes;
pub mod objecting;
pub mod patience;
pub mod platform;
pub mod pupil;
pub mod refusal;
pub mod school;
pub mod signing;
pub mod throng;
pub mod told;
pub mod world;
