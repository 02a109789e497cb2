//! Reading batches, entries and bodies.

use std::{fmt, str::FromStr};

use prost::Message;
use sillok_proto::ledger::{self, BatchHeader, BatchRecord, Leaf, LearnerHead};

use super::reply::{Batch, BatchLeaf, Body, Entries, Head, Place, Position};
use crate::{
    Code, Ledger, Refusal,
    digest::sha256,
    entry::EntryId,
    erasure::{self, Erasures},
    id::{LearnerId, SchoolId},
    key,
    registry::School,
    snapshot::{Snapshot, damaged, stored_message},
};

/// The head in a snapshot; before the first batch, zeros.
pub(crate) fn head(school: &SchoolId, snapshot: &Snapshot) -> Result<Head, Refusal> {
    let head = snapshot.document(&key::head(school))?;
    Ok(head.unwrap_or_else(|| Head { school: school.clone(), sequence: 0, header_hash: [0; 32] }))
}

/// The record of a batch.
pub(crate) fn record(
    ledger: &mut dyn Ledger,
    school: &SchoolId,
    sequence: u64,
) -> Result<BatchRecord, Refusal> {
    let key = key::batch(school, sequence);
    match ledger.get(&key)? {
        Some(bytes) => stored_message(&key, &bytes),
        None => Err(Refusal::new(Code::NotFound, format!("the school {school} has no batch {sequence}"))),
    }
}

pub(crate) fn get_head(ledger: &mut dyn Ledger, school: SchoolId) -> Result<Head, Refusal> {
    let snapshot = Snapshot::read(ledger, [key::school(&school), key::head(&school)])?;
    if snapshot.document::<School>(&key::school(&school))?.is_none() {
        return Err(Refusal::new(Code::SchoolUnknown, format!("the school {school} is not registered")));
    }
    head(&school, &snapshot)
}

pub(crate) fn get_batch(ledger: &mut dyn Ledger, school: &SchoolId, sequence: u64) -> Result<Batch, Refusal> {
    let record = record(ledger, school, sequence)?;
    decode(school, sequence, record).ok_or_else(|| damaged(&key::batch(school, sequence)))
}

fn decode(school: &SchoolId, sequence: u64, record: BatchRecord) -> Option<Batch> {
    let header = BatchHeader::decode(record.header.as_slice()).ok()?;
    Some(Batch {
        school: school.clone(),
        sequence,
        header_hash: sha256(&[&record.header]),
        header: record.header,
        previous: header.previous.try_into().ok()?,
        root: header.root.try_into().ok()?,
        count: header.count,
        first_time: header.first_time,
        last_time: header.last_time,
        leaves: record.leaves.into_iter().map(leaf).collect::<Option<_>>()?,
        transaction: record.transaction,
    })
}

fn leaf(leaf: Leaf) -> Option<BatchLeaf> {
    Some(BatchLeaf {
        entry: EntryId(leaf.hash.try_into().ok()?),
        learner: LearnerId::new(leaf.learner).ok()?,
        number: leaf.number,
        previous: match leaf.previous {
            Some(previous) => Some(position(previous)?),
            None => None,
        },
    })
}

pub(super) fn position(position: ledger::Position) -> Option<Position> {
    let school = SchoolId::new(position.school).ok()?;
    Some(Position { school, sequence: position.sequence, index: position.index })
}

pub(crate) fn get_body(ledger: &mut dyn Ledger, school: SchoolId, sequence: u64) -> Result<Body, Refusal> {
    let Erasures { revision, erasures, .. } = erasure::get(ledger, &school, sequence)?;
    match ledger.private_get(key::BODIES, &key::revised_body(&school, sequence, revision))? {
        Some(body) => Ok(Body { school, sequence, body, erasures }),
        None => Err(Refusal::new(
            Code::NotFound,
            format!(
                "this peer has no body of the school {school}'s batch {sequence}; ask the other office's"
            ),
        )),
    }
}

/// A learner's entries from the newest on, or from where a bookmark says. Each leaf names the learner's leaf before it, so
/// this finds all of them, whatever was recorded meanwhile.
pub(crate) fn list_entries(
    ledger: &mut dyn Ledger,
    learner: LearnerId,
    page_size: u32,
    bookmark: &str,
) -> Result<Entries, Refusal> {
    let (known, trail) = (key::learner(&learner), key::trail(&learner));
    let snapshot = Snapshot::read(ledger, [known.clone(), trail.clone()])?;
    if snapshot.text(&known).is_none() {
        return Err(Refusal::new(Code::NotFound, format!("there is no {known} on the ledger")));
    }
    let head: LearnerHead = snapshot.message(&trail)?.unwrap_or_default();
    let mut next = match bookmark {
        "" => head.last.map(|last| position(last).ok_or_else(|| damaged(&trail))).transpose()?,
        bookmark => Some(bookmark.parse()?),
    };
    let mut walk = Walk { ledger, learner: &learner, batch: None };
    let mut items = Vec::new();
    while let Some(position) = next.take_if(|_| items.len() < page_size as usize) {
        let (place, previous) = walk.step(position)?;
        items.push(place);
        next = previous;
    }
    let bookmark = next.map(|position| position.to_string()).unwrap_or_default();
    Ok(Entries { learner, count: head.count, items, bookmark })
}

/// Goes from leaf to leaf and keeps the batch it is in.
struct Walk<'a> {
    ledger: &'a mut dyn Ledger,
    learner: &'a LearnerId,
    batch: Option<(SchoolId, u64, BatchRecord)>,
}

impl Walk<'_> {
    fn step(&mut self, at: Position) -> Result<(Place, Option<Position>), Refusal> {
        let batch = self.enter(&at)?;
        let leaf = batch.leaves.get(at.index as usize).cloned().and_then(leaf);
        let transaction = batch.transaction.clone();
        match leaf.filter(|leaf| leaf.learner == *self.learner) {
            Some(leaf) => {
                let place = Place { entry: leaf.entry, number: leaf.number, position: at, transaction };
                Ok((place, leaf.previous))
            }
            None => Err(Refusal::new(
                Code::NotFound,
                format!(
                    "{at} is not an entry of the learner {}; take the bookmark that a page gave",
                    self.learner
                ),
            )),
        }
    }

    fn enter(&mut self, at: &Position) -> Result<&BatchRecord, Refusal> {
        let batch = match self.batch.take() {
            Some(batch) if batch.0 == at.school && batch.1 == at.sequence => batch,
            _ => (at.school.clone(), at.sequence, record(self.ledger, &at.school, at.sequence)?),
        };
        Ok(&self.batch.insert(batch).2)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.school, self.sequence, self.index)
    }
}

impl FromStr for Position {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let mut parts = text.split('/');
        let position = (|| {
            let school = SchoolId::new(parts.next()?).ok()?;
            let (sequence, index) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            parts.next().is_none().then_some(Self { school, sequence, index })
        })();
        position.ok_or_else(|| {
            Refusal::new(Code::ArgumentMalformed, "that is not a bookmark; take the one a page gave")
        })
    }
}
