//! The organisations of the configuration's embedded ledger, or of a Fabric network's file.

use std::path::Path;

use super::{Failure, private_file};
use crate::{
    config::Settings,
    ledger::{consortium::Consortium, fabric},
};

/// That of the embedded ledger, which is made when it is first needed.
pub(super) fn of_embedded(settings: &Settings) -> Result<Consortium, Failure> {
    private_file::make_directory(&settings.data)?;
    Ok(Consortium::EmbeddedFile(settings.ledger_file()))
}

/// That of the network in network/network.sh's file.
pub(super) fn of_network(file: &Path) -> Result<Consortium, Failure> {
    let settings = fabric::Settings { network: Some(file.to_owned()), ..fabric::Settings::default() };
    Ok(Consortium::of_fabric(settings)?)
}
