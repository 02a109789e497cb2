//! One school: its batches from the first to the last, then its learners' rows, then its suspects.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use sillok_contract::{
    batch::Batch,
    entry::EntryId,
    id::{LearnerId, SchoolId},
};

use super::{SchoolAudit, chapters::chapters, images::Images, kept, registered::Registered};
use crate::{
    drift::{batch_without_ledger, outbox_agrees},
    ledger::story::{Chapter, Content, Fault, FaultCode},
    problem::Problem,
    service::{Core, problems},
};

/// After how many batches there is a pause.
const BATCHES: u64 = 32;
/// How many learners' rows are read at once.
const LEARNERS: usize = 50;

pub(super) async fn audit(
    core: &Arc<Core>,
    registered: &Registered,
    school: &SchoolId,
    pause: Duration,
    batch: &(dyn Fn() + Send + Sync),
) -> Result<SchoolAudit, Problem> {
    let head = core.registry.head(school).await.map_err(problems::of_ledger)?;
    let pupils = registered.pupils(school);
    let mut audit = SchoolAudit::of(school.clone(), pupils.len() as u64);
    let mut images = Images::of(pupils);
    let mut chapters = std::pin::pin!(chapters(core.clone(), school.clone(), head.sequence));
    while let Some(chapter) = chapters.next().await {
        let chapter = chapter?;
        audit.chain(&chapter);
        images.take(&chapter);
        look_at_outbox(core, &chapter, &mut images).await?;
        audit.kept.extend(kept::look(core, &chapter, head.sequence).await?);
        batch();
        if chapter.batch.sequence.is_multiple_of(BATCHES) {
            tokio::time::sleep(pause).await;
        }
    }
    audit.ends_at(&head);
    let unknown = kept::without_ledger(core, school, head.sequence).await?;
    audit.kept.extend(unknown.into_iter().map(|sequence| batch_without_ledger(school, sequence)));
    images.count();
    let ids: Vec<_> = pupils.iter().map(|pupil| pupil.id.clone()).collect();
    for learners in ids.chunks(LEARNERS) {
        audit.rows += compare_rows(core, learners, &mut images).await?;
        tokio::time::sleep(pause).await;
    }
    for learner in images.suspects() {
        audit.suspects += 1;
        let report = core.verify(&learner).await?;
        if !report.agrees {
            audit.reports.push(report);
        }
        tokio::time::sleep(pause).await;
    }
    Ok(audit)
}

/// Holds the rows of some learners against the images; how many there are.
async fn compare_rows(core: &Core, learners: &[LearnerId], images: &mut Images) -> Result<u64, Problem> {
    let found = core.records.rows_of(learners).await.map_err(problems::of_records)?;
    let known: HashMap<&str, &LearnerId> = learners.iter().map(|id| (id.as_str(), id)).collect();
    for row in &found {
        if let Some(learner) = known.get(row.learner.as_str()) {
            images.compare(learner, row);
        }
    }
    Ok(found.len() as u64)
}

/// Looks whether the outbox has a batch's entries as the ledger has them.
async fn look_at_outbox(core: &Core, chapter: &Chapter, images: &mut Images) -> Result<(), Problem> {
    let Batch { leaves, .. } = &chapter.batch;
    let ids: Vec<EntryId> = leaves.iter().map(|leaf| leaf.entry).collect();
    let rows = core.records.outbox(&ids).await.map_err(problems::of_records)?;
    let rows: HashMap<_, _> = rows.iter().map(|row| (row.id.as_slice(), row)).collect();
    for (index, (leaf, content)) in (0_u32..).zip(leaves.iter().zip(&chapter.contents)) {
        let agrees = match (rows.get(&leaf.entry.0[..]), content) {
            (Some(row), Content::Entry(entry, _)) => outbox_agrees(row, entry, chapter.batch.sequence, index),
            _ => false,
        };
        if !agrees {
            images.suspect(&leaf.learner);
        }
    }
    Ok(())
}

impl SchoolAudit {
    /// The next batch follows the one before. What is wrong with one entry is told with its learner.
    fn chain(&mut self, chapter: &Chapter) {
        let Batch { school, sequence, header_hash, previous, leaves, .. } = &chapter.batch;
        if *previous != self.header_hash.0 {
            let why = "the header does not name the one before";
            self.faults.push(Fault::of_batch(FaultCode::Chain, school, *sequence, why));
        }
        self.faults.extend(chapter.faults.iter().filter(|fault| fault.index.is_none()).cloned());
        self.header_hash.0 = *header_hash;
        self.batches = *sequence;
        self.entries += leaves.len() as u64;
    }

    /// The last batch is the school's head.
    fn ends_at(&mut self, head: &sillok_contract::batch::Head) {
        if head.header_hash != self.header_hash.0 {
            let why = "the school's head names another header than its last batch's";
            self.faults.push(Fault::of_batch(FaultCode::Chain, &head.school, head.sequence, why));
        }
    }
}
