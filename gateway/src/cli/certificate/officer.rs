//! `sillok certificate sign`, `refuse` and `revoke`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sillok_contract::{
    act::{Act, CertificateIssue, CertificateRefuse, CertificateRevoke, RevocationReason},
    digest::Digest,
};

use super::told;
use crate::{
    certificate::{CertificateId, SignedCredential},
    cli::{
        Failure, Program,
        gateway::{Credentials, Gateway},
    },
    clock::now,
    keys::ActSigner,
    ledger::receipt::Roots,
    service::CertificateAct,
};

/// Which certificate, at which gateway, as whom.
#[derive(Debug, Args)]
struct Case {
    /// The certificate's id.
    id: CertificateId,
    #[command(flatten)]
    gateway: Gateway,
    #[command(flatten)]
    credentials: Credentials,
}

impl Case {
    fn act(&self, act: impl Into<Act>) -> Result<String, Failure> {
        let (certificate, key) = self.credentials.read()?;
        Ok(ActSigner::of_officer(&certificate, &self.gateway.audience, key)?.sign(act, now())?)
    }

    async fn send(&self, program: &Program, act: String, credential: Option<String>) -> Result<(), Failure> {
        let client = self.gateway.office_client(&self.credentials)?;
        let state = client.act_on_certificate(self.id, &CertificateAct { act, credential }).await?;
        told::state(program, &state);
        Ok(())
    }
}

/// Fetches the draft of a certificate, checks it on this machine, and signs it with your key.
///
/// Every row is proven against the offices' root certificates before anything is signed. The gateway issues what you
/// signed only if database and ledger agree on it at that very time.
///
/// Example: sillok certificate sign ID --gateway https://gateway.example:8080 --certificate han.pem --key han.key --roots roots
#[derive(Debug, Args)]
pub(super) struct Sign {
    #[command(flatten)]
    case: Case,
    /// The offices' root certificates: a directory with one <MSP id>.pem each.
    #[arg(long, value_name = "DIR")]
    roots: PathBuf,
}

impl Sign {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let roots = Roots::read_dir(&self.roots).map_err(|error| Failure::config(error.to_string()))?;
        let (certificate, key) = self.case.credentials.read()?;
        let client = self.case.gateway.office_client(&self.case.credentials)?;
        let draft = client.certificate_draft(self.case.id).await?;
        draft.check(&roots)?;
        program.output.note(told::record(&draft.credential.credential_subject.record));
        let jwt = SignedCredential::sign(&draft.credential, &certificate, &key)?;
        let signed = SignedCredential::parse(&jwt)?;
        signed.check_issuer(&roots)?;
        let issue = CertificateIssue {
            certificate: self.case.id.named(),
            digest: Digest(signed.digest()),
            expires_at: draft.credential.valid_until.micros(),
        };
        let act = self.case.act(issue)?;
        self.case.send(program, act, Some(jwt)).await
    }
}

/// Refuses a certificate. The report that the learner has got says why; the ledger keeps its digest.
#[derive(Debug, Args)]
pub(super) struct Refuse {
    #[command(flatten)]
    case: Case,
}

impl Refuse {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.case.gateway.office_client(&self.case.credentials)?;
        let state = client.certificate(self.case.id).await?;
        let digest = Digest::of(state.report.as_bytes());
        let act = self.case.act(CertificateRefuse { certificate: self.case.id.named(), digest })?;
        self.case.send(program, act, None).await
    }
}

/// Withdraws a certificate: from now on whoever asks for its status is told so.
#[derive(Debug, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    case: Case,
    /// Why.
    #[arg(long, value_name = "REASON")]
    reason: Reason,
}

/// Why a certificate is withdrawn.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Reason {
    /// What it certifies was wrong, or is no longer what the record says.
    Erroneous,
    /// Another takes its place.
    Superseded,
    /// A key that signed it is no longer its owner's alone.
    KeyCompromise,
    /// The learner does not want it any more.
    Withdrawn,
}

impl Revoke {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let reason = match self.reason {
            Reason::Erroneous => RevocationReason::Erroneous,
            Reason::Superseded => RevocationReason::Superseded,
            Reason::KeyCompromise => RevocationReason::KeyCompromise,
            Reason::Withdrawn => RevocationReason::Withdrawn,
        };
        let act = self.case.act(CertificateRevoke { certificate: self.case.id.named(), reason })?;
        self.case.send(program, act, None).await
    }
}
