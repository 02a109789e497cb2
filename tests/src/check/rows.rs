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
pub fn of(entry: &Entry) -> u64 {
    match &entry.result {
        Outcome::Written(written) => written.rows,
        Outcome::Read(read) => read.rows,
        Outcome::Adopted(adopted) => adopted.images.len() as u64,
    }
}

/// Each mark as its last image says. Changes of one row are on the ledger in the order in which they were made, by
/// whichever gateway and whatever its clock said. A row that was adopted counts as it was found only if nothing is
/// recorded of it before.
fn replay(book: &Book) -> BTreeMap<String, Option<i64>> {
    let mut marks: BTreeMap<String, Option<Option<i64>>> = BTreeMap::new();
    for leaf in &book.leaves {
        let (images, adopted) = match &leaf.entry.result {
            Outcome::Written(written) => (&written.images, false),
            Outcome::Adopted(adopted) => (&adopted.images, true),
            Outcome::Read(_) => continue,
        };
        for image in images.iter().filter(|image| image.table == "grades") {
            let key = String::from_utf8(image.key.clone()).unwrap();
            let row: Value = serde_json::from_slice(&image.image).unwrap();
            let mark = (!image.deleted).then(|| row["score"].as_i64());
            match adopted {
                true => drop(marks.entry(key).or_insert(mark)),
                false => drop(marks.insert(key, mark)),
            }
        }
    }
    marks.into_iter().filter_map(|(key, mark)| Some((key, mark?))).collect()
}
