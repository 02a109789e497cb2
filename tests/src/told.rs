//! What clients were told: the ledger and the database must say the same.

use std::collections::BTreeMap;

use serde_json::Value;
use sillok_contract::{
    entry::{Entry, EntryId},
    id::SchoolId,
};
use sillok_gateway::{
    keys::SignedQueries,
    records::Alert,
    service::{Digest, RequestState},
};

use crate::{check::rows, refusal::Refusal};

/// An entry that a client was told is done.
#[derive(Clone, Debug)]
pub struct Done {
    /// The request's id.
    pub request: Digest,
    /// Which of its queries.
    pub index: u32,
    /// The query's bytes as they were sent.
    pub query: String,
    /// The school.
    pub school: SchoolId,
    /// How many rows it read or wrote.
    pub rows: u64,
}

/// A request that had no answer: it was done, or not.
#[derive(Clone, Debug)]
pub struct Unclear {
    /// Its school.
    pub school: SchoolId,
    /// Its queries as they were sent.
    pub queries: Vec<String>,
}

/// A write past the gateway, as an alert tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// What it is.
    pub kind: String,
    /// What was done.
    pub operation: String,
    /// The table.
    pub table: String,
    /// The row's key; null where it is about a whole table.
    pub key: Value,
}

impl Past {
    /// What an alert tells.
    pub fn of(alert: &Alert) -> Self {
        let finding = alert.finding.clone();
        Self {
            kind: finding.kind,
            operation: finding.operation.unwrap_or_default(),
            table: finding.table.unwrap_or_default(),
            key: finding.key.map_or(Value::Null, Value::Object),
        }
    }
}

/// Everything that was told.
#[derive(Debug, Default)]
pub struct Told {
    /// By entry.
    pub done: BTreeMap<EntryId, Done>,
    /// The entries of each request that is done.
    pub requests: BTreeMap<Digest, Vec<EntryId>>,
    /// Requests that were refused.
    pub refused: Vec<(Digest, Refusal)>,
    /// Requests that nobody was told the end of.
    pub unclear: BTreeMap<Digest, Unclear>,
    /// Entries that are expected to be refused by the ledger, with the code.
    pub set_aside: BTreeMap<EntryId, String>,
    /// What was written past the gateway, in order.
    pub past: Vec<Past>,
}

impl Told {
    /// A program of ours has sent it, and was told that it is done.
    pub fn found(&mut self, entry: Entry) {
        let (request, rows) = (Digest(entry.request_digest), rows::of(&entry));
        let ids = self.requests.entry(request).or_default();
        if self.done.contains_key(&entry.id) {
            return;
        }
        ids.push(entry.id);
        let query = String::from_utf8(entry.query).expect("a query is JSON");
        let done = Done { request, index: entry.query_index, query, school: entry.school, rows };
        self.done.insert(entry.id, done);
    }

    /// A request was answered. Answered again, it must be answered the same.
    pub fn done(&mut self, school: &SchoolId, signed: &SignedQueries, state: &RequestState) {
        assert_eq!(state.request, Digest::of(signed.request.as_bytes()), "the answer is to this request");
        assert_eq!(state.results.len(), signed.queries.len(), "G1: one entry a query");
        for ((index, query), result) in (0..).zip(&signed.queries).zip(&state.results) {
            let (request, rows) = (state.request, result.rows);
            let done = Done { request, index, query: query.clone(), school: school.clone(), rows };
            let before = self.done.insert(result.entry.entry, done);
            let same = before.is_none_or(|before| (before.request, before.index) == (request, index));
            assert!(same, "G1: entry {} was given to two queries", result.entry.entry);
        }
        let entries: Vec<_> = state.results.iter().map(|result| result.entry.entry).collect();
        let first = self.requests.entry(state.request).or_insert_with(|| entries.clone());
        assert_eq!(*first, entries, "G1: the same request has other entries than the first time");
        self.unclear.remove(&state.request);
    }

    /// A request was refused.
    pub fn refused(&mut self, signed: &SignedQueries, refusal: Refusal) {
        assert!(refusal.code.contains('.') && !refusal.detail.is_empty(), "G12: {refusal:?}");
        assert!(refusal.retry || refusal.retry_after.is_none(), "G12: {refusal:?}");
        self.refused.push((Digest::of(signed.request.as_bytes()), refusal));
    }
    /// A request had no answer, though it may have had refusals before.
    pub fn unclear(&mut self, school: &SchoolId, signed: &SignedQueries) {
        let request = Digest::of(signed.request.as_bytes());
        if !self.requests.contains_key(&request) {
            let unclear = Unclear { school: school.clone(), queries: signed.queries.clone() };
            self.unclear.insert(request, unclear);
        }
    }
}
