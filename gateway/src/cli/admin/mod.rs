//! `sillok admin`: the registry on the ledger. Administrators sign with their own identity, never with the gateway's.

mod administrator;
mod change;
mod educator;
mod learner;
mod list;
mod office;
mod officer;
mod people;
mod school;
mod signer;
mod wallet;

use clap::{Args, Subcommand};
use sillok_contract::registry;

use super::{Failure, Program};
use administrator::Administrator;

/// Administers the registry on the ledger: offices, schools, educators, officers, signers,
/// learners.
///
/// Transactions are signed with an administrator's own identity: on Fabric the user Admin of --network, or the MSP
/// directory of --msp; on the embedded ledger, which no gateway may be holding, its development administrator. OfficeMSP
/// signs what is about offices and schools, an officer's or a signer's own office what is about them, SupportMSP the rest,
/// unless --as names another.
///
/// Every call may be made again: what stands on the ledger already is no error and changes nothing. Times are RFC 3339
/// or `now`.
#[derive(Debug, Args)]
pub struct Admin {
    #[command(flatten)]
    signer: Administrator,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Offices: whose certificates' bearers may see everything.
    #[command(subcommand)]
    Office(office::Office),
    /// Schools: with the authority that issues their educators' certificates.
    #[command(subcommand)]
    School(school::School),
    /// Educators: who may send queries, and from when until when.
    #[command(subcommand)]
    Educator(educator::Educator),
    /// Officers: an office's people who restore, adopt, certify and decide.
    #[command(subcommand)]
    Officer(people::Command<registry::Officer>),
    /// Signers: people who sign documents, under certificates of an office.
    #[command(subcommand)]
    Signer(people::Command<registry::Signer>),
    /// Learners: by pseudonym, at which school since when.
    #[command(subcommand)]
    Learner(learner::Learner),
}

impl Admin {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        match self.what {
            What::Office(command) => command.run(&self.signer, program).await,
            What::School(command) => command.run(&self.signer, program).await,
            What::Educator(command) => command.run(&self.signer, program).await,
            What::Officer(command) => command.run(&self.signer, program).await,
            What::Signer(command) => command.run(&self.signer, program).await,
            What::Learner(command) => command.run(&self.signer, program).await,
        }
    }
}
