//! What a transaction did to Sillok's own tables, and what of it no gateway does.
//!
//! The log tells rows as they are after a change, not as they were. So each is held against what it says of itself (an
//! entry's id is the hash of its bytes) and against what else the transaction did: a gateway stores entries with their
//! request, puts them into a batch that it forms, takes them out of one that it dissolves, and blanks those that were erased,
//! with the rows in their request's answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use prost::Message as _;
use serde_json::{Map, Value};
use sillok_contract::{digest::sha256, entry::EntryId};
use sillok_proto::ledger::Entry;

use super::{
    catalog::{Known, Own, name_of},
    transaction::{LOOKED_AT, Operation},
};
use crate::records::{Finding, pgoutput::Tuple};

/// What was done to Sillok's own tables.
#[derive(Default)]
pub(super) struct Outbox {
    /// New entries: their bytes, and the requests that they name.
    inserted: Vec<(EntryId, Vec<u8>, Vec<u8>)>,
    /// New requests: their digests and keys.
    requests: Vec<(Vec<u8>, Map<String, Value>)>,
    /// Entries that are in this batch now, at this leaf.
    placed: Vec<(EntryId, String, i64, i64)>,
    /// Entries that are in no batch now, and their schools.
    taken_out: Vec<(EntryId, String)>,
    /// New batches, with the ids of their entries one after the other.
    formed: HashMap<(String, i64), Vec<u8>>,
    /// The requests of entries whose bytes are gone: whether the ledger says so, too, a comparison with it tells.
    erased: BTreeSet<Vec<u8>>,
    /// Requests whose answers changed: their digests and keys.
    answers: Vec<(Vec<u8>, Map<String, Value>)>,
    /// Batches that are gone.
    dissolved: BTreeSet<(String, i64)>,
    /// What is wrong whatever else the transaction did.
    wrong: Vec<Finding>,
    /// How many changes were looked at; more are only counted.
    looked_at: usize,
    beyond: BTreeMap<(&'static str, Operation), u64>,
}

impl Outbox {
    /// The bytes of the new entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = &[u8]> {
        self.inserted.iter().map(|(_, bytes, _)| bytes.as_slice())
    }

    /// A row of one of the tables changed.
    pub(super) fn changed(
        &mut self,
        known: &Known,
        own: Own,
        operation: Operation,
        old: Option<&Tuple>,
        new: Option<&Tuple>,
    ) {
        if self.looked_at == LOOKED_AT {
            *self.beyond.entry((name_of(own), operation)).or_default() += 1;
            return;
        }
        self.looked_at += 1;
        let told = match (own, operation, old, new) {
            // What becomes of it is in the row; its key never changes.
            (Own::Entries, Operation::Insert, _, Some(new)) => self.entry(known, new),
            (Own::Entries, Operation::Update, None, Some(new)) => self.moved(known, new),
            (Own::Requests, Operation::Insert, _, Some(new)) => self.request(known, new),
            (Own::Requests, Operation::Update, None, Some(new)) => self.answer(known, new),
            (Own::Batches, Operation::Insert, _, Some(new)) => self.batch(known, new),
            (Own::Batches, Operation::Delete, Some(old), _) => batch_of(known, old).map(|batch| {
                self.dissolved.insert(batch);
            }),
            // The envelope, and the receipt.
            (Own::Batches, Operation::Update, None, Some(_)) | (Own::Alerts, Operation::Insert, ..) => {
                Some(())
            }
            _ => None,
        };
        if told.is_none() {
            let key = new.or(old).map(|tuple| key_of(known, own, tuple)).unwrap_or_default();
            self.wrong.push(altered(own, operation, key));
        }
    }

    /// One of the tables was emptied.
    pub(super) fn truncated(&mut self, known: &Known) {
        self.wrong.push(of_table(&known.name, Operation::Truncate));
    }

    fn entry(&mut self, known: &Known, row: &Tuple) -> Option<()> {
        let waits = known.raw(row, "batch").is_none() && known.raw(row, "code").is_none();
        let (id, bytes) = (id_of(known, row)?, known.raw(row, "bytes")?);
        let entry = agrees(known, row, id, bytes).filter(|_| waits)?;
        self.inserted.push((id, bytes.to_vec(), entry.request_digest));
        Some(())
    }

    fn moved(&mut self, known: &Known, row: &Tuple) -> Option<()> {
        let (id, school) = (id_of(known, row)?, known.text(row, "school")?);
        match known.raw(row, "bytes") {
            Some([]) => return self.erased(known, row),
            Some(bytes) => drop(agrees(known, row, id, bytes)?),
            None => {}
        }
        match (known.integer(row, "batch"), known.integer(row, "leaf")) {
            (Some(batch), Some(leaf)) => self.placed.push((id, school.to_owned(), batch, leaf)),
            _ => self.taken_out.push((id, school.to_owned())),
        }
        Some(())
    }

    fn erased(&mut self, known: &Known, row: &Tuple) -> Option<()> {
        known.integer(row, "batch").and(known.integer(row, "leaf"))?;
        self.erased.insert(known.raw(row, "request")?.to_vec());
        Some(())
    }

    fn answer(&mut self, known: &Known, row: &Tuple) -> Option<()> {
        let digest = known.raw(row, "digest")?;
        // Left out where it is long and did not change.
        if let Some(jws) = known.text(row, "jws")
            && sha256(&[jws.as_bytes()])[..] != *digest
        {
            return None;
        }
        self.answers.push((digest.to_vec(), key_of(known, Own::Requests, row)));
        Some(())
    }

