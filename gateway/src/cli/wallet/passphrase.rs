//! Where a passphrase comes from: never an argument, which every process of the machine may read.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Args;
use console::Term;
use p256::elliptic_curve::zeroize::Zeroizing;

use crate::{
    cli::{Exit, Failure},
    wallet::Passphrase,
};

const VARIABLE: &str = "SILLOK_WALLET_PASSPHRASE";
/// The longest passphrase, in bytes.
const LONGEST: u64 = 1024;
/// The fewest characters of one that is chosen (NIST SP 800-63B, section 5.1.1).
const FEWEST: usize = 8;

/// What opens the wallet.
#[derive(Debug, Args)]
pub(in crate::cli) struct Source {
    /// The file whose first line is the passphrase.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Source {
    /// The passphrase of a wallet that is there.
    pub(super) fn known(&self) -> Result<Passphrase, Failure> {
        self.given()?.map_or_else(|| asked("Passphrase of the wallet: "), Ok)
    }

    /// The passphrase of a new wallet; at the terminal asked for twice.
    pub(super) fn chosen(&self) -> Result<Passphrase, Failure> {
        self.given()?.map_or_else(chosen, long_enough)
    }

    fn given(&self) -> Result<Option<Passphrase>, Failure> {
        match &self.passphrase_file {
            Some(file) => of_file(file).map(Some),
            None => Ok(std::env::var(VARIABLE).ok().map(Passphrase::new)),
        }
    }
}

/// A new one, from the first line of a file.
pub(super) fn chosen_in(path: &Path) -> Result<Passphrase, Failure> {
    long_enough(of_file(path)?)
}

fn of_file(path: &Path) -> Result<Passphrase, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
    let line = read.map(|_| text.lines().next().unwrap_or_default().to_owned());
    line.map(Passphrase::new).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// A new one, asked for twice.
pub(super) fn chosen() -> Result<Passphrase, Failure> {
    let first = asked("New passphrase for the wallet: ")?;
    match first == asked("The same again: ")? {
        true => long_enough(first),
        false => Err(refused("the two passphrases differ")),
    }
}

fn long_enough(chosen: Passphrase) -> Result<Passphrase, Failure> {
    match chosen.length() < FEWEST {
        true => {
            Err(refused(&format!("a passphrase has at least {FEWEST} characters; several words are best")))
        }
        false => Ok(chosen),
    }
}

fn asked(prompt: &str) -> Result<Passphrase, Failure> {
    let terminal = Term::stderr();
    if !terminal.is_term() {
        return Err(refused(&format!(
            "there is no terminal to ask for the passphrase at: give --passphrase-file or {VARIABLE}"
        )));
    }
    terminal
        .write_str(prompt)
        .and_then(|()| terminal.read_secure_line())
        .map(Passphrase::new)
        .map_err(Failure::io)
}

fn refused(detail: &str) -> Failure {
    Failure::new(Exit::Usage, "wallet.passphrase", detail)
}
