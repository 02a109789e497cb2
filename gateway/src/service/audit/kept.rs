//! What the gateway keeps of a school's batches beside the entries, held against the ledger.

use std::collections::{BTreeSet, HashMap};

use sillok_contract::id::SchoolId;

use crate::{
    drift::{self, Difference},
    ledger::story::{Chapter, Content},
    problem::Problem,
    records::KeptRequest,
    service::{Core, problems},
};

/// How many batches beyond the ledger's last are looked at, at once.
const PAGE: u32 = 100;

/// In what the kept batch and its requests differ from the ledger's.
pub(super) async fn look(core: &Core, chapter: &Chapter, head: u64) -> Result<Vec<Difference>, Problem> {
    let (school, sequence) = (&chapter.batch.school, chapter.batch.sequence);
    let batch = core.records.kept_batch(school, sequence).await.map_err(problems::of_records)?;
    let requests = requests(core, chapter).await?;
    Ok(drift::kept(chapter, batch.as_ref(), &by_digest(&requests), sequence == head))
}

/// The kept requests of a batch's entries.
pub(super) async fn requests(core: &Core, chapter: &Chapter) -> Result<Vec<KeptRequest>, Problem> {
    let digests: BTreeSet<_> = chapter
        .contents
        .iter()
        .filter_map(|content| match content {
            Content::Entry(_, request) => Some(request.digest),
            Content::Erased | Content::Unproven => None,
        })
        .collect();
    let digests: Vec<_> = digests.into_iter().collect();
    core.records.kept_requests(&digests).await.map_err(problems::of_records)
}

pub(super) fn by_digest(requests: &[KeptRequest]) -> HashMap<&[u8], &KeptRequest> {
    requests.iter().map(|request| (request.digest.as_slice(), request)).collect()
}

/// Batches after this one that the database calls recorded, and that the ledger does not have. The database is asked
/// first: what is recorded meanwhile stands on the ledger before.
pub(super) async fn without_ledger(core: &Core, school: &SchoolId, after: u64) -> Result<Vec<u64>, Problem> {
    let (mut unknown, mut after) = (Vec::new(), after);
    loop {
        let page = core.records.recorded_after(school, after, PAGE).await.map_err(problems::of_records)?;
        let Some(last) = page.last() else { return Ok(unknown) };
        after = *last;
        for sequence in page {
            let found = core.contract().batch(school, sequence).await.map_err(problems::of_ledger)?;
            if found.is_none() {
                unknown.push(sequence);
            }
        }
    }
}
