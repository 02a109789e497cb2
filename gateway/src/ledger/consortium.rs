//! The organisations that run a ledger together: their administrators, authorities and roots. What `sillok admin` and
//! `sillok keys` need besides the gateway's own view of the ledger.

use std::{fs, path::PathBuf, sync::Arc};

use super::{
    Ledger,
    contract::Contract,
    embedded::Embedded,
    fabric::{self, ConnectError, Fabric, Network},
};
use crate::keys::{Authority, KeyError};

/// The organisations of a ledger, as far as their material is on this machine.
#[derive(Clone)]
pub enum Consortium {
    /// The development identities of an embedded ledger.
    Embedded(Embedded),
    /// Those of a Fabric network that network/network.sh brought up.
    Fabric {
        /// How the gateway calls the network.
        settings: Box<fabric::Settings>,
        /// What the network's file says.
        network: Box<Network>,
    },
}

/// Why an organisation's material cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ConsortiumError {
    /// The ledger has no such organisation or no such member of it.
    #[error("the ledger has no {0}")]
    NoMember(String),
    /// The network's file or one that it names cannot be used.
    #[error(transparent)]
    Network(#[from] ConnectError),
    /// An authority's certificate or key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Consortium {
    /// That of the Fabric network whose file the settings name.
    pub fn of_fabric(settings: fabric::Settings) -> Result<Self, ConsortiumError> {
        let file = settings.network.as_deref().ok_or_else(|| {
            ConnectError::new("network", "name the file in which network/network.sh describes the network")
        })?;
        let network = Box::new(Network::read(file)?);
        Ok(Self::Fabric { settings: Box::new(settings), network })
    }

    /// The ledger as the gateway sees it.
    pub fn gateway(&self) -> Result<Arc<dyn Ledger>, ConsortiumError> {
        Ok(match self {
            Self::Embedded(embedded) => Arc::new(embedded.clone()),
            Self::Fabric { settings, .. } => Arc::new(Fabric::connect(settings)?),
        })
    }

    /// The contract as an organisation's administrator calls it.
    pub fn administrator(&self, msp: &str) -> Result<Contract, ConsortiumError> {
        let no_member = || ConsortiumError::NoMember(format!("administrator of {msp}"));
        let ledger = match self {
            Self::Embedded(embedded) => embedded.as_identity(msp, "admin").ok_or_else(no_member)?,
            Self::Fabric { settings, .. } => {
                let settings = fabric::Settings {
                    msp_id: msp.to_owned(),
                    user: "Admin".to_owned(),
                    certificate: None,
                    key: None,
                    ..(**settings).clone()
                };
                Arc::new(Fabric::connect(&settings)?)
            }
        };
        Ok(Contract::new(ledger))
    }

    /// The certificate, PEM, of the authority that issues an organisation's certificates.
    pub fn authority_certificate(&self, msp: &str) -> Result<String, ConsortiumError> {
        match self {
            Self::Embedded(embedded) => {
                let authority = embedded.authority(msp);
                let authority =
                    authority.ok_or_else(|| ConsortiumError::NoMember(format!("authority of {msp}")))?;
                Ok(authority.certificate().to_pem())
            }
            Self::Fabric { network, .. } => {
                let (certificate, _) = network.authority(msp)?;
                fs::read_to_string(certificate)
                    .map_err(|error| ConnectError::new(certificate.display(), error).into())
            }
        }
    }

    /// The authority that issues an organisation's certificates, where its key is on this machine.
    pub fn authority(&self, msp: &str) -> Result<Authority, ConsortiumError> {
        match self {
            Self::Embedded(embedded) => {
                let authority = embedded.authority(msp);
                let authority =
                    authority.ok_or_else(|| ConsortiumError::NoMember(format!("authority of {msp}")))?;
                Ok(Authority::new(authority.certificate().clone(), authority.key().clone())?)
            }
            Self::Fabric { network, .. } => {
                let (certificate, key) = network.authority(msp)?;
                Ok(Authority::read(certificate, key)?)
            }
        }
    }

    /// The directory of the offices' root certificates, for verifying proofs offline.
    pub fn roots(&self) -> PathBuf {
        match self {
            Self::Embedded(embedded) => embedded.roots_directory(),
            Self::Fabric { network, .. } => network.roots.clone(),
        }
    }
}
