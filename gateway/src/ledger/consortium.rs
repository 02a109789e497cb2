//! The organisations that run a ledger together: their administrators, authorities and roots. What `sillok admin` and
//! `sillok keys` need besides the gateway's own view of the ledger.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Ledger,
    contract::Contract,
    embedded::{self, Embedded, OpenError},
    fabric::{self, ConnectError, Fabric, Network},
};
use crate::{
    clock,
    keys::{Authority, KeyError, read_certificate},
};

/// The user that signs for an organisation, in a Fabric network's file.
const ADMINISTRATOR: &str = "Admin";

/// The organisations of a ledger, as far as their material is on this machine.
#[derive(Clone)]
pub enum Consortium {
    /// The development identities of an embedded ledger that is open here.
    Embedded(Embedded),
    /// Those of the embedded ledger in this file, which a gateway may hold: it is opened only for a call of it.
    EmbeddedFile(PathBuf),
    /// Those of a Fabric network.
    Fabric {
        /// How the gateway calls the network.
        settings: Box<fabric::Settings>,
        /// What the network's file says, where there is one.
        network: Option<Box<Network>>,
        /// The MSP directory of the administrator who signs, instead of the network's user.
        administrator: Option<PathBuf>,
    },
}

/// Why an organisation's material cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ConsortiumError {
    /// The ledger has no such organisation or no such member of it.
    #[error("the ledger has no {0}")]
    NoMember(String),
    /// No network's file tells the organisations' authorities and roots.
    #[error("no network's file was named, and nothing else tells the organisations' authorities")]
    NoNetwork,
    /// The network's file or one that it names cannot be used.
    #[error(transparent)]
    Network(#[from] ConnectError),
    /// The embedded ledger cannot be opened.
    #[error(transparent)]
    Embedded(#[from] OpenError),
    /// An authority's certificate or key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Consortium {
    /// That of a Fabric network; its file is read, if the settings name it.
    pub fn of_fabric(settings: fabric::Settings) -> Result<Self, ConsortiumError> {
        let network = settings.network.as_deref().map(Network::read).transpose()?.map(Box::new);
        Ok(Self::Fabric { settings: Box::new(settings), network, administrator: None })
    }

    /// The same on Fabric with the administrator of this MSP directory, where one is named.
    pub fn with_administrator(self, directory: Option<PathBuf>) -> Self {
        match self {
            Self::Fabric { settings, network, administrator } => {
                Self::Fabric { settings, network, administrator: directory.or(administrator) }
            }
            embedded => embedded,
        }
    }

    /// The ledger as the gateway sees it.
    pub fn gateway(&self) -> Result<Arc<dyn Ledger>, ConsortiumError> {
        Ok(match self {
            Self::Embedded(embedded) => Arc::new(embedded.clone()),
            Self::EmbeddedFile(file) => Arc::new(Embedded::open(file, clock::now)?),
            Self::Fabric { settings, .. } => Arc::new(Fabric::connect(settings)?),
        })
    }

    /// The contract as an organisation's administrator calls it.
    pub fn administrator(&self, msp: &str) -> Result<Contract, ConsortiumError> {
        let ledger = match self {
            Self::Embedded(embedded) => of_embedded(embedded, msp)?,
            Self::EmbeddedFile(file) => of_embedded(&Embedded::open(file, clock::now)?, msp)?,
            Self::Fabric { settings, administrator, .. } => {
                Arc::new(Fabric::connect(&as_administrator(settings, administrator.as_deref(), msp)?)?)
            }
        };
        Ok(Contract::new(ledger))
    }

    /// The certificate, PEM, of the authority that issues an organisation's certificates.
    pub fn authority_certificate(&self, msp: &str) -> Result<String, ConsortiumError> {
        let (certificate, _) = self.authority_files(msp)?;
        Ok(read_certificate(&certificate)?.to_pem())
    }

    /// The authority that issues an organisation's certificates, where its key is on this machine.
    pub fn authority(&self, msp: &str) -> Result<Authority, ConsortiumError> {
        let (certificate, key) = self.authority_files(msp)?;
        Ok(Authority::read(&certificate, &key)?)
    }

    /// The directory of the offices' root certificates, for verifying proofs offline.
    pub fn roots(&self) -> Result<PathBuf, ConsortiumError> {
        Ok(match self {
            Self::Embedded(embedded) => embedded.roots_directory(),
            Self::EmbeddedFile(file) => embedded::roots_beside(&identities(file)?),
            Self::Fabric { network, .. } => named(network)?.roots.clone(),
        })
    }

    /// The files of the certificate and the key of an organisation's authority.
    fn authority_files(&self, msp: &str) -> Result<(PathBuf, PathBuf), ConsortiumError> {
        let directory = match self {
            Self::Embedded(embedded) => embedded.identities_directory().to_owned(),
            Self::EmbeddedFile(file) => identities(file)?,
            Self::Fabric { network, .. } => {
                let (certificate, key) = named(network)?.authority(msp)?;
                return Ok((certificate.to_owned(), key.to_owned()));
            }
        };
        embedded::authority_files(&directory, msp)
            .ok_or_else(|| ConsortiumError::NoMember(format!("authority of {msp}")))
    }
}

fn of_embedded(embedded: &Embedded, msp: &str) -> Result<Arc<dyn Ledger>, ConsortiumError> {
    embedded.as_identity(msp, "admin").ok_or_else(|| {
        ConsortiumError::NoMember(format!(
            "administrator of {msp}; it has those of OfficeMSP, SupportMSP and SchoolMSP"
        ))
    })
}

/// The directory of an embedded ledger's identities; makes the ledger if there is none. The files are read where they
/// are, so that a running gateway may hold the ledger.
fn identities(file: &Path) -> Result<PathBuf, ConsortiumError> {
    let directory = embedded::identities_directory(file);
    if !directory.exists() {
        Embedded::open(file, clock::now)?;
    }
    Ok(directory)
}

/// How an organisation's administrator calls a network. The gateway's own certificate and key never sign for them.
fn as_administrator(
    settings: &fabric::Settings,
    directory: Option<&Path>,
    msp: &str,
) -> Result<fabric::Settings, ConnectError> {
    let settings = fabric::Settings {
        msp_id: msp.to_owned(),
        user: ADMINISTRATOR.to_owned(),
        certificate: None,
        key: None,
        ..settings.clone()
    };
    match directory {
        Some(directory) => settings.with_msp_directory(directory),
        None => Ok(settings),
    }
}

fn named(network: &Option<Box<Network>>) -> Result<&Network, ConsortiumError> {
    network.as_deref().ok_or(ConsortiumError::NoNetwork)
}