    fn request(&mut self, known: &Known, row: &Tuple) -> Option<()> {
        let digest = known.raw(row, "digest")?.to_vec();
        self.requests.push((digest, key_of(known, Own::Requests, row)));
        Some(())
    }

    fn batch(&mut self, known: &Known, row: &Tuple) -> Option<()> {
        let ids = known.raw(row, "entries")?.to_vec();
        if known.raw(row, "receipt").is_some() {
            return None;
        }
        self.formed.insert(batch_of(known, row)?, ids);
        Some(())
    }

    /// What of it no gateway does.
    pub(super) fn judge(self) -> Vec<Finding> {
        let mut found = self.wrong;
        found.extend(
            self.beyond
                .into_iter()
                .map(|((table, operation), rows)| Finding { rows, ..of_table(table, operation) }),
        );
        let insert = |own, key| altered(own, Operation::Insert, key);
        let update = |id: &EntryId| altered(Own::Entries, Operation::Update, key_of_entry(id));
        let with_request = |request| self.requests.iter().any(|(digest, _)| digest == request);
        let alone = self.inserted.iter().filter(|(_, _, request)| !with_request(request));
        found.extend(alone.map(|(id, ..)| insert(Own::Entries, key_of_entry(id))));
        let with_entries = |digest| self.inserted.iter().any(|(_, _, request)| request == digest);
        let empty = self.requests.iter().filter(|(digest, _)| !with_entries(digest));
        found.extend(empty.map(|(_, key)| insert(Own::Requests, key.clone())));
        let changed = self.answers.iter().filter(|(digest, _)| !self.erased.contains(digest));
        found.extend(changed.map(|(_, key)| altered(Own::Requests, Operation::Update, key.clone())));
        let mut placed: HashMap<(&str, i64), usize> = HashMap::new();
        for (id, school, batch, leaf) in &self.placed {
            let ids = self.formed.get(&(school.clone(), *batch));
            if ids.is_some_and(|ids| leaf_of(ids, *leaf) == Some(*id)) {
                *placed.entry((school, *batch)).or_default() += 1;
            } else {
                found.push(update(id));
            }
        }
        for ((school, batch), ids) in &self.formed {
            if placed.get(&(school.as_str(), *batch)).copied().unwrap_or_default() * 32 != ids.len() {
                found.push(insert(Own::Batches, key_of_batch(school, *batch)));
            }
        }
        let dissolved = |school: &String| self.dissolved.iter().any(|(of, _)| of == school);
        let taken = self.taken_out.iter().filter(|(_, school)| !dissolved(school));
        found.extend(taken.map(|(id, _)| update(id)));
        let emptied = |school: &String| self.taken_out.iter().any(|(_, of)| of == school);
        let gone = self.dissolved.iter().filter(|(school, _)| !emptied(school));
        found.extend(
            gone.map(|(school, batch)| {
                altered(Own::Batches, Operation::Delete, key_of_batch(school, *batch))
            }),
        );
        found
    }
}

const ALTERED: &str = "outbox.altered";

fn altered(own: Own, operation: Operation, key: Map<String, Value>) -> Finding {
    Finding { key: Some(key), rows: 1, ..of_table(name_of(own), operation) }
}

fn of_table(name: &str, operation: Operation) -> Finding {
    let operation = Some(operation.as_str().to_owned());
    Finding { table: Some(name.to_owned()), operation, ..Finding::new(ALTERED) }
}

fn id_of(known: &Known, row: &Tuple) -> Option<EntryId> {
    Some(EntryId(known.raw(row, "id")?.try_into().ok()?))
}

fn batch_of(known: &Known, row: &Tuple) -> Option<(String, i64)> {
    Some((known.text(row, "school")?.to_owned(), known.integer(row, "sequence")?))
}

/// The leaf with this number among ids that are one after the other.
fn leaf_of(ids: &[u8], leaf: i64) -> Option<EntryId> {
    ids.as_chunks::<32>().0.get(usize::try_from(leaf).ok()?).map(|id| EntryId(*id))
}

/// The entry, if its id and the row's other columns are what its bytes say.
fn agrees(known: &Known, row: &Tuple, id: EntryId, bytes: &[u8]) -> Option<Entry> {
    let entry = Entry::decode(bytes).ok().filter(|_| EntryId::of(bytes) == id)?;
    let texts = [("school", &entry.school), ("learner", &entry.learner), ("educator", &entry.educator)];
    let same = texts.iter().all(|(column, said)| known.text(row, column) == Some(said.as_str()))
        && known.raw(row, "request") == Some(&entry.request_digest)
        && known.integer(row, "executed_at") == Some(entry.executed_at);
    same.then_some(entry)
}

/// The key of a row of one of the tables.
fn key_of(known: &Known, own: Own, row: &Tuple) -> Map<String, Value> {
    let text = |column: &str| known.text(row, column).map(|text| (column.to_owned(), text.into()));
    let integer = |column: &str| known.integer(row, column).map(|number| (column.to_owned(), number.into()));
    match own {
        Own::Requests => [text("educator"), text("jti")].into_iter().flatten().collect(),
        Own::Batches => [text("school"), integer("sequence")].into_iter().flatten().collect(),
        Own::Entries => {
            known.raw(row, "id").map(|id| ("id".to_owned(), hex::encode(id).into())).into_iter().collect()
        }
        Own::Alerts => integer("id").into_iter().collect(),
    }
}

fn key_of_entry(id: &EntryId) -> Map<String, Value> {
    Map::from_iter([("id".to_owned(), id.to_string().into())])
}

fn key_of_batch(school: &str, sequence: i64) -> Map<String, Value> {
    Map::from_iter([("school".to_owned(), school.into()), ("sequence".to_owned(), sequence.into())])
}
