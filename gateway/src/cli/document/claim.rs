//! `sillok claim`

use clap::Args;
use sillok_contract::act::WorkClaim;

use super::At;
use crate::{
    cli::{Failure, Program, signature::Paper, when},
    service::ClaimState,
};

/// Claims that a work was yours to show at this time, by its hash alone. The first claim of a work stands.
///
/// With --show it tells who claimed it, and needs no key.
///
/// Example: sillok claim song.mid --gateway https://gateway.example:8080 --certificate han.pem --key han.key
#[derive(Debug, Args)]
pub struct Claim {
    #[command(flatten)]
    paper: Paper,
    /// Only tells who claimed it.
    #[arg(long)]
    show: bool,
    #[command(flatten)]
    at: At,
}

impl Claim {
    pub(in crate::cli) async fn run(self, program: &Program) -> Result<(), Failure> {
        let digest = self.paper.hash()?;
        let claim = if self.show {
            self.at.gateway.named_client()?.claim(&digest).await?
        } else {
            let (client, sent) = self.at.signed(WorkClaim { digest })?;
            client.claim_work(&sent).await?
        };
        program.output.result(&claim, text);
        Ok(())
    }
}

fn text(of: &ClaimState) -> String {
    let ClaimState { hash, by, at, transaction } = of;
    format!("the work {hash}\n  was claimed by {by} {}, transaction {transaction}", when::written(*at))
}
