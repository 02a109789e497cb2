//! Keys with a certificate that an organisation's authority issues.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Holders, Made};
use crate::{
    cli::{Exit, Failure, Program, consortium},
    clock,
    keys::{Authority, Issued, PrivateKey, PublicKey, Validity, read_certificate},
};

/// Which authority issues, and for how long.
#[derive(Debug, Args)]
pub(super) struct Issuing {
    /// The authority's certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "authority_key")]
    authority_certificate: Option<PathBuf>,
    /// The authority's key (PKCS#8, PEM).
    #[arg(long, value_name = "FILE", requires = "authority_certificate")]
    authority_key: Option<PathBuf>,
    /// The file in which network/network.sh describes its network: RUN/network.json.
    #[arg(long, value_name = "FILE", conflicts_with = "authority_certificate")]
    network: Option<PathBuf>,
    /// For how many days the certificate is good.
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
}

impl Issuing {
    /// The authority that is named, or else an MSP's.
    pub(super) fn authority(&self, program: &Program, msp: &str) -> Result<Authority, Failure> {
        match (&self.authority_certificate, &self.authority_key, &self.network) {
            (Some(certificate), Some(key), _) => Ok(Authority::read(certificate, key)?),
            (_, _, Some(file)) => Ok(consortium::of_network(file)?.authority(msp)?),
            _ => Ok(consortium::of_embedded(&program.settings()?)?.authority(msp)?),
        }
    }

    /// From now on, for as many days as were asked for.
    pub(super) fn validity(&self) -> Validity {
        Validity::days(clock::now(), self.days)
    }
}

impl Holders {
    /// One's ID.key and ID.pem, issued anew unless they are kept.
    pub(super) fn certify(
        &self,
        id: &str,
        issue: impl FnOnce() -> Result<Issued, crate::keys::KeyError>,
    ) -> Result<Made, Failure> {
        let (certificate, key) = (self.file(id, "pem"), self.file(id, "key"));
        if self.keeps() && certificate.exists() {
            return kept(id, certificate, key);
        }
        let issued = issue()?;
        issued.write_new(&certificate, &key)?;
        Ok(made(id, &issued, certificate, key, true))
    }

    pub(super) fn file(&self, id: &str, extension: &str) -> PathBuf {
        self.out.join(format!("{id}.{extension}"))
    }
}

/// What is there, provided that it is a pair.
fn kept(id: &str, certificate: PathBuf, key: PathBuf) -> Result<Made, Failure> {
    let issued = Issued { certificate: read_certificate(&certificate)?, key: PrivateKey::read(&key)? };
    if PublicKey::of_certificate(&issued.certificate)? != *issued.key.public_key() {
        return Err(not_a_pair(&certificate, &key));
    }
    Ok(made(id, &issued, certificate, key, false))
}

fn not_a_pair(certificate: &Path, key: &Path) -> Failure {
    let detail = format!("{} is not the certificate of {}", certificate.display(), key.display());
    Failure::new(Exit::Usage, "key.not_a_pair", detail)
}

fn made(id: &str, issued: &Issued, certificate: PathBuf, key: PathBuf, new: bool) -> Made {
    let thumbprint = Some(hex::encode(issued.certificate.thumbprint()));
    Made { id: id.to_owned(), key, public_key: None, certificate: Some(certificate), thumbprint, new }
}
