//! `sillok watch`: what the watch keeps in the records database.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Failure, Program};
use crate::{records, server::StartError};

/// Administers the watch for writes past the gateway.
#[derive(Debug, Args)]
pub struct Watch {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Gives up the replication slot and the publication that the watch keeps in the records database, which is the
    /// configuration's: PostgreSQL keeps its log for a slot until somebody hears it.
    ///
    /// Stop the gateways first, or set records.watch.mode = "off" for them: a gateway that watches makes both anew. What
    /// was not seen by then is not told any more; an audit finds it.
    Drop,
}

#[derive(Serialize)]
struct Dropped {
    dropped: bool,
}

impl Watch {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let Command::Drop = self.command;
        let settings = program.settings()?.records();
        let dropped = records::drop_watch(&settings).await.map_err(StartError::from)?;
        program.output.result(&Dropped { dropped }, |done| {
            let told = if done.dropped {
                "the replication slot is dropped"
            } else {
                "there was no replication slot"
            };
            told.to_owned()
        });
        Ok(())
    }
}
