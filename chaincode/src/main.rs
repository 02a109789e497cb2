//! The chaincode server.

fn main() {}
