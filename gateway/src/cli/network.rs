//! The file in which network/network.sh describes its network, as far as it is about the schools' authority.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::Failure;
use crate::keys::{Authority, KeyError};

/// The MSP of the schools.
const SCHOOLS: &str = "SchoolMSP";

#[derive(Deserialize)]
struct Network {
    organizations: BTreeMap<String, Organization>,
}

#[derive(Deserialize)]
struct Organization {
    ca_cert: PathBuf,
    ca_key: PathBuf,
}

/// The authority that issues educators' certificates.
pub(super) fn school_authority(file: &Path) -> Result<Authority, Failure> {
    let text = fs::read(file).map_err(|error| KeyError::file(file, error))?;
    let network: Network = serde_json::from_slice(&text)
        .map_err(|error| Failure::config(format!("{}: {error}", file.display())))?;
    let school = network
        .organizations
        .get(SCHOOLS)
        .ok_or_else(|| Failure::config(format!("{} names no organisation {SCHOOLS}", file.display())))?;
    Ok(Authority::read(&school.ca_cert, &school.ca_key)?)
}
