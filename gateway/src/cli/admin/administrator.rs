//! Who signs, and on which ledger.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{Failure, Program, consortium},
    config::LedgerEngine,
    ledger::{consortium::Consortium, contract::Contract, fabric::Settings},
};

/// Who signs. Without --network, --msp and --peer it is the configuration's ledger.
#[derive(Debug, Args)]
#[command(next_help_heading = "Who signs")]
pub(super) struct Administrator {
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

impl Administrator {
    /// The contract, as the administrator of an MSP sees it, unless another was named.
    pub(super) fn contract(&self, program: &Program, msp_id: &str) -> Result<Contract, Failure> {
        let msp_id = self.msp_id.as_deref().unwrap_or(msp_id);
        Ok(self.consortium(program)?.administrator(msp_id)?)
    }

    /// The certificate (PEM) of an MSP's authority, as far as the ledger's surroundings tell it.
    pub(super) fn authority(&self, program: &Program, msp_id: &str) -> Result<String, Failure> {
        Ok(self.consortium(program)?.authority_certificate(msp_id)?)
    }

    fn consortium(&self, program: &Program) -> Result<Consortium, Failure> {
        if self.network.is_some() || self.msp.is_some() || !self.peer.is_empty() {
            return self.fabric(Settings::default());
        }
        let configured = program.settings()?;
        match configured.ledger.engine {
            LedgerEngine::Fabric => self.fabric(configured.ledger.fabric),
            LedgerEngine::Embedded
                if self.tls_root.is_some() || self.channel.is_some() || self.chaincode.is_some() =>
            {
                Err(Failure::usage(
                    "--tls-root, --channel and --chaincode are about Fabric: name the network with --network, or --msp and --peer",
                ))
            }
            LedgerEngine::Embedded => consortium::of_embedded(&configured),
        }
    }

    /// A Fabric network; what is named here wins over the configuration.
    fn fabric(&self, configured: Settings) -> Result<Consortium, Failure> {
        let settings = Settings {
            network: self.network.clone().or(configured.network),
            peers: if self.peer.is_empty() { configured.peers } else { self.peer.clone() },
            tls_roots: self.tls_root.clone().or(configured.tls_roots),
            channel: self.channel.clone().or(configured.channel),
            chaincode: self.chaincode.clone().or(configured.chaincode),
            ..configured
        };
        Ok(Consortium::of_fabric(settings)?.with_administrator(self.msp.clone()))
    }
}
