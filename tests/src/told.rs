//! What clients were told: the ledger and the database must say the same.

use std::collections::BTreeMap;

use sillok_contract::{entry::EntryId, id::SchoolId};
use sillok_gateway::{
    keys::SignedQueries,
    service::{Digest, RequestState},
};

use crate::refusal::Refusal;

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

/// Everything that was told.
#[derive(Debug, Default)]
pub struct Told {
    /// By entry.
    pub done: BTreeMap<EntryId, Done>,
    /// Requests that were refused.
    pub refused: Vec<(Digest, Refusal)>,
    /// Entries that are expected to be refused by the ledger, with the code.
    pub set_aside: BTreeMap<EntryId, String>,
}

impl Told {
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
        let entries = self.done.values().filter(|done| done.request == state.request).count();
        assert_eq!(
            entries,
            signed.queries.len(),
            "G1: the same request has other entries than the first time"
        );
    }

    /// A request was refused.
    pub fn refused(&mut self, signed: &SignedQueries, refusal: Refusal) {
        assert!(refusal.code.contains('.') && !refusal.detail.is_empty(), "G12: {refusal:?}");
        assert!(refusal.retry || refusal.retry_after.is_none(), "G12: {refusal:?}");
        self.refused.push((Digest::of(signed.request.as_bytes()), refusal));
    }
}
