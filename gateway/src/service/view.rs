//! What callers may see of requests, entries and batches.

use std::{collections::HashMap, sync::Arc};

use prost::Message;
use serde::{Deserialize, de::DeserializeOwned};
use sillok_contract::{
    entry::EntryId,
    id::{EducatorId, LearnerId, SchoolId},
};
use sillok_proto::ledger::BatchHeader;

use super::{Batch, Caller, Core, Digest, EntryState, Place, QueryResult, RequestState, problems};
use crate::{
    problem::{Kind, Problem},
    records::{EntryStatus, StoredBatch, StoredEntry},
};

/// The most batches of one answer.
const MOST_BATCHES: u32 = 100;

impl Core {
    pub(super) async fn request(&self, caller: &Caller, digest: [u8; 32]) -> Result<RequestState, Problem> {
        let stored = self.records.request(&digest).await.map_err(problems::of_records)?;
        let stored = stored
            .filter(|stored| caller.sees_requests_of(&stored.educator))
            .ok_or_else(|| problems::not_found("request"))?;
        let entries: Vec<_> = stored.outcome.results.iter().map(|result| result.entry).collect();
        let states = self.entry_states(&entries).await?;
        let results = states.into_iter().zip(stored.outcome.results);
        let results = results.map(|(entry, result)| QueryResult { entry, rows: result.rows, data: None });
        Ok(RequestState { request: Digest(digest), results: results.collect() })
    }

    pub(super) async fn entry(&self, caller: &Caller, id: EntryId) -> Result<EntryState, Problem> {
        let entry = self.entry_seen_by(caller, id).await?;
        self.state_of(entry).await
    }

    /// The entry, if it is there and the caller's to see.
    pub(super) async fn entry_seen_by(&self, caller: &Caller, id: EntryId) -> Result<StoredEntry, Problem> {
        let entry = self.records.entry(&id).await.map_err(problems::of_records)?;
        entry.filter(|entry| caller.sees(entry)).ok_or_else(|| problems::not_found("entry"))
    }

    /// Where these entries stand, in their order.
    pub(super) async fn entry_states(&self, ids: &[EntryId]) -> Result<Vec<EntryState>, Problem> {
        let mut states = Vec::with_capacity(ids.len());
        for entry in self.stored_entries(ids).await? {
            states.push(self.state_of(entry).await?);
        }
        Ok(states)
    }

    /// Entries that must be there, in this order.
    pub(super) async fn stored_entries(&self, ids: &[EntryId]) -> Result<Vec<StoredEntry>, Problem> {
        let stored = self.records.entries(ids).await.map_err(problems::of_records)?;
        let mut stored: HashMap<_, _> = stored.into_iter().map(|entry| (entry.id, entry)).collect();
        let missing = |id| problems::internal(&format!("entry {id} is named and not there"));
        ids.iter().map(|id| stored.remove(id).ok_or_else(|| missing(id))).collect()
    }

    pub(super) async fn state_of(&self, entry: StoredEntry) -> Result<EntryState, Problem> {
        let place = match entry.status {
            EntryStatus::Pending => Place::Pending,
            EntryStatus::SetAside { code, .. } => Place::SetAside { refusal: code },
            EntryStatus::Recorded { sequence, index } => {
                let batch = self.batch(&entry.school, sequence).await?;
                let transaction = batch.transaction.clone();
                Place::Recorded { sequence, index, transaction, block: batch.block }
            }
        };
        Ok(EntryState { entry: entry.id, school: entry.school, learner: entry.learner, place })
    }

    /// A recorded batch. What is recorded never changes, so it is remembered.
    async fn batch(&self, school: &SchoolId, sequence: u64) -> Result<Arc<Batch>, Problem> {
        let read = async { read_batch(&self.stored_batch(school, sequence).await?).map(Arc::new) };
        let key = (school.clone(), sequence);
        self.batches.try_get_with(key, read).await.map_err(|problem| Problem::clone(&problem))
    }

    /// A recorded batch that must be there.
    pub(super) async fn stored_batch(
        &self,
        school: &SchoolId,
        sequence: u64,
    ) -> Result<StoredBatch, Problem> {
        let stored = self.records.batch(school, sequence).await.map_err(problems::of_records)?;
        stored.ok_or_else(|| {
            problems::internal(&format!("batch {sequence} of {school} is named and not there"))
        })
    }

