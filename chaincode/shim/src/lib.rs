//! Fabric's chaincode protocol as a service, for chaincode written in Rust.
