//! `sillok signature proof` and `verify`

use std::{io::Read as _, path::PathBuf};

use clap::Args;
use sillok_contract::digest::Digest;

use super::{paper::hash_of, show::digest};
use crate::{
    cli::{Exit, Failure, Program, gateway::Gateway, private_file, table::plain, verdict, when},
    ledger::receipt::Roots,
    signature::{MAX_PROOF, Outcome, Verdict},
};

/// Fetches the proof of a recorded signature.
///
/// Example: sillok signature proof 77b0… --out contract.proof.json --gateway https://gateway.example:8080
#[derive(Debug, Args)]
pub(super) struct Proof {
    /// The signature, as `sillok signature list` tells it.
    #[arg(value_parser = digest)]
    signature: Digest,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    gateway: Gateway,
}

/// Verifies a signature by its proof, offline: it opens no socket.
///
/// Exit codes: 0 valid; 5 it does not hold, or no document was given to compare it with.
///
/// Example: sillok signature verify contract.proof.json --document contract.pdf --roots roots
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The proof's file.
    proof: PathBuf,
    /// The document that was signed.
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// The offices' root certificates: a directory with one <MSP id>.pem each.
    #[arg(long, value_name = "DIR")]
    roots: PathBuf,
}

impl Proof {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let json = self.gateway.named_client()?.signature_proof(&self.signature).await?;
        private_file::write_new(&self.out, &json)?;
        let out = self.out.display().to_string();
        program.output.result(&serde_json::json!({ "proof": out }), |_| format!("written to {out}"));
        Ok(())
    }
}

impl Verify {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        let roots = Roots::read_dir(&self.roots).map_err(|error| Failure::config(error.to_string()))?;
        let document = self.document.as_deref().map(hash_of).transpose()?;
        let verdict = Verdict::of(&self.read()?, document, &roots);
        program.output.result(&verdict, text);
        match verdict.outcome {
            Outcome::Valid => Ok(()),
            Outcome::NotCompared => {
                let detail = "which document was signed nobody has looked at: give it with --document";
                Err(Failure::new(Exit::Unverified, "signature.not_compared", detail))
            }
            Outcome::Refuted => {
                let broken = verdict.broken();
                let code = broken.and_then(|check| check.code.clone()).unwrap_or_default();
                let detail = broken.and_then(|check| check.detail.clone()).unwrap_or_default();
                Err(Failure::new(Exit::Unverified, code, plain(&detail)))
            }
        }
    }

    /// The proof's file, and not more of it than a proof can have.
    fn read(&self) -> Result<Vec<u8>, Failure> {
        let unread = |error| Failure::usage(format!("{}: {error}", self.proof.display()));
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&self.proof).map_err(unread)?;
        file.take(MAX_PROOF as u64 + 1).read_to_end(&mut bytes).map_err(unread)?;
        Ok(bytes)
    }
}

fn text(verdict: &Verdict) -> String {
    let head = match verdict.outcome {
        Outcome::Valid => "VALID",
        Outcome::Refuted => "DOES NOT HOLD",
        Outcome::NotCompared => "GENUINE, of a document that nobody has compared",
    };
    let about = verdict.signature.as_ref().map(|told| {
        format!(
            "  signed by {} of {} {}, recorded {}, transaction {}",
            told.signer,
            told.office,
            when::written(told.signed_at),
            when::written(told.recorded_at),
            told.transaction
        )
    });
    let checks = verdict.checks.iter().map(verdict::line);
    [head.to_owned()].into_iter().chain(about).chain(checks).collect::<Vec<_>>().join("\n")
}
