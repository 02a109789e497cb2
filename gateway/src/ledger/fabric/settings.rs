//! Where the network is and who we are on it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ConnectError,
    identity::Identity,
    network::{Network, msp_credentials},
};

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
    /// The same with the certificate and key of an MSP directory: the one file of its `signcerts`, that of `keystore`.
    pub fn with_msp_directory(self, directory: &Path) -> Result<Self, ConnectError> {
        let (certificate, key) = msp_credentials(directory)?;
        Ok(Self { certificate: Some(certificate), key: Some(key), ..self })
    }

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use serde_json::{Value, json};
    use tempfile::TempDir;

    use super::{super::fixture::Organisation, *};

    /// A network's directory, as network/network.sh lays it out.
    fn network() -> (TempDir, Settings) {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let gateway = Organisation::new("SupportMSP").member("client");
        for (name, text) in [
            ("signcerts/c.pem", gateway.certificate.clone()),
            ("keystore/priv_sk", gateway.key.serialize_pem()),
            ("office-tls.pem", "office".to_owned()),
            ("support-tls.pem", "support".to_owned()),
        ] {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write(path(name), text).unwrap();
        }
        let peer = |port: u16, tls: &str| json!({"address": format!("127.0.0.1:{port}"), "tls_root_cert": path(tls)});
        let organization = |peer: Value, users: Value| json!({"peer": peer, "ca_cert": path("ca.pem"), "ca_key": path("priv_sk"), "users": users});
        let described = json!({
            "channel": "annals",
            "chaincode": "sillok2",
            "roots": path("roots"),
            "organizations": {
                "OfficeMSP": organization(peer(7051, "office-tls.pem"), json!({})),
                "SchoolMSP": organization(json!(null), json!({})),
                "SupportMSP": organization(peer(7061, "support-tls.pem"), json!({"Gateway": directory.path()})),
            },
        });
        fs::write(path("network.json"), described.to_string()).unwrap();
        let settings = Settings { network: Some(path("network.json")), ..Settings::default() };
        (directory, settings)
    }

    #[test]
    fn a_networks_file_is_enough_and_our_own_peer_comes_first() {
        let (_directory, settings) = network();
        let resolved = settings.resolve().unwrap();
        assert_eq!((resolved.channel.as_str(), resolved.chaincode.as_str()), ("annals", "sillok2"));
        let peers: Vec<_> =
            resolved.peers.iter().map(|peer| (peer.address.as_str(), &peer.tls_roots)).collect();
        let (support, office) = (vec![b"support".to_vec()], vec![b"office".to_vec()]);
        assert_eq!(peers, [("127.0.0.1:7061", &support), ("127.0.0.1:7051", &office)]);
        assert_eq!(resolved.endorsing, ["OfficeMSP", "SupportMSP"]);
    }

    #[test]
    fn what_is_given_wins_over_the_networks_file() {
        let (directory, settings) = network();
        let settings = Settings {
            channel: Some("other".into()),
            peers: vec!["peer.example:7051".into()],
            tls_roots: Some(directory.path().join("office-tls.pem")),
            ..settings
        };
        let resolved = settings.resolve().unwrap();
        assert_eq!((resolved.channel.as_str(), resolved.chaincode.as_str()), ("other", "sillok2"));
        assert_eq!(resolved.peers.len(), 1);
        assert_eq!(resolved.peers[0].address, "peer.example:7051");
    }

    #[test]
    fn without_a_networks_file_the_defaults_name_channel_and_chaincode() {
        let (directory, settings) = network();
        let path = |name: &str| Some(directory.path().join(name));
        let settings = Settings {
            network: None,
            certificate: path("signcerts/c.pem"),
            key: path("keystore/priv_sk"),
            peers: vec!["peer.example:7051".into()],
            tls_roots: path("office-tls.pem"),
            ..settings
        };
        let resolved = settings.resolve().unwrap();
        assert_eq!((resolved.channel.as_str(), resolved.chaincode.as_str()), ("records", "sillok"));
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let (_directory, good) = network();
        let peers = vec!["peer.example:7051".to_owned()];
        for (settings, subject) in [
            (Settings::default(), "network"),
            (
                Settings { network: Some("/nowhere/network.json".into()), ..good.clone() },
                "/nowhere/network.json",
            ),
            (Settings { msp_id: "OtherMSP".into(), ..good.clone() }, "msp_id"),
            (Settings { user: "Nobody".into(), ..good.clone() }, "user"),
            (Settings { key: Some("k".into()), ..good.clone() }, "certificate"),
            (Settings { certificate: Some("c".into()), ..good.clone() }, "key"),
            (Settings { peers, ..good.clone() }, "tls_roots"),
            (Settings { endorsing_organizations: Vec::new(), ..good }, "endorsing_organizations"),
        ] {
            assert_eq!(settings.resolve().unwrap_err().subject, subject);
        }
    }
}
