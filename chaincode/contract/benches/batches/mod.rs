//! The batches that are measured, made by the tests' people. The benchmark of the chaincode's process measures the same.

use sillok_contract::function::RECORD_BATCH;

#[path = "../../tests/contract/ledger.rs"]
pub mod ledger;
#[path = "../../tests/contract/people.rs"]
pub mod people;
#[path = "../../tests/contract/world.rs"]
pub mod world;

use ledger::{Memory, Transaction};
use world::{Draft, NOW, World};

/// Batches of as many entries as close one by default: under a signature each, and thirty under one.
pub const SHAPES: [(&str, usize, usize); 2] = [("40 requests of 1", 40, 1), ("2 requests of 30", 2, 30)];

/// A school's first batch: so many requests of so many queries.
pub fn draft(world: &World, requests: usize, queries: usize) -> Draft {
    let mut draft = Draft::new("school-1");
    let learners: Vec<_> = ["L1", "L2"].into_iter().cycle().take(queries).collect();
    for number in 0..requests {
        draft.add("kim", &world.kim, &format!("request-{number}"), &learners);
    }
    draft
}

/// The transaction in which the gateway records it, and its argument.
pub fn recording(world: &mut World, draft: &Draft) -> (Transaction, Vec<u8>) {
    let (header, body) = draft.seal();
    let creator = Some(world.creator("SupportMSP", "client"));
    let transient = [("body".to_owned(), body)].into();
    (Transaction { creator, time: NOW, transient, ..world.transaction() }, header)
}

/// The contract alone, on a ledger on which nothing of the transaction stands yet.
pub fn record(ledger: &mut Memory, header: &[u8]) {
    sillok_contract::invoke(ledger, RECORD_BATCH, &[header.to_vec()]).unwrap();
}
