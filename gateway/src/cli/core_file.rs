//! Core files: they would hold every key and password that the process has read.

use rustix::process::{Resource, Rlimit, setrlimit};

use super::Failure;

/// From here on this process leaves no core file. A limit of one byte is less than the smallest one has, and to Linux
/// says besides that none is piped to a program that collects them, for which no other limit counts.
pub(super) fn forbid() -> Result<(), Failure> {
    let none = Rlimit { current: Some(1), maximum: Some(1) };
    setrlimit(Resource::Core, none).map_err(|error| Failure::io(error.into()))
}
