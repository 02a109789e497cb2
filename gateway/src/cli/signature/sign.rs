//! `sillok sign`

use std::{path::PathBuf, time::Duration};

use clap::Args;
use sillok_contract::{
    digest::Digest,
    id::DocumentId,
    signature::{Commitment, Statement, Subject},
};

use super::{Paper, purpose, show, wait::until_at_rest};
use crate::{
    cli::{
        Exit, Failure, Program,
        gateway::{Credentials, Gateway, Party},
    },
    client::Client,
    clock,
    keys::{DocumentSigner, read_certificate},
    records::SignatureState,
    service::{SignatureStatus, SignatureSubmission, SigningRequest},
};

/// Signs a document with your own key, and hands the signature in; or, where an office holds your key, approves it, and the
/// office signs.
///
/// The document stays on this machine. The same document is signed once: a second signature of yours is refused.
///
/// Example: sillok sign contract.pdf --document 5c1e… --authority office.pem --wait
/// --gateway https://gateway.example:8080 --certificate han.pem --key han.key
///
/// Example: sillok sign contract.pdf --wait --gateway https://gateway.example:8080 --id cha --approval-key cha.approval.key
#[derive(Debug, Args)]
pub struct Sign {
    #[command(flatten)]
    paper: Paper,
    /// The document of several parties that this is: its id, as `sillok document open` told it.
    #[arg(long, value_name = "ID")]
    document: Option<DocumentId>,
    /// What you commit to: approval, origin, receipt, delivery, sender or creation. Of a document of several parties it is
    /// what that is for.
    #[arg(long, value_parser = purpose)]
    purpose: Option<Commitment>,
    /// With your own key: the certificate (PEM) of the authority that issued yours, your office's.
    #[arg(long, value_name = "FILE", conflicts_with = "approval_key")]
    authority: Option<PathBuf>,
    /// Waits until the signature is on the ledger.
    #[arg(long)]
    wait: bool,
    /// For how many seconds at most.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", requires = "wait")]
    patience: u64,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    gateway: Gateway,
}

impl Sign {
    pub(in crate::cli) async fn run(self, program: &Program) -> Result<(), Failure> {
        let party = self.credentials.party()?;
        let client = self.gateway.named_client()?.with_access(party.access()?);
        let hash = self.paper.hash()?;
        let (subject, purpose) = match &self.document {
            None => (Subject::Hash(hash), self.purpose),
            Some(id) => {
                let document = client.document(id).await?;
                same_bytes(&hash, &document.hash)?;
                (Subject::Document(id.clone()), self.purpose.or(Some(document.purpose)))
            }
        };
        let statement = Statement { hash, subject, purpose, iat: clock::now().div_euclid(1_000_000) };
        let mut status = self.sign(&client, party, &statement).await?;
        if self.wait {
            status = until_at_rest(&client, status, Duration::from_secs(self.patience)).await?;
        }
        let failed = matches!(status.state, SignatureState::Invalid | SignatureState::Refused);
        program.output.result(&status, show::text);
        match failed {
            false => Ok(()),
            true => {
                let detail = "the signature is not on the ledger; see above why";
                Err(Failure::new(Exit::Refused, "signature.not_recorded", detail))
            }
        }
    }
}

impl Sign {
    /// The signature handed in, or the approval of it.
    async fn sign(
        &self,
        client: &Client,
        party: Party,
        statement: &Statement,
    ) -> Result<SignatureStatus, Failure> {
        match party {
            Party::Holder(certificate, key) => {
                let unnamed = || Failure::usage("name --authority: its certificate goes with your signature");
                let authority = read_certificate(self.authority.as_ref().ok_or_else(unnamed)?)?;
                let signature = DocumentSigner::new(*certificate, authority, key)?.sign(statement);
                Ok(client.submit_signature(&SignatureSubmission { signature, approval: None }).await?)
            }
            Party::Approver(..) => {
                let acts = party.acts(&self.gateway.audience)?;
                let approval = acts.sign(statement.approval(), clock::now())?;
                Ok(client.request_signing(&SigningRequest { approval }).await?)
            }
        }
    }
}

/// The file must be the one that the parties are to sign.
fn same_bytes(hash: &Digest, of_document: &str) -> Result<(), Failure> {
    match hash.to_string() == *of_document {
        true => Ok(()),
        false => Err(Failure::usage(
            "this file is not the document that the parties are to sign: its hash is another",
        )),
    }
}
