//! `sillok wallet new`

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use sillok_contract::id::LearnerId;

use super::{file, passphrase::Source};
use crate::{
    cli::{Exit, Failure, Program, private_file},
    keys::Jwk,
    ledger::receipt::Roots,
    wallet::Wallet,
};

/// Makes a wallet with a new key. The key's public half, ID.jwk, goes to the support office, which registers it: `sillok
/// admin learner wallet`.
#[derive(Debug, Args)]
pub(super) struct New {
    /// Your pseudonym, as the office told it.
    #[arg(long)]
    id: LearnerId,
    /// The directory with the offices' root certificates, MSP.pem each, from the offices themselves. The wallet keeps
    /// them, and checks by them whatever a gateway sends.
    #[arg(long, value_name = "DIR")]
    roots: PathBuf,
    /// The directory to write to: ID.wallet and ID.jwk. Made if it is not there.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    #[command(flatten)]
    passphrase: Source,
}

#[derive(Serialize)]
struct Made {
    wallet: PathBuf,
    public_key: PathBuf,
}

impl New {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        let roots = roots(&self.roots)?;
        let file = |extension: &str| self.out.join(format!("{}.{extension}", self.id));
        let made = Made { wallet: file("wallet"), public_key: file("jwk") };
        if made.wallet.exists() {
            return Err(private_file::exists(&made.wallet));
        }
        let passphrase = self.passphrase.chosen()?;
        private_file::make_directory(&self.out)?;
        let wallet = Wallet::new(self.id, roots)?;
        write_public(&made.public_key, &wallet.public_jwk())?;
        file::create(&made.wallet, &wallet, &passphrase)?;
        program.output.result(&made, |made| {
            format!(
                "made {}\ngive {} to the support office, which registers it; then `sillok wallet sync`",
                made.wallet.display(),
                made.public_key.display()
            )
        });
        Ok(())
    }
}

/// The offices' root certificates of a directory.
pub(super) fn roots(directory: &Path) -> Result<Roots, Failure> {
    Roots::read_dir(directory).map_err(|error| Failure::new(Exit::Usage, error.code(), error.to_string()))
}

/// Writes a wallet's public key, for the support office.
pub(super) fn write_public(path: &Path, key: &Jwk) -> Result<(), Failure> {
    let json = serde_json::to_vec(key).expect("a key has string members only");
    private_file::write(path, &json)
}
