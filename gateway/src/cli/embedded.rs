//! The embedded ledger of the configuration, as commands other than `serve` need it.

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use super::{Failure, when};
use crate::{
    config::Settings,
    keys::{Authority, KeyError},
    ledger::embedded::{Embedded, OpenError},
};

/// The MSP of the schools.
const SCHOOLS: &str = "SchoolMSP";

/// Opens it; makes it if it is not there. Held by a running gateway, it is told what to do.
pub(super) fn open(settings: &Settings) -> Result<Embedded, Failure> {
    let path = file(settings);
    make_directory(&settings.data)?;
    Embedded::open(&path, when::now).map_err(|error| match error {
        OpenError::InUse(path) => Failure::new(
            super::Exit::Unavailable,
            "ledger.in_use",
            format!(
                "{} is held by another process, probably a running gateway: stop it and call again, or name a Fabric network with --network",
                path.display()
            ),
        ),
        error => error.into(),
    })
}

/// The development authority that issues educators' certificates. Read from its files where they are, so that a running
/// gateway may hold the ledger.
pub(super) fn school_authority(settings: &Settings) -> Result<Authority, Failure> {
    let home = file(settings).with_extension("identities").join(SCHOOLS);
    if !home.exists() {
        open(settings)?;
    }
    Ok(Authority::read(&home.join("ca.pem"), &home.join("ca.key"))?)
}

fn file(settings: &Settings) -> PathBuf {
    settings.data.join("ledger.redb")
}

/// A directory for its owner alone, with those above it.
pub(super) fn make_directory(path: &Path) -> Result<(), Failure> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| KeyError::file(path, error).into())
}
