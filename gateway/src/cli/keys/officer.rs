//! `sillok keys officer`

use clap::Args;
use sillok_contract::{
    access::SUPPORT,
    id::{MspId, OfficerId},
};

use super::{Holders, issuing::Issuing};
use crate::cli::{Failure, Program};

/// Makes an officer's key and has their office's authority certify it.
///
/// The authority is the one of --authority-certificate and --authority-key, or the office's of --network, or else the
/// office's development authority of the embedded ledger under the configuration's data directory. It must be the one
/// the office is registered with. Register the certificate with `sillok admin officer add`.
#[derive(Debug, Args)]
pub(super) struct Officer {
    #[command(flatten)]
    holders: Holders,
    /// The office.
    #[arg(long, value_name = "MSP", default_value = SUPPORT)]
    office: MspId,
    #[command(flatten)]
    issuing: Issuing,
}

impl Officer {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        let Self { holders, office, issuing } = self;
        let (authority, validity) = (issuing.authority(program, office.as_str())?, issuing.validity());
        holders.each(program, OfficerId::new, |id, holders| {
            holders.certify(id.as_str(), || authority.issue_officer(id, validity))
        })
    }
}
