//! The database's rows against the last recorded images.

use std::collections::{BTreeMap, HashSet};

use super::{Difference, DifferenceCode, Fold, Last, RowKey, difference::columns};
use crate::records::Row;

/// How many rows of a table there are, and how many of them agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// In the database.
    pub rows: u64,
    /// As they were last recorded.
    pub agreeing: u64,
}

/// What came of a comparison.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// Where they differ.
    pub differences: Vec<Difference>,
    /// Rows that rest on an entry whose body was erased: what they should be cannot be told any more.
    pub untold: Vec<RowKey>,
    /// By table.
    pub tables: BTreeMap<String, Tally>,
}

/// Compares rows with the last image of each.
pub fn compare(fold: &Fold, rows: &[Row]) -> Compared {
    let mut compared = Compared::default();
    let mut seen = HashSet::new();
    for row in rows {
        let key = RowKey { table: row.table.clone(), key: row.key.clone() };
        let is_first = seen.insert(key.clone());
        compared.row(fold, key, &row.image, is_first);
    }
    for (key, last) in fold.rows() {
        if !last.deleted && !seen.contains(key) {
            compared.missing(fold, key, last);
        }
    }
    compared.differences.sort_by(|one, other| {
        let place = |d: &Difference| (d.table.clone(), serde_json::Value::from(d.key.clone()).to_string());
        place(one).cmp(&place(other))
    });
    compared
}

impl Compared {
    fn row(&mut self, fold: &Fold, key: RowKey, image: &[u8], is_first: bool) {
        let tally = self.tables.entry(key.table.clone()).or_default();
        tally.rows += 1;
        let last = fold.last(&key);
        match last.filter(|last| !last.deleted && is_first) {
            Some(last) if last.image == image || columns(Some(image), Some(&last.image)).is_empty() => {
                tally.agreeing += 1;
            }
            _ if fold.is_untold(last) => self.untold.push(key),
            Some(last) => self.changed(&key, image, last),
            None => {
                let since = last.map(|last| &*last.since);
                let code = match last.is_none() && !fold.is_adopted(&key.table) {
                    true => DifferenceCode::RowUnadopted,
                    false => DifferenceCode::RowInjected,
                };
                self.differences.push(Difference::of_row(code, &key, Some(image), None, since));
            }
        }
    }

    fn changed(&mut self, key: &RowKey, image: &[u8], last: &Last) {
        let (code, ledger) = (DifferenceCode::RowChanged, last.image.as_slice());
        self.differences.push(Difference::of_row(code, key, Some(image), Some(ledger), Some(&last.since)));
    }

    fn missing(&mut self, fold: &Fold, key: &RowKey, last: &Last) {
        self.tables.entry(key.table.clone()).or_default();
        if fold.is_untold(Some(last)) {
            return self.untold.push(key.clone());
        }
        let (code, ledger) = (DifferenceCode::RowMissing, last.image.as_slice());
        self.differences.push(Difference::of_row(code, key, None, Some(ledger), Some(&last.since)));
    }
}
