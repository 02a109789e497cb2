//! `sillok objection uphold` and `dismiss`

use clap::Args;
use sillok_contract::{
    act::{Act, ObjectionDismiss, ObjectionUphold},
    entry::EntryId,
    id::ObjectionId,
};

use super::{file::entry_id, reason::Reason, show};
use crate::{
    cli::{
        Failure, Program,
        gateway::{Credentials, Gateway},
    },
    client::Client,
    clock,
    keys::{ActSigner, salted_reason},
    service::{ObjectionDecision, Place},
};

/// Upholds an objection: a correction stands on the ledger.
///
/// Have the correction recorded first: `sillok request --purpose correction`, with your own key.
///
/// Example: sillok objection uphold 5c1e… --entry 77b0… --gateway https://gateway.example:8080 --certificate han.pem
/// --key han.key
#[derive(Debug, Args)]
pub(super) struct Uphold {
    /// The objection.
    objection: ObjectionId,
    /// The entry that puts it right.
    #[arg(long, value_parser = entry_id)]
    entry: EntryId,
    #[command(flatten)]
    officer: Officer,
}

/// Dismisses an objection: the entry stands.
///
/// Example: sillok objection dismiss 5c1e… --reason 'The mark is right: see the paper.'
/// --gateway https://gateway.example:8080 --certificate han.pem --key han.key
#[derive(Debug, Args)]
pub(super) struct Dismiss {
    /// The objection.
    objection: ObjectionId,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    officer: Officer,
}

/// Who decides, and where.
#[derive(Debug, Args)]
struct Officer {
    #[command(flatten)]
    gateway: Gateway,
    #[command(flatten)]
    credentials: Credentials,
}

impl Uphold {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.officer.client()?;
        let state = client.entry(self.entry).await?;
        let Place::Recorded { sequence, index, .. } = state.place else {
            return Err(Failure::usage("the entry is not on the ledger yet; uphold once it is"));
        };
        let (objection, entry) = (self.objection.clone(), self.entry);
        let act = ObjectionUphold { objection, entry, school: state.school, sequence, index };
        self.officer.decide(program, &client, &self.objection, act, None).await
    }
}

impl Dismiss {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.officer.client()?;
        let (reason, digest) = salted_reason(&self.reason.text()?)?;
        let act = ObjectionDismiss { objection: self.objection.clone(), digest };
        self.officer.decide(program, &client, &self.objection, act, Some(reason)).await
    }
}

impl Officer {
    fn client(&self) -> Result<Client, Failure> {
        self.gateway.office_client(&self.credentials)
    }

    async fn decide(
        &self,
        program: &Program,
        client: &Client,
        objection: &ObjectionId,
        act: impl Into<Act>,
        reason: Option<String>,
    ) -> Result<(), Failure> {
        let (certificate, key) = self.credentials.read()?;
        let signer = ActSigner::of_officer(&certificate, &self.gateway.audience, key)?;
        let act = signer.sign(act, clock::now())?;
        let decided = client.decide_objection(objection, &ObjectionDecision { act, reason }).await?;
        program.output.result(&decided, show::text);
        Ok(())
    }
}
