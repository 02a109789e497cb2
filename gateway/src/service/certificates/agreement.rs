//! What may be certified of a learner: only what database and ledger agree on.

use std::collections::BTreeSet;

use sillok_contract::{entry::EntryId, id::LearnerId};

use crate::{
    certificate::{Evidence, Record},
    drift::{Fold, Report},
    ledger::{receipt::Roots, story::Story},
    problem::{Kind, Problem},
    proof::{Proof, Proofs},
    service::{Caller, Core, problems},
};

/// A learner's record and what it rests on.
pub(super) struct Agreement {
    /// The rows, each as it was last recorded and as the database has it.
    pub(super) record: Record,
    /// The entries they rest on, in the order of the learner's trail.
    pub(super) evidence: Vec<Evidence>,
    /// The proofs of these.
    pub(super) proofs: Proofs,
}

impl Core {
    /// The record as database and ledger agree on it now; refused where they do not, or where something of it is not on
    /// the ledger yet or any more.
    pub(super) async fn agreement(
        &self,
        caller: &Caller,
        learner: &LearnerId,
        roots: &Roots,
    ) -> Result<Agreement, Problem> {
        let (story, _, report) = self.compared(learner).await?;
        check(&report)?;
        let (record, entries) = record(&story)?;
        let mut proofs = Proofs::default();
        for id in entries {
            let proof = self.proof(caller, id).await?;
            proofs.push(Proof::parse(proof.as_bytes()).map_err(|error| problems::internal(&error))?);
        }
        let roots = roots.clone();
        let proven =
            tokio::task::spawn_blocking(move || evidence(&proofs, &roots).map(|found| (found, proofs)));
        let (evidence, proofs) = proven.await.map_err(|error| problems::internal(&error))??;
        Ok(Agreement { record, evidence, proofs })
    }
}

fn check(report: &Report) -> Result<(), Problem> {
    if !report.agrees {
        let (differences, faults) = (report.differences.len(), report.faults.len());
        let detail = format!(
            "database and ledger do not agree about {}: {differences} difference(s), {faults} fault(s) of the ledger itself; \
             nothing is certified before they are put right",
            report.learner
        );
        return Err(Problem::new(Kind::Unprocessable, "certificate.drift", detail));
    }
    if report.pending > 0 {
        let detail =
            format!("{} entries are on their way to the ledger; ask again in a few seconds", report.pending);
        return Err(Problem::new(Kind::Unprocessable, "certificate.pending", detail).retry_after(2));
    }
    match report.untold.is_empty() {
        true => Ok(()),
        false => {
            let detail =
                "rows of the record rest on entries whose bodies were erased: they cannot be proved any more";
            Err(Problem::new(Kind::Unprocessable, "certificate.erased", detail))
        }
    }
}

/// The rows by table, and the entries that hold them, in the order of the trail.
fn record(story: &Story) -> Result<(Record, Vec<EntryId>), Problem> {
    let fold = Fold::of_story(story);
    let mut record = Record::new();
    let mut holding = BTreeSet::new();
    for (key, last) in fold.rows().filter(|(_, last)| !last.deleted) {
        let row = serde_json::from_slice(&last.image).map_err(|error| problems::internal(&error))?;
        record.entry(key.table.clone()).or_default().push(row);
        holding.insert(last.since.entry);
    }
    if record.is_empty() {
        let detail = "the ledger holds no row about the learner: there is nothing to certify";
        return Err(Problem::new(Kind::Unprocessable, "certificate.empty", detail));
    }
    let mut told: Vec<_> = story.entries.iter().filter(|told| holding.contains(&told.id)).collect();
    told.sort_by_key(|told| told.number);
    Ok((record, told.into_iter().map(|told| told.id).collect()))
}

fn evidence(proofs: &Proofs, roots: &Roots) -> Result<Vec<Evidence>, Problem> {
    let each = proofs.iter().zip(proofs.verify(roots)).map(|(proof, verified)| {
        let verified = verified.map_err(|error| problems::internal(&error))?;
        Ok(Evidence::new(&verified, proof))
    });
    each.collect()
}
