//! The gateway between schools and offices: an educator's signed request goes in, its effect comes to rest in the
//! records database and its entries on the ledger.
//!
//! Data flows one way: a face (`rest`, `grpc`, [`cli`]) calls the [`service`], the service calls the engines
//! ([`records`], [`ledger`]) through their traits. Only [`ledger::fabric`] knows Fabric's messages.

pub mod archive;
pub mod base64url;
pub mod certificate;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod drift;
pub mod events;
mod grpc;
pub mod keys;
pub mod ledger;
pub mod monitor;
pub mod problem;
pub mod proof;
pub mod records;
mod rest;
pub mod server;
pub mod service;
pub mod signature;
pub mod telemetry;
mod trust;
pub mod verdict;
pub mod wallet;
