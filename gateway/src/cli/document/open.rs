//! `sillok document open`

use clap::Args;
use sillok_contract::{
    act::DocumentOpen,
    id::{DocumentId, SignerId},
    signature::Commitment,
};

use super::{At, show};
use crate::{
    cli::{
        Failure, Program,
        signature::{Paper, purpose},
        when::When,
    },
    keys::new_id,
};

/// Opens a document for several to sign.
///
/// Example: sillok document open contract.pdf --party han --party kim --ordered --deadline 2026-12-24T18:00:00+09:00
/// --gateway https://gateway.example:8080 --certificate han.pem --key han.key
#[derive(Debug, Args)]
pub(super) struct Open {
    #[command(flatten)]
    paper: Paper,
    /// Who is to sign; once for each, in their order.
    #[arg(long = "party", required = true, value_name = "SIGNER")]
    parties: Vec<SignerId>,
    /// Each signs after the one before.
    #[arg(long)]
    ordered: bool,
    /// Until when, such as 2026-12-24T18:00:00+09:00.
    #[arg(long, value_name = "TIME")]
    deadline: When,
    /// What who signs commits to: approval, origin, receipt, delivery, sender or creation.
    #[arg(long, value_parser = purpose, default_value = "approval")]
    purpose: Commitment,
    #[command(flatten)]
    at: At,
}

impl Open {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let act = DocumentOpen {
            document: DocumentId::new(new_id()?)?,
            digest: self.paper.hash()?,
            purpose: self.purpose,
            ordered: self.ordered,
            deadline: self.deadline.or_standing(None),
            parties: self.parties,
        };
        let (client, sent) = self.at.signed(act)?;
        program.output.result(&client.open_document(&sent).await?, show::text);
        Ok(())
    }
}
