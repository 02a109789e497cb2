//! Why: from the arguments or a file.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Failure;

/// A reason.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Reason {
    /// Why, in your words. For the learner and the offices alone.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The file that says why.
    #[arg(long, value_name = "FILE")]
    reason_file: Option<PathBuf>,
}

impl Reason {
    pub(super) fn text(&self) -> Result<String, Failure> {
        match (&self.reason, &self.reason_file) {
            (Some(text), _) => Ok(text.clone()),
            (None, Some(file)) => std::fs::read_to_string(file)
                .map_err(|error| Failure::usage(format!("{}: {error}", file.display()))),
            (None, None) => Err(Failure::usage("say why with --reason or --reason-file")),
        }
    }
}
