//! A document on this machine. It stays here: what leaves is its hash.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{Context, SHA256};
use clap::Args;
use sillok_contract::{digest::Digest, signature::Commitment};

use crate::cli::Failure;

/// A document.
#[derive(Debug, Args)]
pub(in crate::cli) struct Paper {
    /// The document: any file. It stays here, only its SHA-256 is sent.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Hashes what is written to it.
struct Hasher(Context);

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    /// SHA-256 of its bytes, however many there are.
    pub(in crate::cli) fn hash(&self) -> Result<Digest, Failure> {
        hash_of(&self.file)
    }
}

/// SHA-256 of a file's bytes, however many there are.
pub(super) fn hash_of(path: &Path) -> Result<Digest, Failure> {
    let mut hasher = Hasher(Context::new(&SHA256));
    let unread = |error| Failure::usage(format!("{}: {error}", path.display()));
    let mut file = File::open(path).map_err(unread)?;
    io::copy(&mut file, &mut hasher).map_err(unread)?;
    let hash = hasher.0.finish();
    Ok(Digest(hash.as_ref().try_into().expect("SHA-256 has 32 bytes")))
}

/// What a signature commits to, as an argument: `approval`, `origin`, `receipt`, `delivery`, `sender` or `creation`.
pub(in crate::cli) fn purpose(text: &str) -> Result<Commitment, String> {
    let word = |commitment: Commitment| commitment.uri().rsplit_once("#ProofOf").map_or("", |(_, word)| word);
    let found = Commitment::ALL.iter().copied().find(|it| word(*it).eq_ignore_ascii_case(text));
    found.ok_or_else(|| {
        let known: Vec<_> = Commitment::ALL.iter().map(|it| word(*it).to_ascii_lowercase()).collect();
        format!("there is no purpose {text:?}; there are {}", known.join(", "))
    })
}
