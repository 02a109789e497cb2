//! Drift: where the database and the ledger do not agree, named to the column. Pure: what is compared was read by others.
//!
//! The ledger's side is a [`Story`], the database's a [`Picture`] that was taken after it: so everything on the ledger
//! had been executed before. What the database has besides, on its way to the ledger, counts only if its request's
//! signature is its signer's.

mod compare;
mod difference;
mod erased;
mod fold;
mod history;
mod kept;
mod origin;
mod outbox;
mod plan;
mod report;

#[cfg(test)]
mod tests;

use crate::{
    ledger::story::{Signers, Story},
    records::Picture,
};

pub use compare::{Compared, Tally, compare};
pub use difference::{ColumnDifference, Difference, DifferenceCode};
pub use erased::ErasedEntry;
pub use fold::{Fold, Last, RowKey, images};
pub use history::{Change, ChangeKind, ColumnChange, History, RowHistory, Selection, history};
pub use kept::{astray, batch_without_ledger, fits, is_batch, is_kept, kept};
pub use origin::Origin;
pub use outbox::agrees as outbox_agrees;
pub use plan::{Plan, PlannedStatement};
pub use report::{REPORT_TYPE, Report, ReportError, SetAside, SignedReport, TableReport, UntoldRow};

/// Compares what the ledger tells of a learner (verified by these signers) with what the database holds.
pub fn judge(story: &Story, picture: &Picture, signers: &Signers, time: i64) -> Report {
    let outbox = outbox::examine(story, picture, signers);
    let mut fold = Fold::of_story(story);
    for (origin, entry) in &outbox.pending {
        fold.take_entry(origin, entry);
    }
    let compared = compare(&fold, &picture.rows);
    Report::new(story, outbox, compared, time)
}
