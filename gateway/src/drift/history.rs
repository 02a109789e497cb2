//! A row's life, entry by entry, as the ledger alone tells it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sillok_contract::id::LearnerId;
use sillok_proto::ledger::entry::Result as Outcome;
use utoipa::ToSchema;

use super::{
    ErasedEntry, Origin, RowKey,
    difference::columns,
    erased::erased,
    fold::{images, object},
};
use crate::ledger::story::{Content, Fault, Story};

/// Which rows: of a table, with these values in their keys. Absent, all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// The table.
    pub table: Option<String>,
    /// Columns of the key with the values they must have.
    pub key: Map<String, Value>,
}

impl Selection {
    fn takes(&self, row: &RowKey) -> bool {
        let columns = row.columns();
        self.table.as_ref().is_none_or(|table| *table == row.table)
            && self.key.iter().all(|(name, value)| columns.get(name) == Some(value))
    }
}

/// The lives of a learner's rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct History {
    /// The learner.
    #[schema(value_type = String)]
    pub learner: LearnerId,
    /// Each row that was ever recorded and is asked for.
    pub rows: Vec<RowHistory>,
    /// How many entries cannot be told because their bodies were erased on legal grounds.
    pub erased: u64,
    /// Each of them: by whom and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erasures: Vec<ErasedEntry>,
    /// What does not hold of the ledger itself; what rests on it is not told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// The life of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RowHistory {
    /// Its table.
    pub table: String,
    /// Its key.
    #[schema(value_type = Object)]
    pub key: Map<String, Value>,
    /// What became of it, in order.
    pub changes: Vec<Change>,
}

/// What an entry did to a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// What it was.
    pub change: ChangeKind,
    /// The entry: who and when.
    #[serde(flatten)]
    pub by: Origin,
    /// Each column that changed.
    pub columns: Vec<ColumnChange>,
}

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The row is recorded for the first time, or again after it was deleted.
    Written,
    /// It was there before Sillok, and an officer had it taken on as it was.
    Adopted,
    /// It was changed.
    Changed,
    /// It was deleted.
    Deleted,
}

/// A column before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ColumnChange {
    /// The column.
    pub column: String,
    /// What it was; null also where there was no row.
    pub before: Value,
    /// What it is; null also where there is no row any more.
    pub after: Value,
}

/// The lives of the selected rows of a verified story.
pub fn history(story: &Story, selection: &Selection) -> History {
    let mut lives: BTreeMap<RowKey, Life> = BTreeMap::new();
    for told in &story.entries {
        let Content::Entry(entry, _) = &told.content else { continue };
        let origin = Arc::new(Origin::recorded(told, entry));
        for image in images(&entry.result) {
            let key = RowKey { table: image.table.clone(), key: image.key.clone() };
            if !selection.takes(&key) {
                continue;
            }
            match (&entry.result, lives.get(&key)) {
                (Outcome::Adopted(_), Some(_)) => {}
                (Outcome::Adopted(_), None) => lives.entry(key).or_default().begins(&origin, &image.image),
                _ => lives.entry(key).or_default().goes_on(&origin, &image.image, image.deleted),
            }
        }
    }
    let row = |(key, life): (RowKey, Life)| RowHistory {
        key: key.columns(),
        table: key.table,
        changes: life.changes,
    };
    History {
        learner: story.learner.id.clone(),
        rows: lives.into_iter().map(row).collect(),
        erased: story.entries.iter().filter(|told| told.content == Content::Erased).count() as u64,
        erasures: erased(story),
        faults: story.faults.clone(),
    }
}

#[derive(Default)]
struct Life {
    /// The row as it is, while there is one.
    image: Option<Vec<u8>>,
    changes: Vec<Change>,
}

impl Life {
    /// Nothing was recorded of it, and it was there.
    fn begins(&mut self, by: &Arc<Origin>, image: &[u8]) {
        self.goes_on(by, image, false);
        self.changes.iter_mut().for_each(|change| change.change = ChangeKind::Adopted);
    }

    fn goes_on(&mut self, by: &Arc<Origin>, image: &[u8], deleted: bool) {
        let change = match (&self.image, deleted) {
            (_, true) => ChangeKind::Deleted,
            (None, false) => ChangeKind::Written,
            (Some(_), false) => ChangeKind::Changed,
        };
        let after = (!deleted).then_some(image);
        // A row that is deleted without having been recorded before was what its last image says.
        let before = self.image.as_deref().or(deleted.then_some(image));
        let columns = changed(before, after);
        self.image = after.map(<[u8]>::to_vec);
        self.changes.push(Change { change, by: Origin::clone(by), columns });
    }
}

fn changed(before: Option<&[u8]>, after: Option<&[u8]>) -> Vec<ColumnChange> {
    let keys: BTreeSet<_> = columns(before, after).into_iter().map(|column| column.column).collect();
    let (before, after) = (before.map(object).unwrap_or_default(), after.map(object).unwrap_or_default());
    let of = |image: &Map<String, Value>, column: &str| image.get(column).cloned().unwrap_or_default();
    let change =
        |column: String| ColumnChange { before: of(&before, &column), after: of(&after, &column), column };
    keys.into_iter().map(change).collect()
}
