//! The ledger on Hyperledger Fabric, by way of a peer's gateway service.

pub mod receipt;
