//! `sillok wallet`: what a learner keeps of all that was recorded about them, under a passphrase.

mod export;
pub(super) mod file;
mod new;
pub(super) mod passphrase;
mod rekey;
mod show;
pub(super) mod sync;
mod verify;

use clap::{Args, Subcommand};

use super::{Exit, Failure, Program, on_threads};
use crate::wallet::{SealError, WalletError};

/// A learner's wallet: their key, and a proof of every entry about them.
///
/// The file is under a passphrase, in the format of age. The passphrase is asked for at the terminal, or taken from
/// --passphrase-file or from SILLOK_WALLET_PASSPHRASE.
#[derive(Debug, Args)]
pub struct Wallet {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Makes a wallet with a new key, and the key's public half for the support office.
    New(new::New),
    /// Fetches the proofs of what was recorded since, and has both offices attest how many there are.
    Sync(sync::Sync),
    /// Lists what was recorded: who asked what, and when.
    Show(show::Show),
    /// Verifies the wallet offline: that every proof holds and none is missing.
    Verify(verify::Verify),
    /// Writes the proofs as files, for others to verify.
    Export(export::Export),
    /// Puts a new key or a new passphrase in the place of the old one.
    Rekey(rekey::Rekey),
}

impl Wallet {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        match self.what {
            What::New(command) => command.run(program),
            What::Sync(command) => on_threads(command.run(program)),
            What::Show(command) => command.run(program),
            What::Verify(command) => command.run(program),
            What::Export(command) => command.run(program),
            What::Rekey(command) => command.run(program),
        }
    }
}

impl From<WalletError> for Failure {
    fn from(error: WalletError) -> Self {
        let exit = match &error {
            WalletError::Malformed(_) => Exit::Usage,
            error if error.is_gap() => Exit::Drift,
            _ => Exit::Unverified,
        };
        Self::new(exit, error.code(), error.to_string())
    }
}

impl From<SealError> for Failure {
    fn from(error: SealError) -> Self {
        let (exit, code) = match error {
            SealError::Malformed | SealError::Work => (Exit::Usage, "wallet.malformed"),
            SealError::Passphrase => (Exit::Refused, "wallet.passphrase"),
            SealError::Sealing(_) => (Exit::Failed, "wallet.sealing"),
            SealError::Damaged => (Exit::Unverified, "wallet.damaged"),
        };
        Self::new(exit, code, error.to_string())
    }
}
