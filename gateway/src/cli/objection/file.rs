//! `sillok objection file`

use clap::Args;
use sillok_contract::{act::ObjectionFile, entry::EntryId, id::ObjectionId};

use super::{reason::Reason, show};
use crate::{
    cli::{Failure, Program, gateway::Gateway, wallet::file::Named},
    clock,
    keys::{new_id, salted_reason},
    service::ObjectionFiling,
};

/// Objects to an entry that the wallet holds.
///
/// Example: sillok objection file my.wallet --entry 9f3a… --reason 'The mark is another pupil’s.'
/// --gateway https://gateway.example:8080
#[derive(Debug, Args)]
pub(super) struct File {
    #[command(flatten)]
    wallet: Named,
    /// The entry's id; `sillok wallet show` lists them.
    #[arg(long, value_parser = entry_id)]
    entry: EntryId,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    gateway: Gateway,
}

/// An entry's id, as an argument.
pub(super) fn entry_id(text: &str) -> Result<EntryId, String> {
    crate::server::entry_id(text).map_err(|problem| problem.detail)
}

impl File {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.gateway.named_client()?;
        let text = self.reason.text()?;
        let wallet = self.wallet.open()?.wallet;
        let held = wallet.entries()?.into_iter().find(|held| held.id == self.entry);
        let place = held
            .ok_or_else(|| Failure::usage("the wallet has no such entry; sync it, and take an id it shows"))?
            .position();
        let (reason, digest) = salted_reason(&text)?;
        let objection = ObjectionId::new(new_id()?)?;
        let act = ObjectionFile {
            objection,
            entry: self.entry,
            school: place.school,
            sequence: place.sequence,
            index: place.index,
            digest,
        };
        let act = wallet.acts(&self.gateway.audience).sign(act, clock::now())?;
        let client = client.with_access(wallet.access());
        let filed = client.file_objection(&ObjectionFiling { act, reason }).await?;
        program.output.result(&filed, show::text);
        Ok(())
    }
}
