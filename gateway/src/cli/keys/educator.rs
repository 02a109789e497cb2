//! `sillok keys educator`

use std::path::{Path, PathBuf};

use clap::Args;
use sillok_contract::{access::SCHOOL, id::EducatorId};

use super::{Holders, Made};
use crate::{
    cli::{Failure, Program, consortium},
    clock,
    keys::{Authority, Issued, PrivateKey, PublicKey, Validity, read_certificate},
};

/// Makes an educator's key and has the school's authority certify it.
///
/// The authority is the one of --authority-certificate and --authority-key, or SchoolMSP's of --network, or else the
/// development authority of the embedded ledger under the configuration's data directory. It must be the one the school
/// is registered with. Register the certificate with `sillok admin educator add`.
#[derive(Debug, Args)]
pub(super) struct Educator {
    #[command(flatten)]
    holders: Holders,
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

impl Educator {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        let authority = self.authority(program)?;
        let validity = Validity::days(clock::now(), self.days);
        self.holders.each(program, EducatorId::new, |id, holders| {
            let (certificate, key) = (holders.file(id, "pem"), holders.file(id, "key"));
            if holders.keeps() && certificate.exists() {
                return kept(id, certificate, key);
            }
            let issued = authority.issue_educator(id, validity)?;
            issued.write_new(&certificate, &key)?;
            Ok(made(id, &issued, certificate, key, true))
        })
    }

    fn authority(&self, program: &Program) -> Result<Authority, Failure> {
        match (&self.authority_certificate, &self.authority_key, &self.network) {
            (Some(certificate), Some(key), _) => Ok(Authority::read(certificate, key)?),
            (_, _, Some(file)) => Ok(consortium::of_network(file)?.authority(SCHOOL)?),
            _ => Ok(consortium::of_embedded(&program.settings()?)?.authority(SCHOOL)?),
        }
    }
}

impl Holders {
    fn file(&self, id: &EducatorId, extension: &str) -> PathBuf {
        self.out.join(format!("{id}.{extension}"))
    }
}

/// What is there, provided that it is a pair.
fn kept(id: &EducatorId, certificate: PathBuf, key: PathBuf) -> Result<Made, Failure> {
    let issued = Issued { certificate: read_certificate(&certificate)?, key: PrivateKey::read(&key)? };
    if PublicKey::of_certificate(&issued.certificate)? != *issued.key.public_key() {
        return Err(not_a_pair(&certificate, &key));
    }
    Ok(made(id, &issued, certificate, key, false))
}

fn not_a_pair(certificate: &Path, key: &Path) -> Failure {
    let detail = format!("{} is not the certificate of {}", certificate.display(), key.display());
    Failure::new(crate::cli::Exit::Usage, "key.not_a_pair", detail)
}

fn made(id: &EducatorId, issued: &Issued, certificate: PathBuf, key: PathBuf, new: bool) -> Made {
    let thumbprint = Some(hex::encode(issued.certificate.thumbprint()));
    Made { id: id.to_string(), key, public_key: None, certificate: Some(certificate), thumbprint, new }
}
