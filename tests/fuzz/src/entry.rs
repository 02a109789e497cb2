//! A leaf of a batch, as the offices' peers and a verifier read it.

use prost::Message;
use sillok_contract::{
    entry::{Entry, EntryId},
    request::Query,
};
use sillok_proto::ledger;

/// An entry that is read is written the same.
pub fn check(bytes: &[u8]) {
    let Ok(entry) = Entry::parse(bytes) else { return };
    assert_eq!(entry.id, EntryId::of(bytes));
    assert_eq!(entry.id.to_string().parse(), Ok(entry.id));
    assert_eq!(Query::parse(&entry.query).as_ref(), Ok(&entry.statement));
    assert_eq!(entry.statement.learner, entry.learner);
    assert_eq!(written(entry), bytes, "what was read is written otherwise");
}

fn written(entry: Entry) -> Vec<u8> {
    ledger::Entry {
        query: entry.query,
        request_digest: entry.request_digest.to_vec(),
        query_index: entry.query_index,
        school: entry.school.to_string(),
        educator: entry.educator.to_string(),
        learner: entry.learner.to_string(),
        executed_at: entry.executed_at,
        result: Some(entry.result),
    }
    .encode_to_vec()
}
