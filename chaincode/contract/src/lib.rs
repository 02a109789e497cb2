//! The rules: who may do what, what an entry and a batch must be, and what the ledger then holds.
//!
//! Everything here is a function of a [`Ledger`] and its arguments: no I/O, no clock, no randomness, no Fabric type.
//! The chaincode runs it at each office's peer, the embedded ledger runs it in the gateway's process, and both give
//! the same answers.

pub mod access;
pub mod act;
mod argument;
pub mod batch;
pub mod certificate;
pub mod claim;
pub mod credential;
pub mod digest;
pub mod document;
pub mod entry;
pub mod erasure;
pub mod function;
pub mod id;
mod json;
mod jws;
pub mod key;
pub mod ledger;
pub mod merkle;
pub mod message;
mod metadata;
pub mod objection;
pub mod purpose;
mod query;
pub mod refusal;
pub mod registry;
pub mod request;
pub mod signature;
mod snapshot;

pub use function::invoke;
pub use ledger::{Creator, Ledger, Page};
pub use refusal::{Code, Refusal};
