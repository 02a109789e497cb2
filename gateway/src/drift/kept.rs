//! The batches and requests that the gateway keeps, against the ledger that has them: they are a cache of it.

use std::collections::{BTreeMap, HashMap};

use prost::Message as _;
use serde_json::{Map, Value, json};
use sillok_contract::{
    batch::Batch, digest::sha256, entry::Entry, id::SchoolId, key, request::SignedRequest,
};
use sillok_proto::ledger::BatchRecord;

use super::{ColumnDifference, Difference, DifferenceCode};
use crate::{
    ledger::{
        Receipt, receipt,
        story::{Chapter, Content},
    },
    records::{Astray, KeptBatch, KeptRequest, Outcome, is_outcome_of},
};

/// In what the kept batch and requests differ from a verified chapter. The receipt's signatures are not looked at: whoever
/// verifies a proof does. A batch that `may_fly` may lack its receipt: it is on its way back.
pub fn kept(
    chapter: &Chapter,
    batch: Option<&KeptBatch>,
    requests: &HashMap<&[u8], &KeptRequest>,
    may_fly: bool,
) -> Vec<Difference> {
    let mut found: Vec<_> = of_batch(&chapter.batch, batch, may_fly).into_iter().collect();
    let mut asked: BTreeMap<[u8; 32], (&SignedRequest, Vec<&Entry>)> = BTreeMap::new();
    for content in &chapter.contents {
        if let Content::Entry(entry, request) = content {
            asked.entry(request.digest).or_insert_with(|| (&**request, Vec::new())).1.push(&**entry);
        }
    }
    for (digest, (request, entries)) in asked {
        found.extend(of_request(requests.get(&digest[..]).copied(), request, &entries));
    }
    found
}

/// Whether a kept request is what these entries of it say.
pub fn is_kept(kept: Option<&KeptRequest>, request: &SignedRequest, entries: &[&Entry]) -> bool {
    of_request(kept, request, entries).is_none()
}

/// Whether a kept batch is the ledger's, whatever its receipt.
pub fn is_batch(kept: &KeptBatch, batch: &Batch) -> bool {
    let ids = batch.leaves.iter().flat_map(|leaf| leaf.entry.0);
    kept.header == batch.header
        && kept.entries.iter().copied().eq(ids)
        && kept.transaction.as_deref() == Some(&batch.transaction)
}

fn of_batch(batch: &Batch, kept: Option<&KeptBatch>, may_fly: bool) -> Option<Difference> {
    let key = batch_key(&batch.school, batch.sequence);
    let Some(kept) = kept else {
        let why = "the ledger has this batch, and the database has not";
        return Some(difference(DifferenceCode::OutboxMissing, "sillok_batches", key, why, Vec::new()));
    };
    let ids: Vec<u8> = batch.leaves.iter().flat_map(|leaf| leaf.entry.0).collect();
    let hash = |bytes: &[u8]| Value::from(hex::encode(sha256(&[bytes])));
    let mut columns = Columns::default();
    columns.hold("header", hash(&kept.header), hash(&batch.header));
    columns.hold("entries", hash(&kept.entries), hash(&ids));
    match &kept.receipt {
        None if may_fly => {}
        None => columns.hold("receipt", Value::Null, json!("a receipt")),
        Some(_) => {
            columns.hold("transaction_id", json!(kept.transaction), json!(batch.transaction));
            let fits = fits(kept);
            columns.hold("receipt", json!(if fits { "" } else { "another" }), json!(""));
        }
    }
    columns.of(DifferenceCode::OutboxAltered, "sillok_batches", key)
}