    pub(super) async fn batches(
        &self,
        caller: &Caller,
        school: &SchoolId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Batch>, Problem> {
        caller.check_school(school)?;
        let limit = if limit == 0 { MOST_BATCHES } else { limit.min(MOST_BATCHES) };
        let stored = self.records.batches(school, after, limit).await.map_err(problems::of_records)?;
        stored.iter().map(read_batch).collect()
    }
}

/// The transaction that recorded a batch. Of its receipt no more is read: the rest may be large.
#[derive(Deserialize)]
struct Recording {
    transaction: String,
}

/// A recorded batch's receipt, or a part of it, and the block's number.
pub(super) fn receipt<T: DeserializeOwned>(stored: &StoredBatch) -> Result<(T, u64), Problem> {
    let (receipt, block) =
        stored.recorded.as_ref().ok_or_else(|| unreadable(stored, "it is not recorded"))?;
    let receipt = serde_json::from_slice(receipt).map_err(|_| unreadable(stored, "the receipt"))?;
    Ok((receipt, *block))
}

fn unreadable(stored: &StoredBatch, what: &str) -> Problem {
    problems::internal(&format!("batch {} of {}: {what}", stored.sequence, stored.school))
}

/// What is public of a recorded batch.
pub(super) fn read_batch(stored: &StoredBatch) -> Result<Batch, Problem> {
    let header =
        BatchHeader::decode(stored.header.as_slice()).map_err(|_| unreadable(stored, "the header"))?;
    let (Recording { transaction }, block) = receipt(stored)?;
    let digest =
        |bytes: Vec<u8>| bytes.try_into().map(Digest).map_err(|_| unreadable(stored, "a hash in the header"));
    Ok(Batch {
        school: stored.school.clone(),
        sequence: stored.sequence,
        header_hash: Digest::of(&stored.header),
        previous: digest(header.previous)?,
        root: digest(header.root)?,
        count: header.count,
        first_time: header.first_time,
        last_time: header.last_time,
        transaction,
        block,
    })
}

impl Caller {
    /// Whether the entry is the caller's to see.
    pub(super) fn sees(&self, entry: &StoredEntry) -> bool {
        match self {
            Self::Educator { id, .. } => *id == entry.educator,
            Self::Officer { .. } => true,
            Self::Learner { id } => *id == entry.learner,
            Self::Signer { .. } => false,
        }
    }

    /// Whether the requests that this educator sent are the caller's to see: whole, with the queries about others.
    fn sees_requests_of(&self, educator: &EducatorId) -> bool {
        match self {
            Self::Educator { id, .. } => id == educator,
            Self::Officer { .. } => true,
            Self::Learner { .. } | Self::Signer { .. } => false,
        }
    }

    /// Refuses everybody who is not of an office.
    pub(super) fn check_office(&self) -> Result<(), Problem> {
        match self {
            Self::Officer { .. } => Ok(()),
            Self::Educator { .. } | Self::Learner { .. } | Self::Signer { .. } => Err(Problem::new(
                Kind::Forbidden,
                "access.offices_only",
                "this is for the offices' people; ask with a certificate that an office's authority issued",
            )),
        }
    }

    /// The learner who asks. Others are refused, and told what it is that a learner does here.
    pub(super) fn learner(&self, what: &str) -> Result<&LearnerId, Problem> {
        match self {
            Self::Learner { id } => Ok(id),
            Self::Educator { .. } | Self::Officer { .. } | Self::Signer { .. } => {
                let detail = format!("a learner {what}, with the key of their wallet");
                Err(Problem::new(Kind::Forbidden, "access.learners_only", detail))
            }
        }
    }

    /// Refuses another school than the educator's own.
    pub(super) fn check_school(&self, asked: &SchoolId) -> Result<(), Problem> {
        let detail = match self {
            Self::Educator { school, .. } if school != asked => {
                format!("you are not an educator of the school {asked}; ask for your own school's")
            }
            Self::Learner { id } => {
                format!("a school's entries are for its educators; yours are at /v1/learners/{id}/entries")
            }
            Self::Signer { .. } => "a school's entries are for its educators and the offices".to_owned(),
            Self::Educator { .. } | Self::Officer { .. } => return Ok(()),
        };
        Err(Problem::new(Kind::Forbidden, "access.other_school", detail))
    }

    /// Refuses another learner than the caller themselves; the offices see all.
    pub(super) fn check_learner(&self, asked: &LearnerId) -> Result<(), Problem> {
        match self {
            Self::Officer { .. } => return Ok(()),
            Self::Learner { id } if id == asked => return Ok(()),
            _ => {}
        }
        let detail = format!("what is about the learner {asked} is for that learner and the offices");
        Err(Problem::new(Kind::Forbidden, "access.other_learner", detail))
    }
}
