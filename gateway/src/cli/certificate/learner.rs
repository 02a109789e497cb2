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
    service::{CertificateAct, CertificateRequest, CertificateState},
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
        let state = Learner::at(&self.gateway, &wallet)?.requests().await?;
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
        let learner = Learner::at(&self.gateway, &wallet)?;
        let file = learner.checked(self.id).await?;
        program.output.note(told::record(&file.read()?.credential.credential_subject.record));
        let state = learner.countersigns(self.id, &file).await?;
        if let Some(out) = &self.out {
            private_file::write(out, &learner.client.certificate_file(self.id).await?)?;
        }
        told::state(program, &state);
        Ok(())
    }
}

/// A learner with their wallet, at a gateway.
pub(in crate::cli) struct Learner<'a> {
    pub(in crate::cli) wallet: &'a Wallet,
    /// The gateway as the wallet's owner sees it.
    pub(in crate::cli) client: Client,
    pub(in crate::cli) audience: &'a str,
}

impl<'a> Learner<'a> {
    fn at(gateway: &'a Gateway, wallet: &'a Wallet) -> Result<Self, Failure> {
        let client = gateway.named_client()?.with_access(wallet.access());
        Ok(Self { wallet, client, audience: &gateway.audience })
    }

    /// Asks for a certificate, with all that the wallet holds.
    pub(in crate::cli) async fn requests(&self) -> Result<CertificateState, Failure> {
        let complete = self.wallet.verify(self.wallet.roots())?;
        let id = CertificateId::draw()?;
        let act = act::CertificateRequest { certificate: id.named() };
        let act = self.wallet.acts(self.audience).sign(act, now())?;
        let wallet = complete.entries.iter().map(|entry| entry.id).collect();
        Ok(self.client.request_certificate(&CertificateRequest { act, wallet }).await?)
    }

    /// Fetches what an officer signed; what it says holds, and is about them.
    pub(in crate::cli) async fn checked(&self, id: CertificateId) -> Result<CertificateFile, Failure> {
        let bytes = self.client.certificate_file(id).await?;
        let file = CertificateFile::parse(&bytes)?;
        check(self.wallet, id, &bytes, &file)?;
        Ok(file)
    }

    /// Agrees to what was checked.
    pub(in crate::cli) async fn countersigns(
        &self,
        id: CertificateId,
        file: &CertificateFile,
    ) -> Result<CertificateState, Failure> {
        let digest = Digest::of(file.credential.as_bytes());
        let act = CertificateCountersign { certificate: id.named(), digest };
        let act = self.wallet.acts(self.audience).sign(act, now())?;
        Ok(self.client.act_on_certificate(id, &CertificateAct { act, credential: None }).await?)
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