fn of_request(kept: Option<&KeptRequest>, request: &SignedRequest, entries: &[&Entry]) -> Option<Difference> {
    let first = entries.first()?;
    let jti = request.payload.jti.as_str();
    let key = Map::from_iter([
        ("educator".to_owned(), first.educator.as_str().into()),
        ("jti".to_owned(), jti.into()),
    ]);
    let Some(kept) = kept else {
        let why = "the ledger has entries of this request, and the database has not the request";
        return Some(difference(DifferenceCode::OutboxMissing, "sillok_requests", key, why, Vec::new()));
    };
    let mut columns = Columns::default();
    columns.hold("educator", json!(kept.educator), json!(first.educator));
    columns.hold("jti", json!(kept.jti), json!(jti));
    columns.hold("school", json!(kept.school), json!(first.school));
    columns.hold("content", json!(hex::encode(&kept.content)), json!(hex::encode(request.content())));
    let digest = sha256(&[kept.jws.as_bytes()]);
    columns.hold("jws", json!(hex::encode(digest)), json!(hex::encode(request.digest)));
    let outcome: Option<Outcome> = serde_json::from_slice(&kept.outcome).ok();
    let answers = outcome.is_some_and(|outcome| {
        let result = |entry: &&Entry| outcome.results.iter().find(|result| result.entry == entry.id);
        outcome.results.len() <= request.payload.queries.len()
            && entries.iter().all(|entry| result(entry).is_some_and(|result| is_outcome_of(result, entry)))
    });
    columns.hold("outcome", json!(if answers { "" } else { "another" }), json!(""));
    columns.of(DifferenceCode::OutboxAltered, "sillok_requests", key)
}

/// Whether a batch's receipt says the same as the batch, whoever signed it. Entries that are not told are not compared.
pub fn fits(kept: &KeptBatch) -> bool {
    let told = || {
        let receipt: Receipt = serde_json::from_slice(kept.receipt.as_deref()?).ok()?;
        let block = kept.block.and_then(|block| u64::try_from(block).ok());
        if kept.transaction.as_deref() != Some(&receipt.transaction) || block != Some(receipt.block) {
            return None;
        }
        let school = SchoolId::new(kept.school.as_str()).ok()?;
        let sequence = u64::try_from(kept.sequence).ok()?;
        let mut writes = receipt::unverified_writes(&receipt).ok()?;
        BatchRecord::decode(writes.remove(&key::batch(&school, sequence))??.as_slice()).ok()
    };
    told().is_some_and(|record| {
        let leaves = record.leaves.iter().flat_map(|leaf| leaf.hash.iter().copied());
        record.header == kept.header && (kept.entries.is_empty() || leaves.eq(kept.entries.iter().copied()))
    })
}

/// An entry that says it is in a batch which does not hold it.
pub fn astray(astray: &Astray) -> Difference {
    let key = Map::from_iter([("id".to_owned(), hex::encode(&astray.id).into())]);
    let why =
        "the entry says that it is in a batch which does not hold it, so no gateway would ever record it";
    let column = ColumnDifference {
        column: "batch".to_owned(),
        database: Some(astray.batch.into()),
        ledger: Some(Value::Null),
    };
    difference(DifferenceCode::OutboxAltered, "sillok_entries", key, why, vec![column])
}

/// A batch that the database calls recorded, and that the ledger does not have.
pub fn batch_without_ledger(school: &SchoolId, sequence: u64) -> Difference {
    let why = "the database has this batch with a receipt, and the ledger has it not";
    let key = batch_key(school, sequence);
    difference(DifferenceCode::OutboxForged, "sillok_batches", key, why, Vec::new())
}

fn batch_key(school: &SchoolId, sequence: u64) -> Map<String, Value> {
    Map::from_iter([("school".to_owned(), school.as_str().into()), ("sequence".to_owned(), sequence.into())])
}

fn difference(
    code: DifferenceCode,
    table: &str,
    key: Map<String, Value>,
    detail: &str,
    columns: Vec<ColumnDifference>,
) -> Difference {
    Difference { code, detail: detail.to_owned(), table: table.to_owned(), key, columns, since: None }
}

#[derive(Default)]
struct Columns(Vec<ColumnDifference>);

impl Columns {
    fn hold(&mut self, column: &str, database: Value, ledger: Value) {
        if database != ledger {
            let (database, ledger) = (Some(database), Some(ledger));
            self.0.push(ColumnDifference { column: column.to_owned(), database, ledger });
        }
    }

    fn of(self, code: DifferenceCode, table: &str, key: Map<String, Value>) -> Option<Difference> {
        let names: Vec<_> = self.0.iter().map(|column| column.column.as_str()).collect();
        let why = format!("the database has another {} than the ledger", names.join(", "));
        (!self.0.is_empty()).then(|| difference(code, table, key, &why, self.0))
    }
}
