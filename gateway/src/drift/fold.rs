//! The last recorded image of each row.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Map, Value};
use sillok_contract::entry::Entry;
use sillok_proto::ledger::{RowImage, entry::Result as Outcome};

use super::Origin;
use crate::ledger::story::{Content, Story};

/// Which row: its table and its key, canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// The table.
    pub table: String,
    /// The key's columns.
    pub key: Vec<u8>,
}

impl RowKey {
    /// The key's columns with their values.
    pub fn columns(&self) -> Map<String, Value> {
        object(&self.key)
    }
}

/// What is stored is canonical JSON, checked where it was read; anything else shows as no columns.
pub(super) fn object(json: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(json).unwrap_or_default()
}

/// A row as it was last recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last {
    /// All its columns, canonical JSON; of a deleted row, as it last was.
    pub image: Vec<u8>,
    /// Whether it was deleted.
    pub deleted: bool,
    /// By which entry.
    pub since: Arc<Origin>,
    /// Its place among what was taken.
    step: u64,
}

/// Entries, folded in the order of their effects into the last image of each row.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    rows: BTreeMap<RowKey, Last>,
    step: u64,
    /// Tables that were adopted whole: whatever else is in them came after.
    adopted: BTreeSet<String>,
    /// The step of the last entry that cannot be told, because its body was erased.
    erased: u64,
}

impl Fold {
    /// Of everything that a verified story tells.
    pub fn of_story(story: &Story) -> Self {
        let mut fold = Self::default();
        for told in &story.entries {
            match &told.content {
                Content::Entry(entry, _) => {
                    fold.take_entry(&Arc::new(Origin::recorded(told, entry)), entry);
                }
                Content::Erased => fold.take_erased(),
                Content::Unproven => {}
            }
        }
        fold
    }

    /// The next entry.
    pub fn take_entry(&mut self, origin: &Arc<Origin>, entry: &Entry) {
        if matches!(entry.result, Outcome::Adopted(_)) {
            self.adopted.extend(whole_table(&entry.statement.sql).map(str::to_owned));
        }
        self.take(origin, &entry.result);
    }

    /// The next entry's result. What was adopted counts as a row's first image alone: whatever was recorded of the row
    /// before stands.
    pub fn take(&mut self, origin: &Arc<Origin>, result: &Outcome) {
        self.step += 1;
        for image in images(result) {
            let key = RowKey { table: image.table.clone(), key: image.key.clone() };
            let (image, deleted) = (image.image.clone(), image.deleted);
            let last = Last { image, deleted, since: origin.clone(), step: self.step };
            match result {
                Outcome::Adopted(_) => drop(self.rows.entry(key).or_insert(last)),
                _ => drop(self.rows.insert(key, last)),
            }
        }
    }

    /// The next entry is one whose body was erased.
    pub fn take_erased(&mut self) {
        self.step += 1;
        self.erased = self.step;
    }

    /// A row's last image.
    pub fn last(&self, key: &RowKey) -> Option<&Last> {
        self.rows.get(key)
    }

    /// Whether all rows that this table had of the learner were adopted at one moment.
    pub fn is_adopted(&self, table: &str) -> bool {
        self.adopted.contains(table)
    }

    /// Every row that was ever recorded.
    pub fn rows(&self) -> impl Iterator<Item = (&RowKey, &Last)> {
        self.rows.iter()
    }

    /// Whether a later image than this one may have been erased.
    pub fn is_untold(&self, last: Option<&Last>) -> bool {
        self.erased > last.map_or(0, |last| last.step)
    }
}

/// The table that a statement gives whole, in the words of `sillok baseline`. One in other words, or with a condition, may
/// have left rows out.
fn whole_table(sql: &str) -> Option<&str> {
    let name = sql.strip_prefix("SELECT * FROM ")?.trim_matches('"');
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(name)
}

/// The rows that a result wrote or adopted.
pub fn images(result: &Outcome) -> &[RowImage] {
    match result {
        Outcome::Written(written) => &written.images,
        Outcome::Adopted(adopted) => &adopted.images,
        Outcome::Read(_) => &[],
    }
}
