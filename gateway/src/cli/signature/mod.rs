//! `sillok sign` and `sillok signature`: somebody signs a document, anybody finds out who did.

mod paper;
mod proof;
mod show;
mod sign;
mod wait;

use clap::{Args, Subcommand};

pub(super) use paper::{Paper, purpose};
pub(super) use sign::Sign;

use super::{Failure, Program, on_threads};

/// Signatures of documents.
#[derive(Debug, Args)]
pub struct Signature {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tells where a signature stands, and what verifying it gave. For its signer and the offices.
    Show(show::Show),
    /// Tells who has signed a document. For anybody who has it.
    List(show::List),
    /// Fetches the proof of a recorded signature. For anybody.
    Proof(proof::Proof),
    /// Verifies a signature by its proof, offline.
    Verify(proof::Verify),
}

impl Signature {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        match self.what {
            What::Show(command) => on_threads(command.run(program)),
            What::List(command) => on_threads(command.run(program)),
            What::Proof(command) => on_threads(command.run(program)),
            What::Verify(command) => command.run(program),
        }
    }
}
