//! The contract served as Fabric chaincode: each office runs one such server, and its peer connects to it.
//!
//! The rules are `sillok-contract`'s, the protocol is `sillok-shim`'s; here they are put together.

pub mod contract;
pub mod ledger;
pub mod logs;
