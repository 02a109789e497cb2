//! `sillok certificate show`

use std::path::PathBuf;

use clap::Args;

use super::told;
use crate::{
    certificate::CertificateId,
    cli::{
        Failure, Program,
        gateway::{Credentials, Gateway},
        private_file,
        wallet::{file, passphrase::Source},
    },
    client::Client,
};

/// Tells where a certificate stands: to its learner, by the wallet, or to somebody of an office.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The certificate's id.
    id: CertificateId,
    #[command(flatten)]
    gateway: Gateway,
    /// The learner's wallet.
    #[arg(long, value_name = "FILE")]
    wallet: Option<PathBuf>,
    #[command(flatten)]
    passphrase: Source,
    #[command(flatten)]
    credentials: Credentials,
    /// Keeps the certificate's file under this name, once it is issued.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Show {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.client()?;
        let state = client.certificate(self.id).await?;
        if let Some(out) = &self.out {
            private_file::write(out, &client.certificate_file(self.id).await?)?;
        }
        told::state(program, &state);
        Ok(())
    }

    fn client(&self) -> Result<Client, Failure> {
        let Some(wallet) = &self.wallet else { return self.gateway.office_client(&self.credentials) };
        let client =
            self.gateway.client()?.ok_or_else(|| Failure::usage("name the gateway with --gateway"))?;
        Ok(client.with_access(file::open(wallet, &self.passphrase)?.wallet.access()))
    }
}
