//! Which gateway is called, and as whom.

use std::path::PathBuf;

use clap::Args;
use sillok_contract::certificate::Certificate;

use super::Failure;
use crate::{
    client::Client,
    keys::{AccessToken, KeyError, PrivateKey, read_certificate},
};

/// A gateway.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
pub(super) struct Gateway {
    /// The address of the gateway's REST port, such as https://gateway.example:8080.
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
    /// The authority (PEM) of its TLS certificate, where the system does not trust it.
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
    /// What the gateway calls itself: its setting service.audience.
    #[arg(long, default_value = "sillok", value_name = "NAME")]
    pub(super) audience: String,
}

impl Gateway {
    /// Whether it was named.
    pub(super) fn is_named(&self) -> bool {
        self.gateway.is_some()
    }

    /// Its client, if it was named.
    pub(super) fn client(&self) -> Result<Option<Client>, Failure> {
        let client = |address: &String| Client::new(address, &self.audience, self.root.as_deref());
        Ok(self.gateway.as_ref().map(client).transpose()?)
    }

    /// Its client, which must have been named.
    pub(super) fn named_client(&self) -> Result<Client, Failure> {
        self.client()?.ok_or_else(|| Failure::usage("name the gateway with --gateway"))
    }

    /// Its client, for somebody of an office.
    pub(super) fn office_client(&self, credentials: &Credentials) -> Result<Client, Failure> {
        Ok(self.named_client()?.with_access(credentials.office_access()?))
    }
}

/// Whose key signs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Who asks")]
pub(super) struct Credentials {
    /// Your certificate (PEM), registered on the ledger.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Its key (PKCS#8, PEM).
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl Credentials {
    /// Certificate and key.
    pub(super) fn read(&self) -> Result<(Certificate, PrivateKey), Failure> {
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let of = |path: &PathBuf, error: KeyError| {
                    let failure = Failure::from(error);
                    let detail = match failure.code.as_ref() {
                        "key.file" => failure.detail,
                        _ => format!("{}: {}", path.display(), failure.detail),
                    };
                    Failure { detail, ..failure }
                };
                let pair = (
                    read_certificate(certificate).map_err(|error| of(certificate, error))?,
                    PrivateKey::read(key).map_err(|error| of(key, error))?,
                );
                Ok(pair)
            }
            _ => Err(Failure::usage("name --certificate and --key: they sign for what you ask")),
        }
    }

    /// What proves who asks for what is not public.
    pub(super) fn access(&self) -> Result<AccessToken, Failure> {
        let (certificate, key) = self.read()?;
        Ok(AccessToken::of_certificate(&certificate, key)?)
    }

    /// The same for somebody of an office, who shows the certificate that the office's authority issued.
    pub(super) fn office_access(&self) -> Result<AccessToken, Failure> {
        let (certificate, key) = self.read()?;
        Ok(AccessToken::of_officer(&certificate, key)?)
    }
}
