//! `sillok proof`: fetches proofs, and verifies them with nothing but the offices' root certificates.

mod fetch;
mod verify;

use clap::{Args, Subcommand};

pub(super) use verify::{proved, result};

use super::{Failure, Program, on_threads};

/// Fetches proofs of entries from a gateway, and verifies them offline.
#[derive(Debug, Args)]
pub struct Proof {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Fetches the proofs of recorded entries, each into its file.
    Fetch(fetch::Fetch),
    /// Verifies proofs offline, and says what they prove.
    Verify(verify::Verify),
}

impl Proof {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        match self.what {
            What::Fetch(command) => on_threads(command.run(program)),
            What::Verify(command) => command.run(program),
        }
    }
}
