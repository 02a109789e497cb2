//! Where the network is and who we are on it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ConnectError, identity::Identity, network::Network};

/// The ledger on Hyperledger Fabric. Either `network` names the file that describes a network, or `certificate`,
/// `key`, `peers` and `tls_roots` are given; what is given wins over what the file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// File (JSON) in which network/network.sh describes the network that it brought up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub network: Option<PathBuf>,
    /// The MSP that issued our certificate.
    pub msp_id: String,
    /// Whose certificate and key to take from the network's file: a name among the organisation's users.
    pub user: String,
    /// File (PEM) of our certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub certificate: Option<PathBuf>,
    /// File (PEM; PKCS#8 or SEC 1) of the certificate's P-256 key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub key: Option<PathBuf>,
    /// Peers whose gateway service is called, as "host:port". The first one is; the next when it is away.
    pub peers: Vec<String>,
    /// File (PEM) of the authorities that issued the peers' TLS certificates, one behind the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub tls_roots: Option<PathBuf>,
    /// The channel. "records" unless the network's file says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The name the chaincode is deployed under. "sillok" unless the network's file says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chaincode: Option<String>,
    /// The MSPs that have to endorse: both offices.
    pub endorsing_organizations: Vec<String>,
    /// How long a query may take, in seconds.
    pub evaluate_seconds: u64,
    /// How long both offices may take to endorse, in seconds.
    pub endorse_seconds: u64,
    /// How long the orderer may take to accept a transaction, in seconds.
    pub submit_seconds: u64,
    /// How long to wait until a transaction is in a block, in seconds.
    pub commit_seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            network: None,
            msp_id: "SupportMSP".to_owned(),
            user: "Gateway".to_owned(),
            certificate: None,
            key: None,
            peers: Vec::new(),
            tls_roots: None,
            channel: None,
            chaincode: None,
            endorsing_organizations: vec!["OfficeMSP".to_owned(), "SupportMSP".to_owned()],
            evaluate_seconds: 10,
            endorse_seconds: 30,
            submit_seconds: 15,
            commit_seconds: 30,
        }
    }
}

/// What the settings come to, files read.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) identity: Identity,
    pub(super) peers: Vec<Peer>,
    pub(super) channel: String,
    pub(super) chaincode: String,
    pub(super) endorsing: Vec<String>,
    pub(super) limits: Limits,
}

/// A peer to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// As "host:port".
    pub(super) address: String,
    /// PEM.
    pub(super) tls_roots: Vec<Vec<u8>>,
    /// What its TLS certificate names it, where that is not the address's host.
    pub(super) tls_server_name: Option<String>,
}

/// A time limit a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) evaluate: Duration,
    pub(super) endorse: Duration,
    pub(super) submit: Duration,
    pub(super) commit: Duration,
}

impl Settings {
    /// Reads the files that the settings name.
    pub(super) fn resolve(&self) -> Result<Resolved, ConnectError> {
        let network = self.network.as_deref().map(Network::read).transpose()?;
        if self.endorsing_organizations.is_empty() {
            return Err(ConnectError::new(
                "endorsing_organizations",
                "name the offices that have to endorse",
            ));
        }
        let (certificate, key) = self.credentials(network.as_ref())?;
        let named = |own: &Option<String>, of_network: Option<&String>, default: &str| {
            own.as_ref().or(of_network).map_or_else(|| default.to_owned(), Clone::clone)
        };
        Ok(Resolved {
            identity: Identity::read(&self.msp_id, &certificate, &key)?,
            peers: self.peers(network.as_ref())?,
            channel: named(&self.channel, network.as_ref().map(|network| &network.channel), "records"),
            chaincode: named(&self.chaincode, network.as_ref().map(|network| &network.chaincode), "sillok"),
            endorsing: self.endorsing_organizations.clone(),
            limits: self.limits(),
        })
    }

    fn limits(&self) -> Limits {
        Limits {
            evaluate: Duration::from_secs(self.evaluate_seconds),
            endorse: Duration::from_secs(self.endorse_seconds),
            submit: Duration::from_secs(self.submit_seconds),
            commit: Duration::from_secs(self.commit_seconds),
        }
    }

    fn credentials(&self, network: Option<&Network>) -> Result<(PathBuf, PathBuf), ConnectError> {
        match (&self.certificate, &self.key, network) {
            (Some(certificate), Some(key), _) => Ok((certificate.clone(), key.clone())),
            (None, None, Some(network)) => network.credentials(&self.msp_id, &self.user),
            (None, None, None) => {
                Err(ConnectError::new("network", "name the network's file, or certificate and key"))
            }
            (None, Some(_), _) => Err(ConnectError::new("certificate", "is needed, since key is set")),
            (Some(_), None, _) => Err(ConnectError::new("key", "is needed, since certificate is set")),
        }
    }

    fn peers(&self, network: Option<&Network>) -> Result<Vec<Peer>, ConnectError> {
        match (self.peers.is_empty(), &self.tls_roots, network) {
            (true, None, Some(network)) => network.peers(&self.msp_id),
            (false, Some(roots), _) => {
                let tls_roots = vec![read(roots)?];
                let peer = |address: &String| Peer {
                    address: address.clone(),
                    tls_roots: tls_roots.clone(),
                    tls_server_name: None,
                };
                Ok(self.peers.iter().map(peer).collect())
            }
            (false, None, _) => Err(ConnectError::new("tls_roots", "is needed, since peers is set")),
            (true, _, _) => {
                Err(ConnectError::new("peers", "name at least one peer, or the network's file alone"))
            }
        }
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, ConnectError> {
    fs::read(path).map_err(|error| ConnectError::new(path.display(), error))
}
