//! Hyperledger Fabric's chaincode protocol, for chaincode written in Rust and run as a service.
//!
//! A peer connects to the chaincode (Fabric's "chaincode as an external service"), sends it transactions, and answers
//! its calls of the ledger. This crate is the chaincode's side of that: implement [`Chaincode`], and [`serve`] it.
//!
//! ```no_run
//! use sillok_shim::{Chaincode, Response, Settings, Stub, serve, termination};
//!
//! struct Counter;
//!
//! impl Chaincode for Counter {
//!     fn invoke(&self, stub: &Stub) -> Response {
//!         let before = stub.get_state("count").map(Option::unwrap_or_default);
//!         let written = before.and_then(|before| stub.put_state("count", [&before[..], b"I"].concat()));
//!         written.map_or_else(|error| Response::error(error.to_string()), |()| Response::success("counted"))
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     Ok(serve(Counter, Settings::from_env()?, termination()).await?)
//! }
//! ```
//!
//! # What holds
//!
//! - Transactions run side by side, at most [`Limits::max_transactions`] at once, each on a thread that may block.
//!   Within one, calls of the ledger go one after the other, as the protocol demands; [`Stub`] is not `Sync`.
//! - Writes go in batches, and several keys are read at once, where the peer offers it (Fabric 3.1 and
//!   `chaincode.runtimeParams`); one by one where it does not.
//! - A call of the ledger has a time limit. The protocol numbers no answers, so after a late, doubled or malformed one
//!   the transaction ends with ERROR, whatever the chaincode makes of it.
//! - A panic, or a stream that drops, ends the transactions it concerns and no others.
//! - Messages may have 100 MiB both ways, as with Fabric's peers.
//! - When told to stop, the server refuses new transactions, waits for running ones, and closes its streams.
//!
//! # What is not here
//!
//! The older way, in which a peer starts the chaincode and the chaincode connects to it. The proposal's binding:
//! [`Stub::signed_proposal`] has all it is made of.

mod chaincode;
pub mod composite_key;
mod connection;
mod error;
mod exchange;
mod invocation;
mod mailbox;
mod server;
mod session;
mod settings;
mod signal;
mod stub;
mod transaction;
mod write_batch;

pub use chaincode::{Chaincode, Response};
pub use error::LedgerError;
pub use server::{ServeError, run, serve};
pub use settings::{Limits, SettingError, Settings, Tls};
pub use signal::termination;
pub use stub::{
    HistoryIterator, Identity, KeyModification, KeyValue, Page, PrivateData, Results, StateIterator, Stub,
};

pub use prost::bytes::Bytes;
pub use prost_types::Timestamp;

/// The protocol without its I/O: what a peer may say, decoded and judged. Pure, so that it can be fuzzed.
pub mod protocol {
    pub use crate::invocation::{Invocation, InvocationError, Proposal, TransactionKey};
    pub use crate::session::{Features, Session, Step};
}
