//! `network.json`: what network/network.sh tells about the network it brought up.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    ConnectError,
    settings::{self, Peer},
};

/// The file, as far as a client needs it.
#[derive(Clone, Debug, Deserialize)]
pub struct Network {
    pub(super) channel: String,
    pub(super) chaincode: String,
    /// The directory of the offices' root certificates, `MSP.pem` each.
    pub roots: PathBuf,
    organizations: BTreeMap<String, Organization>,
}

#[derive(Clone, Debug, Deserialize)]
struct Organization {
    peer: Option<PeerNode>,
    /// The certificate of the authority that issues its people's certificates.
    ca_cert: PathBuf,
    /// That authority's key, where it is on this machine.
    ca_key: PathBuf,
    /// Each user's MSP directory.
    users: BTreeMap<String, PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
struct PeerNode {
    address: String,
    tls_root_cert: PathBuf,
    tls_server_name: Option<String>,
}

impl Network {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, ConnectError> {
        serde_json::from_slice(&settings::read(path)?)
            .map_err(|error| ConnectError::new(path.display(), error))
    }

    /// Every organisation's peer, that of our own first.
    pub(super) fn peers(&self, own: &str) -> Result<Vec<Peer>, ConnectError> {
        let (mut peers, others): (Vec<_>, Vec<_>) =
            self.organizations.iter().partition(|(msp, _)| msp.as_str() == own);
        peers.extend(others);
        peers
            .into_iter()
            .filter_map(|(_, organization)| organization.peer.as_ref())
            .map(PeerNode::read)
            .collect()
    }

    /// The files of the certificate and the key of an organisation's authority.
    pub fn authority(&self, msp: &str) -> Result<(&Path, &Path), ConnectError> {
        let organization = self.organization(msp)?;
        Ok((&organization.ca_cert, &organization.ca_key))
    }

    fn organization(&self, msp: &str) -> Result<&Organization, ConnectError> {
        self.organizations
            .get(msp)
            .ok_or_else(|| ConnectError::new("msp_id", format!("the network has no organisation {msp}")))
    }

    /// The files of a user's certificate and key.
    pub(super) fn credentials(&self, msp: &str, user: &str) -> Result<(PathBuf, PathBuf), ConnectError> {
        let organization = self.organization(msp)?;
        let directory = organization.users.get(user).ok_or_else(|| {
            let users = organization.users.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            ConnectError::new("user", format!("{msp} has no user {user}; it has {users}"))
        })?;
        msp_credentials(directory)
    }
}

/// The files of certificate and key in an MSP directory.
pub(super) fn msp_credentials(directory: &Path) -> Result<(PathBuf, PathBuf), ConnectError> {
    Ok((only_file(&directory.join("signcerts"))?, only_file(&directory.join("keystore"))?))
}

impl PeerNode {
    fn read(&self) -> Result<Peer, ConnectError> {
        Ok(Peer {
            address: self.address.clone(),
            tls_roots: vec![settings::read(&self.tls_root_cert)?],
            tls_server_name: self.tls_server_name.clone(),
        })
    }
}

/// The one file of an MSP's directory, whatever its name.
fn only_file(directory: &Path) -> Result<PathBuf, ConnectError> {
    let told = |error: std::io::Error| ConnectError::new(directory.display(), error);
    let mut files = fs::read_dir(directory).map_err(told)?.collect::<Result<Vec<_>, _>>().map_err(told)?;
    match (files.pop(), files.is_empty()) {
        (Some(file), true) => Ok(file.path()),
        _ => Err(ConnectError::new(directory.display(), "it has not exactly one file")),
    }
}
