//! Which gateway is called, and as whom.

use std::path::{Path, PathBuf};

use clap::Args;
use sillok_contract::{certificate::Certificate, id::SignerId};

use super::Failure;
use crate::{
    client::Client,
    keys::{AccessToken, ActSigner, KeyError, PrivateKey, read_certificate},
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
    /// Instead of both, where an office holds your certificate's key: your id as a signer.
    #[arg(long = "id", value_name = "ID", requires = "approval_key", conflicts_with_all = ["certificate", "key"])]
    approver: Option<SignerId>,
    /// And your own key (PKCS#8, PEM), by which you approve what the office signs for you.
    #[arg(long, value_name = "FILE", requires = "approver")]
    approval_key: Option<PathBuf>,
}

/// Somebody who signs documents, or decides about them.
pub(super) enum Party {
    /// They have their certificate's key.
    Holder(Box<Certificate>, PrivateKey),
    /// An office has it, and they have a key of their own.
    Approver(SignerId, PrivateKey),
}

impl Party {
    /// What proves who asks.
    pub(super) fn access(&self) -> Result<AccessToken, Failure> {
        Ok(match self {
            Self::Holder(certificate, key) => AccessToken::of_certificate(certificate, key.clone())?,
            Self::Approver(id, key) => AccessToken::of_approver(id.clone(), key.clone()),
        })
    }

    /// What signs acts, for the gateway that calls itself `audience`.
    pub(super) fn acts(&self, audience: &str) -> Result<ActSigner, Failure> {
        Ok(match self {
            Self::Holder(certificate, key) => ActSigner::of_signer(certificate, audience, key.clone())?,
            Self::Approver(id, key) => ActSigner::of_approver(id.clone(), audience, key.clone()),
        })
    }
}

impl Credentials {
    /// Certificate and key.
    pub(super) fn read(&self) -> Result<(Certificate, PrivateKey), Failure> {
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let read = read_certificate(certificate).map_err(|error| in_file(certificate, error))?;
                Ok((read, read_key(key)?))
            }
            _ => Err(Failure::usage("name --certificate and --key: they sign for what you ask")),
        }
    }

    /// A signer of documents.
    pub(super) fn party(&self) -> Result<Party, Failure> {
        match (&self.approver, &self.approval_key) {
            (Some(id), Some(key)) => Ok(Party::Approver(id.clone(), read_key(key)?)),
            _ => self.read().map(|(certificate, key)| Party::Holder(Box::new(certificate), key)),
        }
    }

    /// What proves who asks for what is not public.
    pub(super) fn access(&self) -> Result<AccessToken, Failure> {
        self.party()?.access()
    }

    /// The same for somebody of an office, who shows the certificate that the office's authority issued.
    pub(super) fn office_access(&self) -> Result<AccessToken, Failure> {
        let (certificate, key) = self.read()?;
        Ok(AccessToken::of_officer(&certificate, key)?)
    }
}

fn read_key(path: &Path) -> Result<PrivateKey, Failure> {
    PrivateKey::read(path).map_err(|error| in_file(path, error))
}

/// A failure with the file that it is about.
fn in_file(path: &Path, error: KeyError) -> Failure {
    let failure = Failure::from(error);
    let detail = match failure.code.as_ref() {
        "key.file" => failure.detail,
        _ => format!("{}: {}", path.display(), failure.detail),
    };
    Failure { detail, ..failure }
}
