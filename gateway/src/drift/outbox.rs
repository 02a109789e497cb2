//! The outbox against the ledger: what the gateway keeps is no more believed than the rows.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::{Map, Value, json};
use sillok_contract::{
    entry::{Entry, EntryId},
    request::SignedRequest,
};

use super::{ColumnDifference, Difference, DifferenceCode, Origin};
use crate::{
    ledger::story::{Content, Signers, Story, Told, Verifier, asks_for},
    records::{OutboxRow, Picture},
};

/// The table of the outbox.
const TABLE: &str = "sillok_entries";

/// What the outbox turned out to hold.
#[derive(Debug, Default)]
pub(super) struct Examined {
    pub(super) differences: Vec<Difference>,
    /// On its way to the ledger, in the order of its effects.
    pub(super) pending: Vec<(Arc<Origin>, Entry)>,
    /// Refused by the ledger: the entry and the refusal's code.
    pub(super) set_aside: Vec<(EntryId, String)>,
}

/// Holds the outbox of a picture against a verified story.
pub(super) fn examine(story: &Story, picture: &Picture, signers: &Signers) -> Examined {
    let mut examined = Examined::default();
    let told: HashMap<&[u8], &Told> = story.entries.iter().map(|told| (&told.id.0[..], told)).collect();
    let mut found = HashSet::new();
    let mut waiting = Waiting::new(story, picture, signers);
    for row in &picture.entries {
        if let Some(told) = told.get(row.id.as_slice()) {
            found.insert(told.id);
            examined.differences.extend(altered(row, told));
        } else if let Some(code) = &row.code {
            let id = <[u8; 32]>::try_from(row.id.as_slice()).map(EntryId);
            examined.set_aside.extend(id.ok().map(|id| (id, code.clone())));
        } else {
            match waiting.read(row) {
                Ok(entry) => examined.pending.push((Arc::new(Origin::pending(&entry)), entry)),
                Err(why) => {
                    examined.differences.push(difference(DifferenceCode::OutboxForged, &row.id, &why))
                }
            }
        }
    }
    let missing = story.entries.iter().filter(|told| !found.contains(&told.id));
    examined.differences.extend(missing.map(missed));
    examined
}

fn difference(code: DifferenceCode, id: &[u8], detail: &str) -> Difference {
    let key: Map<_, _> = [("id".to_owned(), Value::from(hex::encode(id)))].into_iter().collect();
    let (detail, table) = (detail.to_owned(), TABLE.to_owned());
    Difference { code, detail, table, key, columns: Vec::new(), since: None }
}

fn missed(told: &Told) -> Difference {
    let why = "the ledger has this entry, and the outbox has not";
    let since = told.entry().map(|(entry, _)| Origin::recorded(told, entry));
    Difference { since, ..difference(DifferenceCode::OutboxMissing, &told.id.0, why) }
}

/// The difference between the outbox's row of a recorded entry and what the ledger says, if there is one.
fn altered(row: &OutboxRow, told: &Told) -> Option<Difference> {
    let mut columns = Columns::default();
    // A body that was erased is erased here, too, a moment later.
    let erased = row.bytes.is_empty() && told.content == Content::Erased;
    if EntryId::of(&row.bytes) != told.id && !erased {
        let hash = |bytes: &[u8]| format!("bytes with the leaf hash {}", EntryId::of(bytes));
        columns.differ(
            "bytes",
            json!(hash(&row.bytes)),
            json!(format!("bytes with the leaf hash {}", told.id)),
        );
    }
    columns.hold("school", json!(row.school), json!(told.position.school));
    columns.hold("batch", json!(row.batch), json!(told.position.sequence));
    columns.hold("leaf", json!(row.leaf), json!(told.position.index));
    columns.hold("code", json!(row.code), Value::Null);
    if let Some((entry, _)) = told.entry() {
        columns.hold("learner", json!(row.learner), json!(entry.learner));
        columns.hold("educator", json!(row.educator), json!(entry.educator));
        columns.hold("request", json!(hex::encode(&row.request)), json!(hex::encode(entry.request_digest)));
        columns.hold("executed_at", json!(row.executed_at), json!(entry.executed_at));
    }
    let names: Vec<_> = columns.0.iter().map(|column| column.column.as_str()).collect();
    let detail = format!("the outbox has another {} of this entry than the ledger", names.join(", "));
    let since = told.entry().map(|(entry, _)| Origin::recorded(told, entry));
    let found = Difference { since, ..difference(DifferenceCode::OutboxAltered, &row.id, &detail) };
    (!columns.0.is_empty()).then_some(Difference { columns: columns.0, ..found })
}

