//! `sillok certificate verify`

use std::path::PathBuf;

use clap::Args;

use super::file;
use crate::{
    certificate::{Asked, CertificateFile, CertificateId, Outcome, Verdict},
    cli::{Exit, Failure, Program, gateway::Gateway, on_threads, table::plain, verdict},
    client::Client,
    clock::now,
    ledger::receipt::Roots,
    wallet::Nonce,
};

/// Verifies a certificate: signatures, proofs and times offline, its status by asking both offices.
///
/// The offices' answer is signed by both and marked with a random number of this call, so no gateway can make it up. Without
/// --gateway nobody is asked and no socket is opened; then, and where the offices do not answer, whether it is in force
/// cannot be told, and it must not be relied on.
///
/// Exit codes: 0 valid; 5 it does not hold; 7 genuine, but revoked, expired or not countersigned; 8 cannot tell.
///
/// Example: sillok certificate verify certificate.json --roots roots --gateway https://gateway.example:8080
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The certificate's file.
    file: PathBuf,
    /// The offices' root certificates: a directory with one <MSP id>.pem each.
    #[arg(long, value_name = "DIR")]
    roots: PathBuf,
    #[command(flatten)]
    gateway: Gateway,
}

impl Verify {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        let roots = Roots::read_dir(&self.roots).map_err(|error| Failure::config(error.to_string()))?;
        let bytes = file::read(&self.file)?;
        let id =
            CertificateFile::parse(&bytes).and_then(|file| file.read()).map(|read| read.credential.id()).ok();
        let mut asked =
            unanswered("certificate.not_asked", "nobody was asked: name a gateway with --gateway");
        if let Some(id) = id.filter(|_| self.gateway.is_named()) {
            // TLS has its provider of cryptography from here on, and not before.
            on_threads(async {
                if let Some(client) = self.gateway.client()? {
                    asked = ask(&client, id).await?;
                }
                Ok(())
            })?;
        }
        let verdict = Verdict::of(&bytes, &roots, &asked, now());
        program.output.result(&verdict, text);
        failure(&verdict).map_or(Ok(()), Err)
    }
}

/// Asks both offices, with a number that only this call drew.
pub(in crate::cli) async fn ask(client: &Client, id: CertificateId) -> Result<Asked, Failure> {
    let nonce = Nonce::draw()?.to_string();
    Ok(match client.certificate_status(id, &nonce).await {
        Ok(receipt) => Asked::Answered { receipt, nonce },
        Err(error) => unanswered(error.code().unwrap_or("gateway.unreachable"), &error.to_string()),
    })
}

fn unanswered(code: &str, detail: &str) -> Asked {
    Asked::Unanswered { code: code.to_owned(), detail: detail.to_owned() }
}

fn failure(verdict: &Verdict) -> Option<Failure> {
    let exit = match verdict.outcome {
        Outcome::Valid => return None,
        Outcome::Refuted => Exit::Unverified,
        Outcome::CannotTell => Exit::CannotTell,
        Outcome::Revoked | Outcome::Expired | Outcome::NotYetValid | Outcome::NotCountersigned => {
            Exit::NotInForce
        }
    };
    let broken = verdict.broken();
    let code = broken.and_then(|check| check.code.clone()).unwrap_or_default();
    let detail = broken.and_then(|check| check.detail.clone()).unwrap_or_default();
    Some(Failure::new(exit, code, plain(&detail)))
}

fn text(verdict: &Verdict) -> String {
    let head = match verdict.outcome {
        Outcome::Valid => "VALID",
        Outcome::Refuted => "DOES NOT HOLD",
        Outcome::Revoked => "REVOKED",
        Outcome::Expired => "EXPIRED",
        Outcome::NotYetValid => "NOT YET VALID",
        Outcome::NotCountersigned => "NOT COUNTERSIGNED",
        Outcome::CannotTell => "CANNOT TELL whether it is in force",
    };
    let about = verdict.certificate.as_ref().map(|told| {
        format!(
            "  certificate {} of {}: {} row(s), by {}, from {} until {}",
            told.id, told.learner, told.rows, told.office, told.valid_from, told.valid_until
        )
    });
    let checks = verdict.checks.iter().map(verdict::line);
    [head.to_owned()].into_iter().chain(about).chain(checks).collect::<Vec<_>>().join("\n")
}
