//! The engines a suite runs on.

use std::{env, path::PathBuf, sync::Arc};

use sillok_gateway::{
    clock::now,
    ledger::{
        Ledger,
        consortium::Consortium,
        embedded::Embedded,
        fabric::{Fabric, Settings},
        receipt::Roots,
    },
};
use tempfile::TempDir;

/// A ledger with the identities that a suite acts as.
pub(crate) trait Network {
    /// The organisations that run it.
    fn consortium(&self) -> Consortium;
    /// As a member with a role, `admin` or `client`.
    fn as_identity(&self, msp: &str, role: &str) -> Arc<dyn Ledger>;

    /// As the gateway.
    fn gateway(&self) -> Arc<dyn Ledger> {
        self.consortium().gateway().unwrap()
    }

    /// The offices' root certificates.
    fn roots(&self) -> Roots {
        Roots::read_dir(&self.consortium().roots().unwrap()).unwrap()
    }
}

/// An embedded ledger in a directory that goes with it.
pub(crate) struct OnFile {
    pub(crate) ledger: Embedded,
    pub(crate) directory: TempDir,
}

impl OnFile {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { ledger: Embedded::open(directory.path().join("ledger.redb"), now).unwrap(), directory }
    }
}

impl Network for OnFile {
    fn consortium(&self) -> Consortium {
        Consortium::Embedded(self.ledger.clone())
    }

    fn as_identity(&self, msp: &str, role: &str) -> Arc<dyn Ledger> {
        self.ledger.as_identity(msp, role).unwrap()
    }
}

/// The Fabric network whose run directory `SILLOK_NETWORK_DIR` names.
pub(crate) struct OnFabric {
    directory: PathBuf,
}

impl OnFabric {
    /// None where no network is named: the suite then says so and tests nothing.
    pub(crate) fn new() -> Option<Self> {
        let directory = env::var_os("SILLOK_NETWORK_DIR").filter(|value| !value.is_empty());
        if directory.is_none() {
            eprintln!("skipped: SILLOK_NETWORK_DIR names no network; bring one up with network/network.sh");
        }
        directory.map(|directory| Self { directory: directory.into() })
    }

    /// In which network/network.sh describes it.
    pub(crate) fn file(&self) -> PathBuf {
        self.directory.join("network.json")
    }

    pub(crate) fn settings(&self, msp: &str, user: &str) -> Settings {
        Settings { network: Some(self.file()), msp_id: msp.into(), user: user.into(), ..Settings::default() }
    }
}

impl Network for OnFabric {
    fn consortium(&self) -> Consortium {
        Consortium::of_fabric(self.settings("SupportMSP", "Gateway")).unwrap()
    }

    fn as_identity(&self, msp: &str, role: &str) -> Arc<dyn Ledger> {
        let user = if role == "admin" { "Admin" } else { "Client" };
        Arc::new(Fabric::connect(&self.settings(msp, user)).unwrap())
    }
}
