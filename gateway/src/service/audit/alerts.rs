//! What an audit finds, as alerts: without the rows' values, which are the learners'.

use std::collections::HashSet;

use super::{CutRequest, SchoolAudit, Stranger};
use crate::{
    drift::{Difference, Report},
    ledger::story::Fault,
    records::{Finding, NewAlert},
    service::Digest,
};

/// What is told of, over the rounds: each thing once, for as long as it is so.
#[derive(Default)]
pub(super) struct Told {
    /// What the last round found.
    standing: HashSet<Digest>,
    /// What this round has found yet.
    found: HashSet<Digest>,
    /// What was found before and was gone since: found again, it is news.
    gone: HashSet<Digest>,
    /// To be raised.
    due: Vec<NewAlert>,
}

impl Told {
    /// A round begins; the last one may have been broken off.
    pub(super) fn begin(&mut self) {
        self.found.clear();
        self.due.clear();
    }

    /// What of a school is new.
    pub(super) fn school(&mut self, audit: &SchoolAudit, now: i64) {
        for fault in &audit.faults {
            self.look(&as_json(fault), of_fault(fault, None), now);
        }
        for difference in &audit.kept {
            self.look(&as_json(&(&audit.school, difference)), of_difference(difference, None), now);
        }
        for Report { learner, differences, faults, .. } in &audit.reports {
            let learner = learner.as_str();
            for difference in differences {
                let finding = of_difference(difference, Some(learner));
                self.look(&as_json(&(learner, difference)), finding, now);
            }
            for fault in faults {
                self.look(&as_json(&(learner, fault)), of_fault(fault, Some(learner)), now);
            }
        }
    }

    /// An entry that is astray.
    pub(super) fn astray(&mut self, difference: &Difference, now: i64) {
        self.look(&as_json(difference), of_difference(difference, None), now);
    }

    /// Somebody whom the ledger does not know.
    pub(super) fn stranger(&mut self, Stranger { learner }: &Stranger, now: i64) {
        let detail = format!("the database has rows of {learner}, whom the ledger does not know");
        self.look(learner.as_bytes(), found("learner.unknown", detail), now);
    }

    /// A request some of whose entries are gone.
    pub(super) fn cut(&mut self, cut: &CutRequest, now: i64) {
        let detail = format!("entries of the request {} are gone from the outbox", cut.request);
        self.look(cut.request.as_bytes(), found("outbox.cut", detail), now);
    }

    /// What is to be raised by now.
    pub(super) fn due(&mut self) -> Vec<NewAlert> {
        std::mem::take(&mut self.due)
    }

    /// The round is over, and was whole.
    pub(super) fn end(&mut self) {
        let found = std::mem::take(&mut self.found);
        self.gone.extend(self.standing.difference(&found).copied());
        self.standing = found;
    }

    fn look(&mut self, what: &[u8], finding: Finding, now: i64) {
        let digest = Digest::of(what);
        if !self.found.insert(digest) || self.standing.contains(&digest) {
            return;
        }
        // The same fingerprint after a restart: what was raised is not raised again.
        let again = if self.gone.remove(&digest) { format!(":{now}") } else { String::new() };
        self.due.push(NewAlert { fingerprint: format!("audit:{digest}{again}"), finding });
    }
}

fn found(kind: &str, detail: String) -> Finding {
    Finding { rows: 1, detail: Some(detail), ..Finding::new(kind) }
}

fn of_difference(difference: &Difference, learner: Option<&str>) -> Finding {
    let Difference { code, detail, table, key, columns, .. } = difference;
    let columns: Vec<_> = columns.iter().map(|column| column.column.as_str()).collect();
    let whose = learner.map(|learner| format!("{learner}: ")).unwrap_or_default();
    let detail = format!("an audit found it: {whose}{detail} ({})", columns.join(", "));
    Finding { table: Some(table.clone()), key: Some(key.clone()), ..found(code.as_str(), detail) }
}

fn of_fault(fault: &Fault, learner: Option<&str>) -> Finding {
    let whose = learner.map(|learner| format!("{learner}: ")).unwrap_or_default();
    let place = match (&fault.school, fault.sequence) {
        (Some(school), Some(sequence)) => format!(" (batch {sequence} of {school})"),
        _ => String::new(),
    };
    found(
        fault.code.as_str(),
        format!("an audit found that the ledger contradicts itself: {whose}{}{place}", fault.detail),
    )
}

fn as_json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("what is found has only text, numbers, lists and images")
}
