//! `sillok erase`

use clap::Args;
use sillok_contract::{
    act::{Erase, Grounds, Place},
    id::LearnerId,
};

use super::{
    Failure, Program,
    gateway::{Credentials, Gateway},
    progress,
};
use crate::{
    clock,
    keys::ActSigner,
    service::{ErasureRequest, ErasureState},
};

/// How many batches one act names: their bodies travel at once.
const AT_ONCE: usize = 10;

/// Erases the bodies of a learner's entries, on legal grounds. For officers.
///
/// On the ledger and in the gateway's own tables. What stays: headers, hashes, places, times and pseudonyms, and with them
/// everybody else's proofs; that it was erased, by whom, when and on what grounds; and the rows of the protected tables, which
/// are the office's own: delete them first, so that their deletion is erased as well. What is erased already is skipped, so
/// call it again after a failure, and once more for what was on its way to the ledger.
///
/// Example: sillok erase L0001 --grounds retention_expired --gateway https://gateway.example:8080 --certificate han.pem
/// --key han.key
#[derive(Debug, Args)]
pub struct EraseOf {
    /// The learner.
    learner: LearnerId,
    /// On what grounds: retention_expired, data_subject_request, order or unlawful_processing.
    #[arg(long, value_name = "CODE", value_parser = grounds)]
    grounds: Grounds,
    #[command(flatten)]
    gateway: Gateway,
    #[command(flatten)]
    credentials: Credentials,
}

fn grounds(text: &str) -> Result<Grounds, String> {
    let known = serde_json::from_value(text.into());
    known
        .map_err(|_| "write retention_expired, data_subject_request, order or unlawful_processing".to_owned())
}

impl EraseOf {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.gateway.office_client(&self.credentials)?;
        let (certificate, key) = self.credentials.read()?;
        let signer = ActSigner::of_officer(&certificate, &self.gateway.audience, key)?;
        let standing = client.erasure(&self.learner).await?.standing;
        let places: Vec<_> = standing
            .into_iter()
            .map(|standing| Place { school: standing.school, sequence: standing.sequence })
            .collect();
        let bar = progress::bar(&program.output, places.len() as u64, "batches");
        let mut copies = 0;
        for places in places.chunks(AT_ONCE) {
            let (learner, grounds) = (self.learner.clone(), self.grounds);
            let act = signer.sign(Erase { learner, grounds, places: places.to_vec() }, clock::now())?;
            copies += client.erase(&self.learner, &ErasureRequest { act: Some(act) }).await?.copies;
            bar.inc(places.len() as u64);
        }
        // What a call before this one has left behind.
        let mut state = client.erase(&self.learner, &ErasureRequest::default()).await?;
        drop(bar);
        state.copies += copies;
        program.output.result(&state, text);
        Ok(())
    }
}

fn text(state: &ErasureState) -> String {
    let entries: u32 = state.erased.iter().map(|erased| erased.entries).sum();
    let mut lines = vec![format!(
        "{}: {entries} entries are erased, in {} batches; {} copies of them were in the database until now",
        state.learner,
        state.erased.len(),
        state.copies
    )];
    if !state.standing.is_empty() {
        lines.push(format!("{} batches hold newer entries: call it again", state.standing.len()));
    }
    lines.push("the rows of the protected tables are the office's own, and were not touched".to_owned());
    lines.join("\n")
}
