//! The embedded ledger of the configuration, as commands other than `serve` need it.

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use sillok_contract::certificate::Certificate;

use super::{Exit, Failure};
use crate::{
    clock,
    config::Settings,
    keys::{Authority, KeyError, read_certificate},
    ledger::embedded::{Embedded, OpenError},
};

/// Opens it; makes it if it is not there. Held by a running gateway, it is told what to do.
pub(super) fn open(settings: &Settings) -> Result<Embedded, Failure> {
    make_directory(&settings.data)?;
    Embedded::open(settings.ledger_file(), clock::now).map_err(|error| match error {
        OpenError::InUse(path) => Failure::new(Exit::Unavailable, "ledger.in_use", in_use(&path)),
        error => error.into(),
    })
}

fn in_use(path: &Path) -> String {
    format!(
        "{} is held by another process, probably a running gateway: stop it and call again, or name a Fabric network with --network",
        path.display()
    )
}

/// The development authority of an MSP: that of the schools issues educators' certificates.
pub(super) fn authority(settings: &Settings, msp: &str) -> Result<Authority, Failure> {
    let home = home(settings, msp)?;
    Ok(Authority::read(&home.join("ca.pem"), &home.join("ca.key"))?)
}

/// The certificate of that authority.
pub(super) fn authority_certificate(settings: &Settings, msp: &str) -> Result<Certificate, Failure> {
    Ok(read_certificate(&home(settings, msp)?.join("ca.pem"))?)
}

/// An MSP's directory: its files are read where they are, so that a running gateway may hold the ledger.
fn home(settings: &Settings, msp: &str) -> Result<PathBuf, Failure> {
    let home = settings.ledger_file().with_extension("identities").join(msp);
    if !home.exists() {
        open(settings)?;
    }
    Ok(home)
}

/// A directory for its owner alone, with those above it.
pub(super) fn make_directory(path: &Path) -> Result<(), Failure> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| KeyError::file(path, error).into())
}
