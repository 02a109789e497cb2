//! The wallet's file: read whole, and written whole or not at all, for its owner alone.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;

use super::passphrase::Source;
use crate::{
    cli::{Failure, private_file},
    wallet::{Passphrase, Wallet},
};

/// Between two saves in the course of work, so many times as long is worked as the last one took.
const SPARINGLY: u32 = 10;
/// The longest file that is read, in bytes.
const LONGEST: u64 = 1024 * 1024 * 1024;

/// A wallet that is there.
#[derive(Debug, Args)]
pub(in crate::cli) struct Named {
    /// The wallet's file.
    #[arg(value_name = "WALLET")]
    file: PathBuf,
    #[command(flatten)]
    passphrase: Source,
}

/// A wallet that was opened.
pub(in crate::cli) struct Opened {
    pub(in crate::cli) wallet: Wallet,
    pub(super) file: PathBuf,
    passphrase: Passphrase,
    /// When it was last saved, and how long that took.
    saved: (Instant, Duration),
}

impl Named {
    /// Opens it.
    pub(in crate::cli) fn open(&self) -> Result<Opened, Failure> {
        open(&self.file, &self.passphrase)
    }
}

/// Opens the wallet in a file.
pub(in crate::cli) fn open(file: &Path, passphrase: &Source) -> Result<Opened, Failure> {
    let bytes = read(file)?;
    let passphrase = passphrase.known()?;
    let content = passphrase.open(&bytes).map_err(|error| {
        let failure = Failure::from(error);
        Failure { detail: format!("{}: {}", file.display(), failure.detail), ..failure }
    })?;
    let (wallet, saved) = (Wallet::parse(&content)?, (Instant::now(), Duration::ZERO));
    Ok(Opened { wallet, file: file.to_owned(), passphrase, saved })
}

impl Opened {
    /// Writes it in the place of what was there: whoever looks finds the old one or the new one, whole.
    pub(super) fn save(&mut self) -> Result<(), Failure> {
        let began = Instant::now();
        private_file::write(&self.file, &self.passphrase.seal(&self.wallet.to_json()?)?)?;
        self.saved = (Instant::now(), began.elapsed());
        Ok(())
    }

    /// Saves it, unless that was done a moment ago: a large wallet takes long to write, and is not written all the time.
    pub(super) fn save_now_and_then(&mut self) -> Result<(), Failure> {
        let (last, took) = self.saved;
        if last.elapsed() > took * SPARINGLY { self.save() } else { Ok(()) }
    }

    /// The same under another passphrase.
    pub(super) fn put_under(&mut self, passphrase: Passphrase) {
        self.passphrase = passphrase;
    }
}

/// Writes a new wallet; refuses to overwrite.
pub(super) fn create(path: &Path, wallet: &Wallet, passphrase: &Passphrase) -> Result<(), Failure> {
    private_file::write_new(path, &passphrase.seal(&wallet.to_json()?)?)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}
