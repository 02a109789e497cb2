//! `sillok keys learner`

use clap::Args;
use sillok_contract::id::LearnerId;

use super::{Holders, Made};
use crate::{
    cli::{Exit, Failure, Program},
    keys::{KeyError, PrivateKey, PublicKey},
};

/// Makes the key of a learner's wallet: ID.key, and its public half ID.public.pem.
#[derive(Debug, Args)]
pub(super) struct Learner {
    #[command(flatten)]
    holders: Holders,
}

impl Learner {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        self.holders.each(program, LearnerId::new, |id, holders| holders.pair(id.as_str(), ""))
    }
}

impl Holders {
    /// One's ID.key and, beside it, its public half ID.public.pem, made anew unless they are kept. `kind` comes after the
    /// id where ID.key is another.
    pub(super) fn pair(&self, id: &str, kind: &str) -> Result<Made, Failure> {
        let file = |extension: &str| self.out.join(format!("{id}{kind}.{extension}"));
        let (key, public_key) = (file("key"), file("public.pem"));
        let new = !(self.keeps() && key.exists() && public_key.exists());
        if new {
            if public_key.exists() {
                return Err(KeyError::Exists(public_key).into());
            }
            let made = PrivateKey::generate()?;
            made.write_new(&key)?;
            made.public_key().write_new(&public_key)?;
        } else {
            check_pair(&key, &public_key)?;
        }
        let (public_key, certificate, thumbprint) = (Some(public_key), None, None);
        Ok(Made { id: id.to_string(), key, public_key, certificate, thumbprint, new })
    }
}

fn check_pair(key: &std::path::Path, public_key: &std::path::Path) -> Result<(), Failure> {
    let pem = std::fs::read_to_string(public_key).map_err(|error| KeyError::file(public_key, error))?;
    if PublicKey::from_pem(&pem)? == *PrivateKey::read(key)?.public_key() {
        return Ok(());
    }
    let detail = format!("{} is not the public half of {}", public_key.display(), key.display());
    Err(Failure::new(Exit::Usage, "key.not_a_pair", detail))
}
