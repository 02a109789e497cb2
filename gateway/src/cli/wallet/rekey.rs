//! `sillok wallet rekey`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{
    file::Named,
    new::write_public,
    passphrase::{chosen, chosen_in},
};
use crate::cli::{Failure, Program};

/// Puts a new key in the place of the old one, or a new passphrase, or both.
///
/// The new key's public half is beside the wallet, with the extension jwk: the support office registers it, which ends
/// the old key. Until then a gateway does not know the wallet; what it holds stays as it is.
#[derive(Debug, Args)]
pub(super) struct Rekey {
    #[command(flatten)]
    wallet: Named,
    /// Makes a new key.
    #[arg(long, required_unless_present_any = ["passphrase", "new_passphrase_file"])]
    key: bool,
    /// Asks for a new passphrase at the terminal.
    #[arg(long, conflicts_with = "new_passphrase_file")]
    passphrase: bool,
    /// Takes the new passphrase from this file's first line.
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Rekeyed {
    wallet: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<PathBuf>,
}

impl Rekey {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        let mut opened = self.wallet.open()?;
        match &self.new_passphrase_file {
            Some(file) => opened.put_under(chosen_in(file)?),
            None if self.passphrase => opened.put_under(chosen()?),
            None => {}
        }
        let mut public_key = None;
        if self.key {
            opened.wallet.renew_key()?;
            public_key = Some(opened.file.with_extension("jwk"));
        }
        opened.save()?;
        if let Some(file) = &public_key {
            write_public(file, &opened.wallet.public_jwk())?;
        }
        program.output.result(&Rekeyed { wallet: opened.file, public_key }, |done| match &done.public_key {
            Some(key) => format!("give {} to the support office, which registers it", key.display()),
            None => format!("{} is under the new passphrase", done.wallet.display()),
        });
        Ok(())
    }
}
