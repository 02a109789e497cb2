//! `sillok certificate request` and `countersign`

use std::{collections::BTreeSet, path::PathBuf};

use clap::Args;
use sillok_contract::{
    act::{self, CertificateCountersign},
    digest::Digest,
};

use super::told;
use crate::{
    certificate::{Asked, CertificateFile, CertificateId, Outcome, Verdict},
    cli::{Exit, Failure, Program, gateway::Gateway, private_file, wallet::file::Named},
    client::Client,
    clock::now,
    service::{CertificateAct, CertificateRequest},
    wallet::Wallet,
};

/// Asks for a certificate of your record.
///
/// The wallet is verified first, and compared with the ledger by the gateway: synchronise it before. Where database and
/// ledger do not agree about you, the report is shown, with exit code 6.
///
/// Example: sillok certificate request L0001.wallet --gateway https://gateway.example:8080
#[derive(Debug, Args)]
pub(super) struct Request {
    #[command(flatten)]
    wallet: Named,
    #[command(flatten)]
    gateway: Gateway,
}

impl Request {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let wallet = self.wallet.open()?.wallet;
        let complete = wallet.verify(wallet.roots())?;
        let client = client(&self.gateway, &wallet)?;
        let id = CertificateId::draw()?;
        let act = wallet
            .acts(&self.gateway.audience)
            .sign(act::CertificateRequest { certificate: id.named() }, now())?;
        let entries = complete.entries.iter().map(|entry| entry.id).collect();
        let state = client.request_certificate(&CertificateRequest { act, wallet: entries }).await?;
        told::state(program, &state);
        told::differences(program, &state)
    }
}

/// Checks the certificate that an office signed, and agrees to it.
///
/// It is verified by the wallet's own root certificates; it must be about you, and rest on entries that the wallet holds.
///
/// Example: sillok certificate countersign L0001.wallet ID --gateway https://gateway.example:8080 --out certificate.json
#[derive(Debug, Args)]
pub(super) struct Countersign {
    #[command(flatten)]
    wallet: Named,
    /// The certificate's id.
    id: CertificateId,
    #[command(flatten)]
    gateway: Gateway,
    /// Keeps the certificate's file, with both signatures, under this name.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Countersign {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let wallet = self.wallet.open()?.wallet;
        let client = client(&self.gateway, &wallet)?;
        let bytes = client.certificate_file(self.id).await?;
        let file = CertificateFile::parse(&bytes)?;
        check(&wallet, self.id, &bytes, &file)?;
        program.output.note(told::record(&file.read()?.credential.credential_subject.record));
        let digest = Digest::of(file.credential.as_bytes());
        let act = CertificateCountersign { certificate: self.id.named(), digest };
        let act = wallet.acts(&self.gateway.audience).sign(act, now())?;
        let state = client.act_on_certificate(self.id, &CertificateAct { act, credential: None }).await?;
        if let Some(out) = &self.out {
            private_file::write(out, &client.certificate_file(self.id).await?)?;
        }
        told::state(program, &state);
        Ok(())
    }
}

/// What the learner puts their name to holds, is theirs, and rests on what they know of.
fn check(wallet: &Wallet, id: CertificateId, bytes: &[u8], file: &CertificateFile) -> Result<(), Failure> {
    let unasked = Asked::Unanswered { code: "certificate.not_asked".to_owned(), detail: String::new() };
    let verdict = Verdict::of(bytes, wallet.roots(), &unasked, now());
    if let (Outcome::Refuted, Some(broken)) = (verdict.outcome, verdict.broken()) {
        let (code, detail) = (broken.code.clone(), broken.detail.clone());
        return Err(Failure::new(Exit::Unverified, code.unwrap_or_default(), detail.unwrap_or_default()));
    }
    let credential = file.read()?.credential;
    let held: BTreeSet<_> = wallet.entries()?.into_iter().map(|entry| entry.id).collect();
    let unknown = credential.evidence.iter().find(|evidence| !held.contains(&evidence.entry));
    let refuse = |code: &'static str, detail: String| Err(Failure::new(Exit::Unverified, code, detail));
    match unknown {
        _ if credential.id() != id => refuse("certificate.other", "this is another certificate".to_owned()),
        _ if credential.credential_subject.learner != *wallet.learner() => {
            refuse("certificate.other_learner", "the certificate is another learner's".to_owned())
        }
        Some(evidence) => {
            let detail =
                format!("the wallet does not hold entry {}; synchronise it and look again", evidence.entry);
            refuse("certificate.unknown_entry", detail)
        }
        None => Ok(()),
    }
}

fn client(gateway: &Gateway, wallet: &Wallet) -> Result<Client, Failure> {
    let client = gateway.client()?.ok_or_else(|| Failure::usage("name the gateway with --gateway"))?;
    Ok(client.with_access(wallet.access()))
}
