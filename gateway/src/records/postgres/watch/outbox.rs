//! What a transaction did to Sillok's own tables, and what of it no gateway does.
//!
//! The log tells rows as they are after a change, not as they were. So each is held against what it says of itself (an
//! entry's id is the hash of its bytes) and against what else the transaction did: a gateway stores entries with their
//! request, puts them into a batch that it forms, takes them out of one that it dissolves, and blanks those that were erased,
//! with the rows in their request's answer.
//!
//! Rows of recorded batches may be put back from the ledger (`sillok audit --mend`), all of a batch at once. That can only be
//! told from a forgery by asking the ledger: it has the batch so, or it is told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use prost::Message as _;
use serde_json::{Map, Value};
use sillok_contract::{digest::sha256, entry::EntryId};
use sillok_proto::ledger::Entry;

use super::{
    catalog::{Known, Own, name_of},
    transaction::{LOOKED_AT, Operation},
};
use crate::records::{Finding, KeptBatch, pgoutput::Tuple};

/// How many batches of a transaction the ledger is asked about: mending writes one in each.
const CLAIMS: usize = 8;

/// What the ledger says of the batches that a transaction writes anew.
#[derive(Default)]
pub(super) struct Witnessed(HashMap<(String, i64), bool>);

impl Witnessed {
    pub(super) fn note(&mut self, batch: &KeptBatch, is_so: bool) {
        self.0.insert((batch.school.clone(), batch.sequence), is_so);
    }

    fn has(&self, school: &str, sequence: i64) -> bool {
        self.0.get(&(school.to_owned(), sequence)).copied().unwrap_or_default()
    }
}

/// An entry in its place.
struct Placed {
    id: EntryId,
    school: String,
    batch: i64,
    leaf: i64,
    /// The request that it names.
    request: Vec<u8>,
    /// Whether the log tells its bytes, so that its other columns were held against them.
    whole: bool,
}

impl Placed {
    fn is_in(&self, batch: &KeptBatch) -> bool {
        (self.school.as_str(), self.batch) == (batch.school.as_str(), batch.sequence)
    }
}

