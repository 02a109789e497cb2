//! Who asks: a learner by their wallet, or somebody of an office by their certificate.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{
        Failure,
        gateway::{Credentials, Gateway},
        wallet::{file, passphrase::Source},
    },
    client::Client,
};

/// A learner's wallet, or an office's certificate.
#[derive(Debug, Args)]
pub(super) struct Who {
    /// Your wallet, if you are the learner.
    #[arg(long, value_name = "WALLET", conflicts_with_all = ["certificate", "key"])]
    wallet: Option<PathBuf>,
    #[command(flatten)]
    passphrase: Source,
    #[command(flatten)]
    credentials: Credentials,
}

impl Who {
    /// The gateway as they see it.
    pub(super) fn client(&self, gateway: &Gateway) -> Result<Client, Failure> {
        match &self.wallet {
            Some(wallet) => {
                let opened = file::open(wallet, &self.passphrase)?;
                Ok(gateway.named_client()?.with_access(opened.wallet.access()))
            }
            None => gateway.office_client(&self.credentials),
        }
    }
}
