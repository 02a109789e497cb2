//! `sillok objection`: a learner says that an entry about them is wrong, an officer decides.

mod decide;
mod file;
mod reason;
mod show;
mod who;

use clap::{Args, Subcommand};

use super::{Failure, Program};

/// Objections to entries.
///
/// A learner objects with the key of their wallet, an officer decides with their own; both are on the ledger, and the reasons
/// with the offices alone. An office has 30 days to decide.
#[derive(Debug, Args)]
pub struct Objection {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Objects to an entry. For its learner.
    File(file::File),
    /// Lists objections: for the offices those that are not decided, for a learner their own.
    List(show::List),
    /// Shows an objection with its reasons.
    Show(show::Show),
    /// Upholds an objection, naming the correction that puts the entry right. For officers.
    Uphold(decide::Uphold),
    /// Dismisses an objection, with a reason. For officers.
    Dismiss(decide::Dismiss),
}

impl Objection {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        match self.what {
            What::File(command) => command.run(program).await,
            What::List(command) => command.run(program).await,
            What::Show(command) => command.run(program).await,
            What::Uphold(command) => command.run(program).await,
            What::Dismiss(command) => command.run(program).await,
        }
    }
}