/// What was done to Sillok's own tables.
#[derive(Default)]
pub(super) struct Outbox {
    /// New entries: their bytes, and the requests that they name.
    inserted: Vec<(EntryId, Vec<u8>, Vec<u8>)>,
    /// New requests: their digests and keys.
    requests: Vec<(Vec<u8>, Map<String, Value>)>,
    /// Entries that are in a batch now.
    placed: Vec<Placed>,
    /// New entries that are in a batch from the beginning.
    put_back: Vec<Placed>,
    /// Requests that were written anew: their digests and keys.
    asked_again: Vec<(Vec<u8>, Map<String, Value>)>,
    /// Batches with their receipts, whether they are new, and whether the log tells all of them.
    received: Vec<(KeptBatch, bool)>,
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
            (Own::Requests, Operation::Update, Some(_), Some(new)) => self.asked_again(known, new),
            (Own::Batches, Operation::Insert, _, Some(new)) => self.batch(known, new),
            (Own::Batches, Operation::Delete, Some(old), _) => batch_of(known, old).map(|batch| {
                self.dissolved.insert(batch);
            }),
            (Own::Batches, Operation::Update, None, Some(new)) => self.received(known, new),
            (Own::Alerts, Operation::Insert, ..) => Some(()),
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
        let (id, bytes) = (id_of(known, row)?, known.raw(row, "bytes")?);
        if known.raw(row, "code").is_some() {
            return None;
        }
        if let (Some(batch), Some(leaf)) = (known.integer(row, "batch"), known.integer(row, "leaf")) {
            if !bytes.is_empty() {
                agrees(known, row, id, bytes)?;
            }
            let (school, request) =
                (known.text(row, "school")?.to_owned(), known.raw(row, "request")?.to_vec());
            self.put_back.push(Placed { id, school, batch, leaf, request, whole: true });
            return Some(());
        }
        let waits = known.raw(row, "batch").is_none();
        let entry = agrees(known, row, id, bytes).filter(|_| waits)?;
        self.inserted.push((id, bytes.to_vec(), entry.request_digest));
        Some(())
    }

    fn moved(&mut self, known: &Known, row: &Tuple) -> Option<()> {
        let (id, school) = (id_of(known, row)?, known.text(row, "school")?);
        let bytes = known.raw(row, "bytes");
        match bytes {
            Some([]) => return self.erased(known, row),
            Some(bytes) => drop(agrees(known, row, id, bytes)?),
            None => {}
        }
        match (known.integer(row, "batch"), known.integer(row, "leaf")) {
            (Some(batch), Some(leaf)) => {
                let request = known.raw(row, "request").unwrap_or_default().to_vec();
                let (school, whole) = (school.to_owned(), bytes.is_some());
                self.placed.push(Placed { id, school, batch, leaf, request, whole });
            }
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

    /// One whose key changed: only where it is put back.
    fn asked_again(&mut self, known: &Known, row: &Tuple) -> Option<()> {
        let (digest, jws) = (known.raw(row, "digest")?, known.text(row, "jws")?);
        (sha256(&[jws.as_bytes()])[..] == *digest).then_some(())?;
        self.asked_again.push((digest.to_vec(), key_of(known, Own::Requests, row)));
        Some(())
    }

    /// A batch changed: it has an envelope, or a receipt.
    fn received(&mut self, known: &Known, row: &Tuple) -> Option<()> {
        let kept = kept_batch(known, row)?;
        if kept.receipt.is_some() {
            self.received.push((kept, false));
            return Some(());
        }
        // A receipt that is there and did not change would not be told. What flies has an envelope.
        known.raw(row, "envelope").map(drop)
    }

    fn batch(&mut self, known: &Known, row: &Tuple) -> Option<()> {
        let ids = known.raw(row, "entries")?.to_vec();
        if known.raw(row, "receipt").is_some() {
            self.received.push((kept_batch(known, row)?, true));
            return Some(());
        }
        self.formed.insert(batch_of(known, row)?, ids);
        Some(())
    }

    /// Whether an entry of this batch was put into its place, and the transaction did not form it.
    fn is_put_back(&self, batch: &KeptBatch) -> bool {
        self.put_back.iter().chain(&self.placed).any(|placed| placed.is_in(batch))
    }

    /// Recorded batches that are written anew, with or without their entries: not those that are given their receipts.
    pub(super) fn claims(&self) -> impl Iterator<Item = &KeptBatch> {
        let anew = |(batch, new): &&(KeptBatch, bool)| *new || self.is_put_back(batch);
        self.received.iter().filter(anew).map(|(batch, _)| batch).take(CLAIMS)
    }

    /// What of it no gateway does. `fits` says whether a batch's receipt is its own.
    pub(super) fn judge(mut self, witnessed: &Witnessed, fits: &dyn Fn(&KeptBatch) -> bool) -> Vec<Finding> {
        let mut found = self.of_recorded(witnessed, fits);
        let back = self.requests_put_back(witnessed);
        found.append(&mut self.wrong);
        found.extend(
            std::mem::take(&mut self.beyond)
                .into_iter()
                .map(|((table, operation), rows)| Finding { rows, ..of_table(table, operation) }),
        );
        let insert = |own, key| altered(own, Operation::Insert, key);
        let update = |id: &EntryId| altered(Own::Entries, Operation::Update, key_of_entry(id));
        let with_request = |request| self.requests.iter().any(|(digest, _)| digest == request);
        let alone = self.inserted.iter().filter(|(_, _, request)| !with_request(request));
        found.extend(alone.map(|(id, ..)| insert(Own::Entries, key_of_entry(id))));
        let with_entries =
            |digest| self.inserted.iter().any(|(_, _, request)| request == digest) || back.contains(digest);
        let empty = self.requests.iter().filter(|(digest, _)| !with_entries(digest));
        found.extend(empty.map(|(_, key)| insert(Own::Requests, key.clone())));
        let allowed = |digest| self.erased.contains(digest) || back.contains(digest);
        let changed = self.answers.iter().filter(|(digest, _)| !allowed(digest));
        let changed = changed.chain(self.asked_again.iter().filter(|(digest, _)| !back.contains(digest)));
        found.extend(changed.map(|(_, key)| altered(Own::Requests, Operation::Update, key.clone())));
        let mut placed: HashMap<(&str, i64), usize> = HashMap::new();
        for Placed { id, school, batch, leaf, whole, .. } in &self.placed {
            if *whole && witnessed.has(school, *batch) && self.holds(school, *batch, *leaf, id) {
                continue;
            }
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

    /// Recorded batches that are not what they say, and entries that were put into none that the ledger has.
    fn of_recorded(&self, witnessed: &Witnessed, fits: &dyn Fn(&KeptBatch) -> bool) -> Vec<Finding> {
        let mut found = Vec::new();
        for (batch, new) in &self.received {
            let key = key_of_batch(&batch.school, batch.sequence);
            let operation = if *new { Operation::Insert } else { Operation::Update };
            let is_so = match *new || self.is_put_back(batch) {
                true => witnessed.has(&batch.school, batch.sequence),
                // The entries are not told where they are many and did not change.
                false => fits(batch),
            };
            if !is_so {
                found.push(altered(Own::Batches, operation, key));
            }
        }
        for Placed { id, school, batch, leaf, .. } in &self.put_back {
            if !witnessed.has(school, *batch) || !self.holds(school, *batch, *leaf, id) {
                found.push(altered(Own::Entries, Operation::Insert, key_of_entry(id)));
            }
        }
        found
    }

    /// Whether the batch, as it was written anew, holds this entry at this leaf.
    fn holds(&self, school: &str, sequence: i64, leaf: i64, id: &EntryId) -> bool {
        let is = |batch: &&KeptBatch| (batch.school.as_str(), batch.sequence) == (school, sequence);
        let batch = self.received.iter().map(|(batch, _)| batch).find(is);
        batch.is_some_and(|batch| leaf_of(&batch.entries, leaf) == Some(*id))
    }

    /// The requests of entries that were put back.
    fn requests_put_back(&self, witnessed: &Witnessed) -> BTreeSet<Vec<u8>> {
        let all = self.put_back.iter().chain(&self.placed);
        let back = all.filter(|placed| witnessed.has(&placed.school, placed.batch));
        back.map(|placed| placed.request.clone()).collect()
    }
}

/// A batch as the log tells it. What it does not tell because it is long and did not change is empty.
fn kept_batch(known: &Known, row: &Tuple) -> Option<KeptBatch> {
    let (school, sequence) = batch_of(known, row)?;
    let bytes = |column| known.raw(row, column).map(<[u8]>::to_vec);
    Some(KeptBatch {
        school,
        sequence,
        header: bytes("header").unwrap_or_default(),
        entries: bytes("entries").unwrap_or_default(),
        transaction: known.text(row, "transaction_id").map(str::to_owned),
        receipt: bytes("receipt"),
        block: known.integer(row, "block"),
    })
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
