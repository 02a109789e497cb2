//! `sillok wallet verify`: opens files, nothing else.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{file::Named, new::roots};
use crate::cli::{Failure, Program, when::written};

/// Verifies the wallet with nothing but the offices' root certificates: no gateway, no ledger, no network is asked.
///
/// Every proof must hold and be about this learner, the entries must be numbered from 1 without a gap, each naming the
/// one before it, and be as many as both offices attested when this wallet asked them. Ends with 6 if one is missing, and
/// with 5 if something is not true.
#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    wallet: Named,
    /// The directory with the offices' root certificates, MSP.pem each: from the offices themselves.
    #[arg(long, value_name = "DIR")]
    roots: PathBuf,
}

#[derive(Serialize)]
struct Verified {
    learner: String,
    /// How many entries there are: the wallet has them all.
    entries: u64,
    /// When the offices were asked, by the clock of the gateway that asked them.
    attested_at: String,
    /// Which transaction they signed for that; it is in no block.
    transaction: String,
}

impl Verify {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        let roots = roots(&self.roots)?;
        let complete = self.wallet.open()?.wallet.verify(&roots)?;
        let verified = Verified {
            learner: complete.trail.learner.to_string(),
            entries: complete.trail.count,
            attested_at: written(complete.trail.time),
            transaction: complete.trail.transaction,
        };
        program.output.result(&verified, |verified| {
            format!(
                "complete: all {} entries about {} that there were at {}, and every proof holds",
                verified.entries, verified.learner, verified.attested_at
            )
        });
        Ok(())
    }
}
