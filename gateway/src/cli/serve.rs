//! `sillok serve`

use super::{Failure, Program};
use crate::config::Settings;

/// Runs the gateway.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Prints every configuration key with its documentation and default, and ends.
    #[arg(long)]
    print_config: bool,
}

impl Serve {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        if self.print_config {
            print!("{}", Settings::reference());
            return Ok(());
        }
        let _settings = program.settings()?;
        Ok(())
    }
}
