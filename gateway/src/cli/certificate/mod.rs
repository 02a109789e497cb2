//! `sillok certificate`: a learner's record, certified by an office and countersigned by the learner.

mod file;
pub(super) mod learner;
mod list;
pub(super) mod officer;
mod print;
mod show;
mod told;
pub(super) mod verify;

use clap::{Args, Subcommand};

use super::{Failure, Program, on_threads};

/// Certificates of learners' records: asked for, signed, countersigned, revoked and verified.
#[derive(Debug, Args)]
pub struct Certificate {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Asks for a certificate, as a learner with a wallet that is in step with the ledger.
    Request(learner::Request),
    /// Checks what an office signed, and agrees to it, as the learner.
    Countersign(learner::Countersign),
    /// Lists what waits for an office, as an officer.
    List(list::List),
    /// Checks a draft and signs it, as an officer.
    Sign(officer::Sign),
    /// Refuses a certificate, for what the report says, as an officer.
    Refuse(officer::Refuse),
    /// Withdraws a certificate, as an officer.
    Revoke(officer::Revoke),
    /// Tells where a certificate stands, and keeps its file.
    Show(show::Show),
    /// Prints a certificate's file as a PDF.
    Print(print::Print),
    /// Verifies a certificate: everything offline but its status.
    Verify(verify::Verify),
}

impl Certificate {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        match self.what {
            What::Request(command) => on_threads(command.run(program)),
            What::Countersign(command) => on_threads(command.run(program)),
            What::List(command) => on_threads(command.run(program)),
            What::Sign(command) => on_threads(command.run(program)),
            What::Refuse(command) => on_threads(command.run(program)),
            What::Revoke(command) => on_threads(command.run(program)),
            What::Show(command) => on_threads(command.run(program)),
            What::Print(command) => command.run(program),
            What::Verify(command) => command.run(program),
        }
    }
}
