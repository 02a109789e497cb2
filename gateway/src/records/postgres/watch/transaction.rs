//! A committed transaction, gathered from the log and judged: what of it no gateway does.

use std::collections::{BTreeMap, HashMap, VecDeque};

use prost::Message as _;
use sillok_proto::ledger::{Entry, RowImage, entry::Result as Outcome};

use super::{
    catalog::{Known, Row, What},
    outbox::{Outbox, Witnessed},
};
use crate::records::{
    Finding, KeptBatch,
    pgoutput::{Begin, Tuple},
    schema::Table,
};

/// How many changed rows are looked at one by one: far more than a request may touch. The rest are only counted.
pub(super) const LOOKED_AT: usize = 100_000;
/// How many rows are named one by one; of the rest it is told how many they are.
const NAMED: usize = 1_000;

/// What was done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Operation {
    Insert,
    Update,
    Delete,
    Truncate,
}

impl Operation {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Truncate => "TRUNCATE",
        }
    }
}

/// A change of a protected row.
struct Change {
    table: String,
    /// Canonical JSON; none where the log does not tell it.
    key: Option<Vec<u8>>,
    operation: Operation,
    /// The row after; none where it is gone.
    row: Option<Row>,
}

/// A table and a key in it.
type Place = (String, Vec<u8>);

/// What is told of at once: kind, table, key and operation.
type Subject = (&'static str, String, Option<Vec<u8>>, Operation);

/// A committed transaction.
pub(super) struct Transaction {
    begin: Begin,
    changes: Vec<Change>,
    /// Changes that are only counted.
    beyond: BTreeMap<(String, Operation), u64>,
    outbox: Outbox,
    /// Tables that were emptied.
    emptied: Vec<String>,
}

impl Transaction {
    pub(super) fn new(begin: Begin) -> Self {
        Self {
            begin,
            changes: Vec::new(),
            beyond: BTreeMap::new(),
            outbox: Outbox::default(),
            emptied: Vec::new(),
        }
    }

    /// A row of a table changed: `old` is its key as it was, where the log tells it, `new` the row after.
    pub(super) fn changed(
        &mut self,
        known: &Known,
        operation: Operation,
        old: Option<&Tuple>,
        new: Option<&Tuple>,
    ) {
        match &known.what {
            What::Own(own) => self.outbox.changed(known, *own, operation, old, new),
            What::Protected(table) => self.protected(known, table, operation, old, new),
        }
    }

    /// A table was emptied.
    pub(super) fn truncated(&mut self, known: &Known) {
        match known.what {
            What::Own(_) => self.outbox.truncated(known),
            What::Protected(_) => self.emptied.push(known.name.clone()),
        }
    }

    fn protected(
        &mut self,
        known: &Known,
        table: &Table,
        operation: Operation,
        old: Option<&Tuple>,
        new: Option<&Tuple>,
    ) {
        if self.changes.len() >= LOOKED_AT {
            *self.beyond.entry((known.name.clone(), operation)).or_default() += 1;
            return;
        }
        let before = old.and_then(|old| known.key(table, &known.row(table, old, None)));
        let row = new.map(|new| known.row(table, new, old));
        let after = row.as_ref().and_then(|row| known.key(table, row));
        let change = |key, row| Change { table: known.name.clone(), key, operation, row };
        if row.is_none() || before.is_some() && before != after {
            self.changes.push(change(before, None));
        }
        if row.is_some() {
            self.changes.push(change(after, row));
        }
    }

    /// Recorded batches that it writes anew: whether the ledger has them so is to be asked.
    pub(super) fn claims(&self) -> impl Iterator<Item = &KeptBatch> {
        self.outbox.claims()
    }

    /// What of it no gateway does.
    pub(super) fn judge(
        self,
        end: &str,
        witnessed: &Witnessed,
        fits: &dyn Fn(&KeptBatch) -> bool,
    ) -> Vec<Finding> {
        let (mut images, mut subjects) = (self.images(), BTreeMap::<Subject, u64>::new());
        for change in &self.changes {
            if let Some(kind) = unlike(change, &mut images) {
                let subject = (kind, change.table.clone(), change.key.clone(), change.operation);
                subjects.insert(subject, 1);
            }
        }
        for (table, key) in images.into_iter().filter(|(_, left)| !left.is_empty()).map(|(place, _)| place) {
            subjects.insert(("entry.unfounded", table, Some(key), Operation::Insert), 1);
        }
        for table in &self.emptied {
            subjects.insert(("write.unrecorded", table.clone(), None, Operation::Truncate), 0);
        }
        for ((table, operation), rows) in &self.beyond {
            subjects.insert(("write.unrecorded", table.clone(), None, *operation), *rows);
        }
        let found = subjects.into_iter().map(|((kind, table, key, operation), rows)| Finding {
            table: Some(table),
            key: key.and_then(|key| serde_json::from_slice(&key).ok()),
            operation: Some(operation.as_str().to_owned()),
            rows,
            ..Finding::new(kind)
        });
        let begin = self.begin;
        few(found.chain(self.outbox.judge(witnessed, fits)))
            .into_iter()
            .map(|finding| begin.of(finding, end))
            .collect()
    }

    /// The images that the transaction's entries hold, by row, in the order of the request's queries.
    fn images(&self) -> HashMap<Place, VecDeque<RowImage>> {
        let mut entries: Vec<_> =
            self.outbox.entries().filter_map(|bytes| Entry::decode(bytes).ok()).collect();
        entries.sort_by_key(|entry| entry.query_index);
        let mut images: HashMap<_, VecDeque<_>> = HashMap::new();
        for entry in entries {
            if let Some(Outcome::Written(written)) = entry.result {
                for image in written.images {
                    images.entry((image.table.clone(), image.key.clone())).or_default().push_back(image);
                }
            }
        }
        images
    }
}

/// What is wrong with a change: no image is left of its row, or the next one says otherwise.
fn unlike(change: &Change, images: &mut HashMap<Place, VecDeque<RowImage>>) -> Option<&'static str> {
    let image = change.key.clone().and_then(|key| images.get_mut(&(change.table.clone(), key))?.pop_front());
    let Some(image) = image else { return Some("write.unrecorded") };
    let same = match &change.row {
        // How it last was is no longer told.
        None => image.deleted,
        Some(row) => !image.deleted && row.is(&image.image),
    };
    (!same).then_some("write.differs")
}

/// Names the first rows one by one, and counts the others.
fn few(mut findings: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut told: Vec<_> = findings.by_ref().take(NAMED).collect();
    let mut counted = BTreeMap::<_, u64>::new();
    for finding in findings {
        *counted.entry((finding.kind, finding.table, finding.operation)).or_default() += finding.rows;
    }
    told.extend(counted.into_iter().map(|((kind, table, operation), rows)| Finding {
        table,
        operation,
        rows,
        ..Finding::new(&kind)
    }));
    told
}

impl Begin {
    /// A finding in this transaction, which ends there.
    fn of(&self, finding: Finding, end: &str) -> Finding {
        /// From the Unix epoch to PostgreSQL's, in microseconds.
        const EPOCH: i64 = 946_684_800_000_000;
        Finding {
            committed_at: self.committed_at.checked_add(EPOCH),
            xid: Some(self.xid),
            lsn: Some(end.to_owned()),
            ..finding
        }
    }
}
