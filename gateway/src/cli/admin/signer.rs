//! Who signs, and on which ledger.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use sillok_contract::certificate::Certificate;

use crate::{
    cli::{Failure, Program, embedded, network},
    config::{LedgerEngine, Settings as Configuration},
    ledger::{
        Ledger,
        contract::Contract,
        fabric::{Fabric, Settings},
    },
};

/// The administrator among an organisation's users.
const ADMINISTRATOR: &str = "Admin";

/// Who signs. Without --network, --msp and --peer it is the configuration's ledger.
#[derive(Debug, Args)]
#[command(next_help_heading = "Who signs")]
pub(super) struct Signer {
    /// The MSP whose administrator signs.
    #[arg(long = "as", global = true, value_name = "MSP")]
    msp_id: Option<String>,
    /// The file in which network/network.sh describes its network: RUN/network.json.
    #[arg(long, global = true, value_name = "FILE")]
    network: Option<PathBuf>,
    /// The administrator's MSP directory, with signcerts and keystore.
    #[arg(long, global = true, value_name = "DIR")]
    msp: Option<PathBuf>,
    /// A peer's gateway service, host:port; several times for several, called in this order.
    #[arg(long, global = true, value_name = "ADDRESS")]
    peer: Vec<String>,
    /// The authorities of the peers' TLS certificates (PEM).
    #[arg(long, global = true, value_name = "FILE")]
    tls_root: Option<PathBuf>,
    /// The channel, where it is not the network's: records.
    #[arg(long, global = true)]
    channel: Option<String>,
    /// The name the chaincode is deployed under, where it is not the network's: sillok.
    #[arg(long, global = true)]
    chaincode: Option<String>,
}

impl Signer {
    /// The contract, as the administrator of an MSP sees it, unless another was named.
    pub(super) fn contract(&self, program: &Program, msp_id: &str) -> Result<Contract, Failure> {
        let msp_id = self.msp_id.as_deref().unwrap_or(msp_id);
        let ledger = match self.fabric(program)? {
            Some(settings) => {
                let settings =
                    Settings { msp_id: msp_id.to_owned(), user: ADMINISTRATOR.to_owned(), ..settings };
                Arc::new(Fabric::connect(&settings)?)
            }
            None => self.embedded(&program.settings()?, msp_id)?,
        };
        Ok(Contract::new(ledger))
    }

    /// The certificate of an MSP's authority, as far as the ledger's surroundings tell it.
    pub(super) fn authority(&self, program: &Program, msp_id: &str) -> Result<Certificate, Failure> {
        match self.fabric(program)? {
            Some(Settings { network: Some(file), .. }) => network::authority_certificate(&file, msp_id),
            Some(_) => {
                let detail = "name the certificate of the authority with --authority (column authority)";
                Err(Failure::usage(detail))
            }
            None => embedded::authority_certificate(&program.settings()?, msp_id),
        }
    }

    /// How Fabric is reached, if it is the ledger. The configuration's certificate and key are the gateway's, and never
    /// sign here.
    fn fabric(&self, program: &Program) -> Result<Option<Settings>, Failure> {
        let named = self.network.is_some() || self.msp.is_some() || !self.peer.is_empty();
        let configured = match named {
            true => Settings::default(),
            false => {
                let Configuration { ledger, .. } = program.settings()?;
                match ledger.engine {
                    LedgerEngine::Embedded => return Ok(None),
                    LedgerEngine::Fabric => Settings { certificate: None, key: None, ..ledger.fabric },
                }
            }
        };
        let settings = Settings {
            network: self.network.clone().or(configured.network),
            peers: if self.peer.is_empty() { configured.peers } else { self.peer.clone() },
            tls_roots: self.tls_root.clone().or(configured.tls_roots),
            channel: self.channel.clone().or(configured.channel),
            chaincode: self.chaincode.clone().or(configured.chaincode),
            ..configured
        };
        Ok(Some(match &self.msp {
            Some(directory) => settings.with_msp_directory(directory)?,
            None => settings,
        }))
    }

    fn embedded(&self, configuration: &Configuration, msp_id: &str) -> Result<Arc<dyn Ledger>, Failure> {
        if self.tls_root.is_some() || self.channel.is_some() || self.chaincode.is_some() {
            return Err(Failure::usage(
                "--tls-root, --channel and --chaincode are about Fabric: name the network with --network, or --msp and --peer",
            ));
        }
        let ledger = embedded::open(configuration)?;
        ledger.as_identity(msp_id, "admin").ok_or_else(|| {
            Failure::usage(format!(
                "the embedded ledger has no administrator of {msp_id}; it has those of OfficeMSP, SupportMSP and SchoolMSP"
            ))
        })
    }
}
