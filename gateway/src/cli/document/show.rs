//! `sillok document show` and `list`

use clap::Args;
use sillok_contract::{
    document::State,
    id::{DocumentId, SignerId},
};

use super::At;
use crate::{
    cli::{Failure, Program, table::table, when},
    service::DocumentState,
};

/// Tells where a document stands.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The document.
    document: DocumentId,
    #[command(flatten)]
    at: At,
}

/// Lists documents.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Those of this signer, for the offices; without it your own.
    #[arg(long)]
    signer: Option<SignerId>,
    #[command(flatten)]
    at: At,
}

impl Show {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        program.output.result(&self.at.client()?.document(&self.document).await?, text);
        Ok(())
    }
}

impl List {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.at.client()?;
        let (mut documents, mut bookmark) = (Vec::new(), String::new());
        loop {
            let page = client.documents(self.signer.as_ref(), &bookmark).await?;
            documents.extend(page.documents);
            bookmark = page.bookmark;
            if bookmark.is_empty() {
                break;
            }
        }
        program.output.result(&documents, |documents| lines(documents));
        Ok(())
    }
}

fn lines(documents: &[DocumentState]) -> String {
    let header = ["document", "state", "signed", "opened by", "deadline"];
    let line = |of: &DocumentState| {
        let signed = of.parties.iter().filter(|party| party.signature.is_some()).count();
        vec![
            of.document.to_string(),
            word(of.state).to_owned(),
            format!("{signed} of {}", of.parties.len()),
            of.opened_by.to_string(),
            when::written(of.deadline),
        ]
    };
    table(&header, documents.iter().map(line), "no documents")
}

fn word(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Complete => "complete",
        State::Refused => "refused",
        State::Withdrawn => "withdrawn",
        State::Expired => "EXPIRED",
    }
}

/// A document for people.
pub(super) fn text(of: &DocumentState) -> String {
    let order = if of.ordered { "in this order" } else { "in any order" };
    let mut lines = vec![
        format!("document {}: {}", of.document, word(of.state)),
        format!("  SHA-256 {}", of.hash),
        format!(
            "  opened by {} {}, to be signed {order} by {}",
            of.opened_by,
            when::written(of.opened_at),
            when::written(of.deadline)
        ),
    ];
    lines.extend(of.parties.iter().map(|party| match party.signed_at {
        Some(at) => format!("  {} signed {}", party.signer, when::written(at)),
        None => format!("  {} has not signed", party.signer),
    }));
    lines.extend(of.declined_by.iter().map(|signer| format!("  {signer} declined")));
    lines.join("\n")
}
