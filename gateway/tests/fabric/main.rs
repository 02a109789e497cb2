//! The Fabric client on a real network. `SILLOK_NETWORK_DIR` names the run directory of a network that
//! network/network.sh brought up; without it these tests test nothing and say so.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod batch;
mod client;
mod network;
