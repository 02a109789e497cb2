//! Sillok's own tables put back from the ledger: for what is recorded they are a cache of it, so nobody has to sign for
//! it. Nothing comes into them but what both offices endorsed.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use sillok_contract::{
    entry::{Entry, EntryId},
    id::SchoolId,
    request::SignedRequest,
};

use super::{
    Auditor,
    chapters::chapters,
    kept::{by_digest, requests, without_ledger},
};
use crate::{
    drift::{fits, is_kept, outbox_agrees},
    ledger::story::{Chapter, Content},
    problem::Problem,
    records::{
        KeptBatch, LedgerBatch, LedgerBody, LedgerEntry, LedgerRequest, OutboxRow, Outcome, QueryOutcome,
        outcome_of,
    },
    service::{Core, problems},
};

/// What was put back of a school.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mended {
    /// Batches whose rows, or those of their entries and requests, were not what the ledger says.
    pub batches: u64,
    /// Batches that the ledger does not have, with receipts that are not their own, and that are gone now.
    pub forgotten: u64,
    /// Entries that said they were in a batch which did not hold them, and that wait for one again.
    pub freed: u64,
    /// Batches that were left as they are: the ledger contradicts itself there, does not give the receipt, or does not have
    /// a batch whose receipt is its own.
    pub left: u64,
}

impl Mended {
    /// Whether something was not as it should be.
    pub fn is_anything(&self) -> bool {
        *self != Self::default()
    }
}

impl Auditor {
    /// Makes what the database keeps of a school's recorded batches what the ledger says: batches, entries, requests and
    /// their answers, as far as the ledger tells them (the rows that a query read are not on it). The gateway may work
    /// meanwhile. `batch` is called after each batch.
    pub async fn mend(&self, school: &SchoolId, batch: &(dyn Fn() + Send + Sync)) -> Result<Mended, Problem> {
        let head = self.core.registry.head(school).await.map_err(problems::of_ledger)?;
        let mut mender = Mender::new(self.core.clone());
        let mut chapters = std::pin::pin!(chapters(self.core.clone(), school.clone(), head.sequence));
        while let Some(chapter) = chapters.next().await {
            mender.take(chapter?).await?;
            batch();
        }
        mender.end(school, head.sequence).await
    }
}

/// A request some of whose entries have been seen.
struct Open {
    request: Arc<SignedRequest>,
    /// One of its entries, which names who signed and the school.
    entry: Box<Entry>,
    /// By the query's index.
    results: BTreeMap<u32, QueryOutcome>,
    /// Whether the database has it otherwise.
    altered: bool,
    /// The last batch that held one of its entries.
    last: u64,
}

struct Mender {
    core: Arc<Core>,
    /// The hash of the header before.
    previous: [u8; 32],
    open: HashMap<[u8; 32], Open>,
    mended: Mended,
}

impl Mender {
    fn new(core: Arc<Core>) -> Self {
        Self { core, previous: [0; 32], open: HashMap::new(), mended: Mended::default() }
    }

    /// The school's next batch.
    async fn take(&mut self, chapter: Chapter) -> Result<(), Problem> {
        let follows = chapter.batch.previous == self.previous;
        self.previous = chapter.batch.header_hash;
        if !follows || !chapter.faults.is_empty() {
            self.mended.left += 1;
            return Ok(());
        }
        let due = self.requests_due(&chapter).await?;
        self.put_back(&chapter, due).await
    }

    /// The requests that end in this batch and are not kept as they should be.
    async fn requests_due(&mut self, chapter: &Chapter) -> Result<Vec<LedgerRequest>, Problem> {
        let kept = requests(&self.core, chapter).await?;
        let kept = by_digest(&kept);
        let mut seen = Vec::new();
        for content in &chapter.contents {
            let Content::Entry(entry, request) = content else { continue };
            let open = self.open.entry(request.digest).or_insert_with(|| Open {
                request: request.clone(),
                entry: entry.clone(),
                results: BTreeMap::new(),
                altered: false,
                last: 0,
            });
            open.altered |= !is_kept(kept.get(&request.digest[..]).copied(), request, &[&**entry]);
            open.results.insert(entry.query_index, outcome_of(entry));
            open.last = chapter.batch.sequence;
            seen.push(request.digest);
        }
        let mut due = Vec::new();
        for digest in seen {
            let whole = |open: &Open| open.results.len() == open.request.payload.queries.len();
            if self.open.get(&digest).is_some_and(whole)
                && let Some(open) = self.open.remove(&digest).filter(|open| open.altered)
            {
                due.push(open.stored()?);
            }
        }
        Ok(due)
    }

    /// Writes a batch with these requests, unless all is as it should be.
    async fn put_back(&mut self, chapter: &Chapter, requests: Vec<LedgerRequest>) -> Result<(), Problem> {
        let batch = &chapter.batch;
        let receipt = self.core.ledger.receipt(&batch.transaction).await.map_err(problems::of_ledger)?;
        let Some(receipt) = receipt else {
            self.mended.left += 1;
            return Ok(());
        };
        let wanted = LedgerBatch {
            school: batch.school.clone(),
            sequence: batch.sequence,
            header: batch.header.clone(),
            receipt: serde_json::to_vec(&receipt).map_err(|error| problems::internal(&error))?,
            transaction: receipt.transaction,
            block: receipt.block,
            entries: entries(chapter)?,
            requests,
        };
        self.erase_again(chapter).await?;
        if wanted.requests.is_empty() && self.is_as_wanted(chapter, &wanted).await? {
            return Ok(());
        }
        self.core.records.mend(&wanted).await.map_err(problems::of_records)?;
        self.mended.batches += 1;
        Ok(())
    }

