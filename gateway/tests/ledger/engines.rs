//! The engines a suite runs on.

use std::{env, path::PathBuf, sync::Arc};

use sillok_gateway::{
    clock::now,
    ledger::{
        Ledger,
        embedded::Embedded,
        fabric::{Fabric, Settings},
        receipt::Roots,
    },
};
use tempfile::TempDir;

/// A ledger with the identities that a suite acts as.
pub(crate) trait Network {
    /// As a member with a role, `admin` or `client`; `SupportMSP`'s client is the gateway.
    fn as_identity(&self, msp: &str, role: &str) -> Arc<dyn Ledger>;
    /// The offices' root certificates.
    fn roots(&self) -> Roots;

    /// As the gateway.
    fn gateway(&self) -> Arc<dyn Ledger> {
        self.as_identity("SupportMSP", "client")
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
    fn as_identity(&self, msp: &str, role: &str) -> Arc<dyn Ledger> {
        self.ledger.as_identity(msp, role).unwrap()
    }

    fn roots(&self) -> Roots {
        Roots::read_dir(&self.ledger.roots_directory()).unwrap()
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
}

impl Network for OnFabric {
    fn as_identity(&self, msp: &str, role: &str) -> Arc<dyn Ledger> {
        let user = match (msp, role) {
            (_, "admin") => "Admin",
            ("SupportMSP", _) => "Gateway",
            _ => "Client",
        };
        let settings = Settings {
            network: Some(self.directory.join("network.json")),
            msp_id: msp.into(),
            user: user.into(),
            ..Settings::default()
        };
        Arc::new(Fabric::connect(&settings).unwrap())
    }

    fn roots(&self) -> Roots {
        Roots::read_dir(&self.directory.join("roots")).unwrap()
    }
}
