//! `sillok keys signer`

use clap::Args;
use sillok_contract::{
    access::SUPPORT,
    id::{MspId, SignerId},
};

use super::{Holders, issuing::Issuing};
use crate::cli::{Failure, Program};

/// Makes a signer's key and has their office's authority certify it: for signing documents, and nothing else.
///
/// The authority is the one of --authority-certificate and --authority-key, or the office's of --network, or else the
/// office's development authority of the embedded ledger under the configuration's data directory. It must be the one
/// the office is registered with. Register the certificate with `sillok admin signer add`.
///
/// Where an office is to hold the key, --approval makes the person's own key instead, by which they approve each use of
/// the other: ID.approval.key, and its public half ID.approval.public.pem.
#[derive(Debug, Args)]
pub(super) struct Signer {
    #[command(flatten)]
    holders: Holders,
    /// The office.
    #[arg(long, value_name = "MSP", default_value = SUPPORT)]
    office: MspId,
    /// Makes the key by which somebody approves what an office signs for them.
    #[arg(long, conflicts_with_all = ["authority_certificate", "network"])]
    approval: bool,
    #[command(flatten)]
    issuing: Issuing,
}

impl Signer {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        let Self { holders, office, approval, issuing } = self;
        if approval {
            return holders
                .each(program, SignerId::new, |id, holders| holders.pair(id.as_str(), ".approval"));
        }
        let (authority, validity) = (issuing.authority(program, office.as_str())?, issuing.validity());
        holders.each(program, SignerId::new, |id, holders| {
            holders.certify(id.as_str(), || authority.issue_signer(id, validity))
        })
    }
}
