//! G1: nothing is done that is not recorded. The marks in the database are those that follow from the ledger's entries.

use std::collections::BTreeMap;

use serde_json::Value;
use sillok_contract::entry::Entry;
use sillok_proto::ledger::entry::Result as Outcome;

use super::book::Book;
use crate::{school::School, told::Told, world::World};

/// The school's marks follow from its entries, row by row. Entries that were set aside had effects too, so a school with
/// such is left out.
pub(super) async fn follow(world: &World, school: &School, book: &Book, told: &Told) {
    if told.set_aside.keys().any(|id| told.done[id].school == school.id) {
        return;
    }
    let recorded = replay(book);
    let mut found = BTreeMap::new();
    for learner in &school.learners {
        for (learner, year, term, subject, score) in world.site.database.marks(learner).await {
            let key =
                serde_json::json!({ "learner": learner, "subject": subject, "term": term, "year": year });
            found.insert(key.to_string(), score);
        }
    }
    assert_eq!(found, recorded, "G1: the marks in {} are those that were recorded", school.id);
}

/// How many rows an entry says it read or wrote.
pub(super) fn of(entry: &Entry) -> u64 {
    match &entry.result {
        Outcome::Written(written) => written.rows,
        Outcome::Read(read) => read.rows,
    }
}

/// Each mark as its last image says. Changes of one row are on the ledger in the order in which they were made, by
/// whichever gateway and whatever its clock said.
fn replay(book: &Book) -> BTreeMap<String, Option<i64>> {
    let mut marks = BTreeMap::new();
    for leaf in &book.leaves {
        let Outcome::Written(written) = &leaf.entry.result else { continue };
        for image in written.images.iter().filter(|image| image.table == "grades") {
            let key = String::from_utf8(image.key.clone()).unwrap();
            let row: Value = serde_json::from_slice(&image.image).unwrap();
            match image.deleted {
                true => marks.remove(&key),
                false => marks.insert(key, row["score"].as_i64()),
            };
        }
    }
    marks
}
