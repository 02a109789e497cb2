//! `sillok document decline` and `withdraw`

use clap::Args;
use sillok_contract::{
    act::{Act, DocumentDecline, DocumentWithdraw},
    id::DocumentId,
};

use super::{At, show};
use crate::cli::{Failure, Program};

/// Declines to sign a document. It is refused then, for all its parties.
#[derive(Debug, Args)]
pub(super) struct Decline {
    /// The document.
    document: DocumentId,
    #[command(flatten)]
    at: At,
}

/// Takes back a document that you opened, and that not all have signed.
#[derive(Debug, Args)]
pub(super) struct Withdraw {
    /// The document.
    document: DocumentId,
    #[command(flatten)]
    at: At,
}

impl Decline {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let act = DocumentDecline { document: self.document.clone() };
        send(program, &self.at, &self.document, act).await
    }
}

impl Withdraw {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let act = DocumentWithdraw { document: self.document.clone() };
        send(program, &self.at, &self.document, act).await
    }
}

async fn send(program: &Program, at: &At, id: &DocumentId, act: impl Into<Act>) -> Result<(), Failure> {
    let (client, sent) = at.signed(act)?;
    program.output.result(&client.act_on_document(id, &sent).await?, show::text);
    Ok(())
}