/// Whether the outbox's row of a recorded entry is as the ledger has it, at this place.
pub fn agrees(row: &OutboxRow, entry: &Entry, sequence: u64, index: u32) -> bool {
    row.id == entry.id.0
        && EntryId::of(&row.bytes) == entry.id
        && row.school == entry.school.as_str()
        && row.learner == entry.learner.as_str()
        && row.educator == entry.educator.as_str()
        && row.request == entry.request_digest
        && row.executed_at == entry.executed_at
        && row.batch.and_then(|batch| u64::try_from(batch).ok()) == Some(sequence)
        && row.leaf.and_then(|leaf| u32::try_from(leaf).ok()) == Some(index)
        && row.code.is_none()
}

#[derive(Default)]
struct Columns(Vec<ColumnDifference>);

impl Columns {
    fn hold(&mut self, column: &str, database: Value, ledger: Value) {
        if database != ledger {
            self.differ(column, database, ledger);
        }
    }

    fn differ(&mut self, column: &str, database: Value, ledger: Value) {
        let (database, ledger) = (Some(database), Some(ledger));
        self.0.push(ColumnDifference { column: column.to_owned(), database, ledger });
    }
}

/// Reads entries that are on their way to the ledger, if that is what they are.
struct Waiting<'a> {
    story: &'a Story,
    requests: HashMap<[u8; 32], SignedRequest>,
    /// What is on the ledger, or before on its way there, by the request's replay key and the query's index: a
    /// signature has a twin, and the same query under it would be another entry.
    taken: HashSet<([u8; 32], u32)>,
    verifier: Verifier<'a>,
}

impl<'a> Waiting<'a> {
    fn new(story: &'a Story, picture: &Picture, signers: &'a Signers) -> Self {
        let requests = picture.requests.values().filter_map(|jws| SignedRequest::parse(jws).ok());
        let requests = requests.map(|request| (request.digest, request)).collect();
        let taken = story.entries.iter().filter_map(Told::entry);
        let taken = taken.map(|(entry, request)| (request.replay_key(), entry.query_index)).collect();
        Self { story, requests, taken, verifier: Verifier::new(signers) }
    }

    /// The entry, or why it is none that anybody asked for.
    fn read(&mut self, row: &OutboxRow) -> Result<Entry, String> {
        let entry = Entry::parse(&row.bytes).map_err(|refusal| refusal.message)?;
        if entry.id.0[..] != row.id {
            return Err("the entry's bytes do not hash to its id".to_owned());
        }
        let of_row = entry.learner == self.story.learner.id
            && entry.learner.as_str() == row.learner
            && entry.school.as_str() == row.school
            && entry.educator.as_str() == row.educator
            && entry.request_digest[..] == row.request
            && entry.executed_at == row.executed_at;
        if !of_row {
            return Err("the entry's columns are not what its bytes say".to_owned());
        }
        let request = self.requests.get(&entry.request_digest);
        let request = request.ok_or("the request that the entry rests on is not there")?;
        if !asks_for(request, &entry) {
            return Err("the request that the entry rests on does not ask for its query".to_owned());
        }
        if !self.verifier.is_signed(&entry, request) {
            return Err("the request's signature is not that of the one whom the entry names".to_owned());
        }
        match self.taken.insert((request.replay_key(), entry.query_index)) {
            true => Ok(entry),
            false => Err("the request's query has another entry already".to_owned()),
        }
    }
}
