//! `sillok keys educator`

use clap::Args;
use sillok_contract::{access::SCHOOL, id::EducatorId};

use super::{Holders, issuing::Issuing};
use crate::cli::{Failure, Program};

/// Makes an educator's key and has the school's authority certify it.
///
/// The authority is the one of --authority-certificate and --authority-key, or SchoolMSP's of --network, or else the
/// development authority of the embedded ledger under the configuration's data directory. It must be the one the school
/// is registered with. Register the certificate with `sillok admin educator add`.
#[derive(Debug, Args)]
pub(super) struct Educator {
    #[command(flatten)]
    holders: Holders,
    #[command(flatten)]
    issuing: Issuing,
}

impl Educator {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        let Self { holders, issuing } = self;
        let (authority, validity) = (issuing.authority(program, SCHOOL)?, issuing.validity());
        holders.each(program, EducatorId::new, |id, holders| {
            holders.certify(id.as_str(), || authority.issue_educator(id, validity))
        })
    }
}
