//! The file in which network/network.sh describes its network, as far as it is about the organisations' authorities.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use sillok_contract::certificate::Certificate;

use super::Failure;
use crate::keys::{Authority, KeyError, read_certificate};

#[derive(Deserialize)]
struct Network {
    organizations: BTreeMap<String, Organization>,
}

#[derive(Clone, Deserialize)]
struct Organization {
    ca_cert: PathBuf,
    ca_key: PathBuf,
}

/// The authority of an MSP: that of the schools issues educators' certificates.
pub(super) fn authority(file: &Path, msp: &str) -> Result<Authority, Failure> {
    let Organization { ca_cert, ca_key } = organization(file, msp)?;
    Ok(Authority::read(&ca_cert, &ca_key)?)
}

/// The certificate of that authority, for who does not have its key.
pub(super) fn authority_certificate(file: &Path, msp: &str) -> Result<Certificate, Failure> {
    Ok(read_certificate(&organization(file, msp)?.ca_cert)?)
}

fn organization(file: &Path, msp: &str) -> Result<Organization, Failure> {
    let text = fs::read(file).map_err(|error| KeyError::file(file, error))?;
    let network: Network = serde_json::from_slice(&text)
        .map_err(|error| Failure::config(format!("{}: {error}", file.display())))?;
    let found = network.organizations.get(msp).cloned();
    found.ok_or_else(|| Failure::config(format!("{} names no organisation {msp}", file.display())))
}
