//! `sillok document` and `sillok claim`: documents of several parties, and works.

mod act;
mod claim;
mod open;
mod show;

use clap::{Args, Subcommand};
use sillok_contract::act::Act;

pub(super) use claim::Claim;

use super::{
    Failure, Program,
    gateway::{Credentials, Gateway},
};
use crate::{client::Client, clock, service::SignerAct};

/// Documents that several parties sign.
///
/// Who opens one names the parties, their order if there is one, and the deadline. It is complete when all have signed, and
/// refused when one declines.
#[derive(Debug, Args)]
pub struct Document {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Opens a document for several to sign.
    Open(open::Open),
    /// Tells where a document stands, and who has signed it.
    Show(show::Show),
    /// Lists your documents: those that you opened or are a party of.
    List(show::List),
    /// Declines to sign: the document is refused.
    Decline(act::Decline),
    /// Takes back a document that you opened.
    Withdraw(act::Withdraw),
}

impl Document {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        match self.what {
            What::Open(command) => command.run(program).await,
            What::Show(command) => command.run(program).await,
            What::List(command) => command.run(program).await,
            What::Decline(command) => command.run(program).await,
            What::Withdraw(command) => command.run(program).await,
        }
    }
}

/// A signer at a gateway.
#[derive(Debug, Args)]
struct At {
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    gateway: Gateway,
}

impl At {
    fn client(&self) -> Result<Client, Failure> {
        Ok(self.gateway.named_client()?.with_access(self.credentials.access()?))
    }

    /// The gateway, and the act signed.
    fn signed(&self, act: impl Into<Act>) -> Result<(Client, SignerAct), Failure> {
        let party = self.credentials.party()?;
        let act = party.acts(&self.gateway.audience)?.sign(act, clock::now())?;
        Ok((self.gateway.named_client()?.with_access(party.access()?), SignerAct { act }))
    }
}
