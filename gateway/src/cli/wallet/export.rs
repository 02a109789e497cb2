//! `sillok wallet export`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::file::Named;
use crate::{
    cli::{Failure, Program, private_file},
    wallet::WalletError,
};

/// Writes the wallet's proofs as files, NUMBER.json each, which `sillok proof verify` reads. They are no longer
/// under the passphrase: whoever has them reads them.
#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    wallet: Named,
    /// The entries' numbers, as `sillok wallet show` tells them. Without one, all.
    #[arg(value_name = "NUMBER")]
    numbers: Vec<u64>,
    /// The directory to write to. Made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Serialize)]
struct Exported {
    files: Vec<PathBuf>,
}

impl Export {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        let wallet = self.wallet.open()?.wallet;
        let (held, count) = (wallet.count(), wallet.count());
        if let Some(&missing) = self.numbers.iter().find(|&&number| number == 0 || number > held) {
            return Err(WalletError::Incomplete { missing, held, count }.into());
        }
        private_file::make_directory(&self.out)?;
        let mut files = Vec::new();
        for (number, proof) in (1..).zip(wallet.proofs()) {
            if self.numbers.is_empty() || self.numbers.contains(&number) {
                let file = self.out.join(format!("{number:06}.json"));
                private_file::write(&file, proof.to_json().as_bytes())?;
                files.push(file);
            }
        }
        program.output.result(&Exported { files }, |exported| {
            let files: Vec<_> = exported.files.iter().map(|file| file.display().to_string()).collect();
            files.join("\n")
        });
        Ok(())
    }
}
