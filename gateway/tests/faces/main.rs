//! The gateway's faces as a caller meets them: REST and gRPC on real ports, the program as a process.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod alerts;
mod document;
mod grpc;
mod hostile;
mod journey;
mod limits;
mod origins;
mod process;
mod rest;
mod roles;
mod running;
mod school;
mod tls;
