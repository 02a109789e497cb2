//! Whatever is done, and whatever is changed behind it.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use sillok_proto::ledger::RowImage;

use super::case::{mark, row, written, year};
use crate::{
    drift::{DifferenceCode, Fold, Origin, compare},
    records::Row,
};

fn rows(marks: &BTreeMap<u8, i64>) -> Vec<Row> {
    marks.iter().map(|(subject, score)| row(&mark(&subject.to_string(), *score))).collect()
}

proptest! {
    /// Rows as they were last left agree; and of whatever is changed then, exactly that is found.
    #[test]
    fn exactly_what_was_changed_is_found(
        done in proptest::collection::vec((0_u8..6, 0_i64..100, any::<bool>()), 1..30),
        tampered in proptest::collection::btree_map(0_u8..6, proptest::option::of(100_i64..200), 0..4),
    ) {
        let (mut fold, mut marks) = (Fold::default(), BTreeMap::new());
        let case = year();
        let told = &case.story.entries[0];
        let origin = Arc::new(Origin::recorded(told, told.entry().unwrap().0));
        for (subject, score, deleted) in done {
            let deleted = deleted && marks.contains_key(&subject);
            fold.take(&origin, &written(&[RowImage { deleted, ..mark(&subject.to_string(), score) }]));
            if deleted { marks.remove(&subject) } else { marks.insert(subject, score) };
        }
        prop_assert!(compare(&fold, &rows(&marks)).differences.is_empty());
        let (mut changed, mut expected) = (marks.clone(), BTreeMap::new());
        for (subject, score) in tampered {
            let name = serde_json::Value::from(subject.to_string());
            let code = match (marks.contains_key(&subject), score) {
                (true, Some(_)) => DifferenceCode::RowChanged,
                (true, None) => DifferenceCode::RowMissing,
                // What was deleted, and what was never there.
                (false, Some(_)) if fold.rows().any(|(key, _)| key.columns()["subject"] == name) => {
                    DifferenceCode::RowInjected
                }
                (false, Some(_)) => DifferenceCode::RowUnadopted,
                (false, None) => continue,
            };
            expected.insert(subject.to_string(), code);
            match score { Some(score) => changed.insert(subject, score), None => changed.remove(&subject) };
        }
        let found = compare(&fold, &rows(&changed)).differences;
        let found: BTreeMap<_, _> = found.iter()
            .map(|difference| (difference.key["subject"].as_str().unwrap().to_owned(), difference.code))
            .collect();
        prop_assert_eq!(found, expected);
    }
}
