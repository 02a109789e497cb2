//! The network that is up, and who is who on it.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sillok_contract::{
    id::SchoolId,
    registry::{BatchSettings, School},
};
use sillok_gateway::{
    clock::now,
    keys::{Authority, Validity},
    ledger::{
        contract::Contract,
        fabric::{Fabric, Settings},
    },
};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The network's directory, if there is a network.
pub(crate) fn find() -> Option<PathBuf> {
    let directory = env::var_os("SILLOK_NETWORK_DIR").filter(|value| !value.is_empty());
    if directory.is_none() {
        eprintln!("skipped: SILLOK_NETWORK_DIR names no network; bring one up with network/network.sh");
    }
    directory.map(PathBuf::from)
}

/// The network's directory; without a network the test ends here.
macro_rules! directory {
    () => {
        match $crate::network::find() {
            Some(directory) => directory,
            None => return,
        }
    };
}
pub(crate) use directory;

pub(crate) fn settings(directory: &Path, msp: &str, user: &str) -> Settings {
    Settings {
        network: Some(directory.join("network.json")),
        msp_id: msp.into(),
        user: user.into(),
        ..Settings::default()
    }
}

pub(crate) fn client(directory: &Path, msp: &str, user: &str) -> Arc<Fabric> {
    Arc::new(Fabric::connect(&settings(directory, msp, user)).unwrap())
}

pub(crate) fn contract(fabric: &Arc<Fabric>) -> Contract {
    Contract::new(fabric.clone())
}

pub(crate) fn authority() -> Authority {
    Authority::generate("School CA", "School", Validity::days(now(), 10)).unwrap()
}

/// A school that no other run registers.
pub(crate) fn new_school(name: &str) -> School {
    School {
        id: SchoolId::new(format!("{name}-{}", now())).unwrap(),
        name: name.into(),
        district: "Jongno".into(),
        office: None,
        authority: authority().certificate().to_pem(),
        batch: BatchSettings::default(),
        closed_since: None,
    }
}