    async fn is_as_wanted(&self, chapter: &Chapter, wanted: &LedgerBatch) -> Result<bool, Problem> {
        let records = &self.core.records;
        let kept = records.kept_batch(&wanted.school, wanted.sequence).await;
        let kept = kept.map_err(problems::of_records)?;
        if !kept.is_some_and(|kept| is_batch(&kept, wanted)) {
            return Ok(false);
        }
        let rows = self.outbox(wanted).await?;
        let rows: HashMap<_, _> = rows.iter().map(|row| (row.id.as_slice(), row)).collect();
        let agrees = |(index, (wanted_entry, content)): (u32, (&LedgerEntry, &Content))| {
            let Some(row) = rows.get(&wanted_entry.id.0[..]) else { return false };
            match content {
                Content::Entry(entry, _) => outbox_agrees(row, entry, wanted.sequence, index),
                _ => is_at(row, wanted.sequence, index),
            }
        };
        Ok((0..).zip(wanted.entries.iter().zip(&chapter.contents)).all(agrees))
    }

    async fn outbox(&self, wanted: &LedgerBatch) -> Result<Vec<OutboxRow>, Problem> {
        let ids: Vec<EntryId> = wanted.entries.iter().map(|entry| entry.id).collect();
        self.core.records.outbox(&ids).await.map_err(problems::of_records)
    }

    /// What was erased may be there again, from a backup.
    async fn erase_again(&self, chapter: &Chapter) -> Result<(), Problem> {
        let leaves = chapter.batch.leaves.iter().zip(&chapter.contents);
        let erased = leaves.filter(|(_, content)| **content == Content::Erased);
        let erased: Vec<_> = erased.map(|(leaf, _)| leaf.entry).collect();
        if !erased.is_empty() {
            self.core.records.erase(&erased).await.map_err(problems::of_records)?;
        }
        Ok(())
    }

    /// All batches were taken: what never was whole, what the ledger does not have, and what waits in vain.
    async fn end(mut self, school: &SchoolId, head: u64) -> Result<Mended, Problem> {
        let mut altered: Vec<_> =
            self.open.drain().map(|(_, open)| open).filter(|open| open.altered).collect();
        altered.sort_by_key(|open| open.last);
        for open in altered {
            let chapter = self.core.chapter(school, open.last).await?;
            let stored = open.stored()?;
            self.put_back(&chapter, vec![stored]).await?;
        }
        let records = &self.core.records;
        for sequence in without_ledger(&self.core, school, head).await? {
            let kept = records.kept_batch(school, sequence).await.map_err(problems::of_records)?;
            // With a receipt of its own it may be that the ledger has lost it: that is nothing to be tidied away.
            if kept.is_some_and(|kept| fits(&kept)) {
                self.mended.left += 1;
                continue;
            }
            records.forget_batch(school, sequence).await.map_err(problems::of_records)?;
            self.mended.forgotten += 1;
        }
        if self.mended.left == 0 {
            self.mended.freed = records.free_astray(school).await.map_err(problems::of_records)?;
        }
        Ok(self.mended)
    }
}

impl Open {
    fn stored(&self) -> Result<LedgerRequest, Problem> {
        let outcome = Outcome { results: self.results.values().cloned().collect() };
        Ok(LedgerRequest {
            digest: self.request.digest,
            educator: self.entry.educator.clone(),
            jti: self.request.payload.jti.clone(),
            content: self.request.content(),
            jws: self.request.compact(),
            outcome: serde_json::to_vec(&outcome).map_err(|error| problems::internal(&error))?,
        })
    }
}

fn entries(chapter: &Chapter) -> Result<Vec<LedgerEntry>, Problem> {
    let entry = |(leaf, content): (&sillok_contract::batch::BatchLeaf, &Content)| {
        let body = match content {
            Content::Entry(entry, _) => {
                let bytes = entry.to_bytes();
                if EntryId::of(&bytes) != leaf.entry {
                    return Err(problems::internal(&format!("entry {} has another form", leaf.entry)));
                }
                let (educator, request) = (entry.educator.clone(), entry.request_digest);
                Some(LedgerBody { educator, request, bytes, executed_at: entry.executed_at })
            }
            Content::Erased | Content::Unproven => None,
        };
        Ok(LedgerEntry { id: leaf.entry, learner: leaf.learner.clone(), body })
    };
    chapter.batch.leaves.iter().zip(&chapter.contents).map(entry).collect()
}

/// To the last byte of the receipt.
fn is_batch(kept: &KeptBatch, wanted: &LedgerBatch) -> bool {
    let ids = wanted.entries.iter().flat_map(|entry| entry.id.0);
    kept.header == wanted.header
        && kept.entries.iter().copied().eq(ids)
        && kept.receipt.as_deref() == Some(&wanted.receipt)
        && kept.transaction.as_deref() == Some(&wanted.transaction)
        && kept.block.and_then(|block| u64::try_from(block).ok()) == Some(wanted.block)
}

/// Whether an erased entry stands where it should.
fn is_at(row: &OutboxRow, sequence: u64, index: u32) -> bool {
    row.bytes.is_empty()
        && row.batch.and_then(|batch| u64::try_from(batch).ok()) == Some(sequence)
        && row.leaf.and_then(|leaf| u32::try_from(leaf).ok()) == Some(index)
        && row.code.is_none()
}
