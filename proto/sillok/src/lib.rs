//! The gateway's gRPC API and the ledger's stored messages.
