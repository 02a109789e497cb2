//! `sillok proof fetch`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use sillok_contract::entry::EntryId;

use crate::cli::{
    Failure, Program,
    gateway::{Credentials, Gateway},
    private_file, progress,
};

/// Fetches the proofs of recorded entries from a gateway: each into DIR/ENTRY.json, which only its owner may read.
///
/// What a gateway sends is not believed: verify it with `sillok proof verify`.
#[derive(Debug, Args)]
pub(super) struct Fetch {
    /// The entries' ids, as `sillok request` printed them.
    #[arg(required = true, value_name = "ENTRY")]
    entries: Vec<EntryId>,
    #[command(flatten)]
    gateway: Gateway,
    #[command(flatten)]
    credentials: Credentials,
    /// The directory to write to. Made if it is not there.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

#[derive(Serialize)]
struct Fetched {
    files: Vec<PathBuf>,
}

impl Fetch {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client =
            self.gateway.client()?.ok_or_else(|| Failure::usage("name the gateway with --gateway"))?;
        let client = client.with_access(self.credentials.access()?);
        private_file::make_directory(&self.out)?;
        let bar = progress::bar(&program.output, self.entries.len() as u64, "proofs");
        let mut files = Vec::new();
        for entry in &self.entries {
            let proof = client.proof(*entry).await.map_err(|error| {
                let failure = Failure::from(error);
                Failure { detail: format!("entry {entry}: {}", failure.detail), ..failure }
            })?;
            let file = self.out.join(format!("{entry}.json"));
            private_file::write(&file, &proof)?;
            files.push(file);
            bar.inc(1);
        }
        drop(bar);
        program.output.result(&Fetched { files }, |fetched| {
            let files: Vec<_> = fetched.files.iter().map(|file| file.display().to_string()).collect();
            files.join("\n")
        });
        Ok(())
    }
}
