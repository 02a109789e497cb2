//! The gateway's gRPC API and the ledgers' stored messages, compiled from the files in `protos/`.

/// What the ledger stores and hashes.
pub mod ledger {
    #![allow(missing_docs, clippy::all, reason = "generated; documented in protos/ledger.proto")]
    tonic::include_proto!("sillok.ledger.v1");
}

/// The gateway's gRPC API.
pub mod gateway {
    #![allow(missing_docs, clippy::all, reason = "generated; documented in protos/gateway.proto")]
    tonic::include_proto!("sillok.v1");
}

/// How the embedded ledger writes transactions and blocks.
pub mod embedded {
    #![allow(missing_docs, clippy::all, reason = "generated; documented in protos/embedded.proto")]
    tonic::include_proto!("sillok.embedded.v1");
}

/// The descriptors of all, for the gRPC reflection service.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sillok.bin"));
