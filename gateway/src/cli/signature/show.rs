//! `sillok signature show` and `list`

use clap::Args;
use sillok_contract::{digest::Digest, signature::SignatureRecord};

use super::Paper;
use crate::{
    cli::{
        Failure, Program,
        gateway::{Credentials, Gateway},
        table::table,
        when,
    },
    service::SignatureStatus,
};

/// Tells where a signature stands.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The signature: SHA-256 of what was signed, as `sillok sign` told it.
    #[arg(value_parser = digest)]
    signature: Digest,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    gateway: Gateway,
}

/// Tells who has signed a document, and when, as the ledger has it.
///
/// Example: sillok signature list contract.pdf --gateway https://gateway.example:8080
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    paper: Paper,
    #[command(flatten)]
    gateway: Gateway,
}

/// A digest, as an argument.
pub(in crate::cli) fn digest(text: &str) -> Result<Digest, String> {
    crate::server::digest(text).map_err(|problem| problem.detail)
}

impl Show {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.gateway.named_client()?.with_access(self.credentials.access()?);
        program.output.result(&client.signature(&self.signature).await?, text);
        Ok(())
    }
}

impl List {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let (client, hash) = (self.gateway.named_client()?, self.paper.hash()?);
        let (mut found, mut bookmark) = (Vec::new(), String::new());
        loop {
            let page = client.recorded_signatures(&hash, &bookmark).await?;
            found.extend(page.signatures);
            bookmark = page.bookmark;
            if bookmark.is_empty() {
                break;
            }
        }
        program.output.result(&found, |found| lines(found));
        Ok(())
    }
}

fn lines(found: &[SignatureRecord]) -> String {
    let header = ["signer", "signed", "recorded", "names it", "signature"];
    let line = |of: &SignatureRecord| {
        vec![
            of.signer.to_string(),
            when::written(of.signed_at),
            when::written(of.at),
            of.subject.to_string(),
            of.digest.to_string(),
        ]
    };
    table(&header, found.iter().map(line), "nobody has signed it")
}

/// A signature for people.
pub(super) fn text(of: &SignatureStatus) -> String {
    let mut lines = vec![
        format!("signature {}: {}", of.signature, of.state.name()),
        format!("  by {} of {}", of.signer, of.subject),
        format!("  came in {}, last changed {}", when::written(of.created_at), when::written(of.updated_at)),
    ];
    let checks = of.verdict.iter().flat_map(|verdict| &verdict.checks);
    lines.extend(checks.filter(|check| !check.holds).map(|check| {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        format!("  does not hold: {}: {}", part(&check.code), part(&check.why))
    }));
    lines.extend(of.refusal.iter().map(|why| format!("  refused: {}: {}", why.code, why.detail)));
    if let (Some(transaction), Some(block)) = (&of.transaction, of.block) {
        lines.push(format!("  on the ledger: transaction {transaction}, block {block}"));
    }
    lines.join("\n")
}
