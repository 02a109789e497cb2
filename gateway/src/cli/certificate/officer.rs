//! `sillok certificate sign`, `refuse` and `revoke`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sillok_contract::{
    act::{Act, CertificateIssue, CertificateRefuse, CertificateRevoke, RevocationReason},
    certificate::Certificate,
    digest::Digest,
};

use super::told;
use crate::{
    certificate::{CertificateId, Draft, SignedCredential},
    cli::{
        Failure, Program,
        gateway::{Credentials, Gateway},
    },
    client::Client,
    clock::now,
    keys::{ActSigner, PrivateKey},
    ledger::{officer, receipt::Roots},
    service::{CertificateAct, CertificateState},
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
    fn officer(&self) -> Result<Officer<'_>, Failure> {
        let client = self.gateway.office_client(&self.credentials)?;
        let (certificate, key) = self.credentials.read()?;
        Ok(Officer { client, certificate, key, audience: &self.gateway.audience })
    }
}

/// An officer with their key, at a gateway.
pub(in crate::cli) struct Officer<'a> {
    /// The gateway as the officer sees it.
    client: Client,
    certificate: Certificate,
    key: PrivateKey,
    audience: &'a str,
}

impl<'a> Officer<'a> {
    /// A registered one, at a gateway that calls itself `audience`.
    pub(in crate::cli) fn of(
        registered: &officer::Officer,
        client: &Client,
        audience: &'a str,
    ) -> Result<Self, Failure> {
        Ok(Self {
            client: client.with_access(registered.access()?),
            certificate: registered.certificate.clone(),
            key: registered.key.clone(),
            audience,
        })
    }

    /// Fetches what is to be signed; every row of it is proven.
    pub(in crate::cli) async fn checked(&self, id: CertificateId, roots: &Roots) -> Result<Draft, Failure> {
        let draft = self.client.certificate_draft(id).await?;
        draft.check(roots)?;
        Ok(draft)
    }

    /// Signs what was checked.
    pub(in crate::cli) async fn issues(
        &self,
        id: CertificateId,
        draft: &Draft,
        roots: &Roots,
    ) -> Result<CertificateState, Failure> {
        let jwt = SignedCredential::sign(&draft.credential, &self.certificate, &self.key)?;
        let signed = SignedCredential::parse(&jwt)?;
        signed.check_issuer(roots)?;
        let issue = CertificateIssue {
            certificate: id.named(),
            digest: Digest(signed.digest()),
            expires_at: draft.credential.valid_until.micros(),
        };
        self.acts(id, issue, Some(jwt)).await
    }

    /// Refuses it, for what the report says.
    pub(in crate::cli) async fn refuses(
        &self,
        state: &CertificateState,
    ) -> Result<CertificateState, Failure> {
        let digest = Digest::of(state.report.as_bytes());
        let act = CertificateRefuse { certificate: state.certificate.named(), digest };
        self.acts(state.certificate, act, None).await
    }

    /// Signs a decision, and sends it.
    async fn acts(
        &self,
        id: CertificateId,
        act: impl Into<Act>,
        credential: Option<String>,
    ) -> Result<CertificateState, Failure> {
        let signer = ActSigner::of_officer(&self.certificate, self.audience, self.key.clone())?;
        let act = signer.sign(act, now())?;
        Ok(self.client.act_on_certificate(id, &CertificateAct { act, credential }).await?)
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
        let (officer, id) = (self.case.officer()?, self.case.id);
        let draft = officer.checked(id, &roots).await?;
        program.output.note(told::record(&draft.credential.credential_subject.record));
        told::state(program, &officer.issues(id, &draft, &roots).await?);
        Ok(())
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
        let officer = self.case.officer()?;
        let state = officer.client.certificate(self.case.id).await?;
        told::state(program, &officer.refuses(&state).await?);
        Ok(())
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
        let (officer, id) = (self.case.officer()?, self.case.id);
        let revoke = CertificateRevoke { certificate: id.named(), reason };
        told::state(program, &officer.acts(id, revoke, None).await?);
        Ok(())
    }
}
