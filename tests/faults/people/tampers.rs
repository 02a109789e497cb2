//! Rows that were changed past the gateway, as long as they are not put back.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::{Value, json};
use sillok_contract::id::LearnerId;
use sillok_tests::{
    drift::{audited, report},
    lesson::YEAR,
    patience::until,
    refusal::Failed,
    told::Past,
    world::World,
};

use super::{Shared, administrator::connect, officer::Clerk};

/// A mark: its term and subject tell which, the score what it says. None is there where there is no score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tamper {
    pub(super) term: i64,
    pub(super) subject: String,
    pub(super) before: Option<i64>,
    pub(super) after: Option<i64>,
    /// Whether somebody is about it: changing it, or putting it back, so that nobody can tell how it is.
    pub(super) moving: bool,
}

impl Tamper {
    /// As the watch tells it.
    pub(super) fn past(&self, learner: &LearnerId) -> Past {
        let operation = match (self.before, self.after) {
            (Some(_), Some(_)) => "UPDATE",
            (Some(_), None) => "DELETE",
            _ => "INSERT",
        };
        Past {
            kind: "write.unrecorded".to_owned(),
            operation: operation.to_owned(),
            table: "grades".to_owned(),
            key: json!({ "learner": learner, "year": YEAR, "term": self.term, "subject": self.subject }),
        }
    }

    /// What verification calls it.
    fn code(&self) -> &'static str {
        match (self.before, self.after) {
            (Some(_), Some(_)) => "row.changed",
            (Some(_), None) => "row.missing",
            _ => "row.unadopted",
        }
    }
}

/// What of a learner is changed: how often something was before, and what is now. Two that are the same with nothing
/// about in either mean that nothing changed between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    count: u64,
    pub(super) now: Option<Tamper>,
}

impl Seen {
    fn is_steady(&self) -> bool {
        self.now.as_ref().is_none_or(|tamper| !tamper.moving)
    }

    /// What is changed of the learner all the time between two looks; none where that cannot be told.
    pub(super) fn all_the_time(&self, later: &Self) -> Option<Option<&Tamper>> {
        (self == later && self.is_steady()).then_some(self.now.as_ref())
    }
}

/// All of a round: at most one a learner.
#[derive(Debug, Default)]
pub(crate) struct Tampers {
    standing: BTreeMap<LearnerId, Tamper>,
    counts: BTreeMap<LearnerId, u64>,
    put_back: u64,
    left: usize,
}

impl Tampers {
    pub(super) fn seen(&self, learner: &LearnerId) -> Seen {
        let count = self.counts.get(learner).copied().unwrap_or_default();
        Seen { count, now: self.standing.get(learner).cloned() }
    }

    /// Something of a learner is about to be changed.
    pub(super) fn begin(&mut self, learner: &LearnerId, tamper: Tamper) {
        *self.counts.entry(learner.clone()).or_default() += 1;
        self.standing.insert(learner.clone(), tamper);
    }

    /// It is being put back, or that was not done.
    pub(super) fn set_moving(&mut self, learner: &LearnerId, moving: bool) {
        if let Some(tamper) = self.standing.get_mut(learner) {
            tamper.moving = moving;
        }
    }

    /// It is as it was.
    pub(super) fn end(&mut self, learner: &LearnerId, put_back: bool) {
        *self.counts.entry(learner.clone()).or_default() += 1;
        self.standing.remove(learner);
        self.put_back += u64::from(put_back);
    }

    /// Those whom nobody is about.
    pub(super) fn still(&self) -> Vec<LearnerId> {
        self.standing
            .iter()
            .filter(|(_, tamper)| !tamper.moving)
            .map(|(learner, _)| learner.clone())
            .collect()
    }

    pub(super) fn has(&self, learner: &LearnerId) -> bool {
        self.standing.contains_key(learner)
    }
}

impl fmt::Display for Tampers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rows changed past the gateway were put back, {} of them at the end",
            self.put_back, self.left
        )
    }
}

/// G6, G7: everything that was changed and not put back is found by the audit and named by verification, nothing else is;
/// the watch has told each change once; and then all of it is put back.
pub(super) async fn check(world: &World, shared: &Shared, clerk: &mut Clerk) {
    settle(shared).await;
    told_by_the_watch(world).await;
    let standing = shared.tampers.borrow().standing.clone();
    let found: BTreeSet<_> = audited(world).await.into_iter().collect();
    let expected: BTreeSet<_> = standing.keys().cloned().collect();
    assert_eq!(found, expected, "G6: the audit names exactly those who were changed and not put back");
    for (learner, tamper) in &standing {
        let report = report(world, learner).await;
        assert!(names(&report, tamper), "G6: {tamper:?} is named: {report:#?}");
    }
    shared.tampers.borrow_mut().left = standing.len();
    for learner in standing.keys() {
        let patience = "G7: a row is put back";
        until(patience, async || {
            clerk.put_back(learner).await;
            clerk.finish().await;
            (!shared.tampers.borrow().has(learner)).then_some(())
        })
        .await;
    }
    assert_eq!(audited(world).await, [], "G7: all of it was put back");
}

/// Whether a report tells of a change, and of nothing else.
pub(super) fn names(report: &sillok_gateway::drift::Report, tamper: &Tamper) -> bool {
    let [difference] = &report.differences[..] else { return false };
    let subject = difference.key.get("subject").and_then(Value::as_str);
    difference.code.as_str() == tamper.code()
        && subject == Some(&tamper.subject)
        && report.faults.is_empty()
        && !report.agrees
}

/// Each row is as it was before it was changed, or as it was changed to.
async fn settle(shared: &Shared) {
    let standing = shared.tampers.borrow().standing.clone();
    for (learner, tamper) in standing {
        let database = connect(&shared.database).await.unwrap();
        let found = super::administrator::score(&database, &learner, &tamper).await.unwrap();
        if found == tamper.before {
            shared.tampers.borrow_mut().end(&learner, true);
        } else {
            assert_eq!(found, tamper.after, "G7: {learner}: neither changed nor put back: {tamper:?}");
            shared.tampers.borrow_mut().set_moving(&learner, false);
        }
    }
}

/// G6: the watch is back by now, and tells each change once. That it tells nothing else the check of all holds.
async fn told_by_the_watch(world: &World) {
    let expected = world.told().await.past.len();
    let caller = world.as_seen_by_the_office();
    until("G6: every write past the gateway is told", async || {
        let alerts = caller.alerts().await.map_err(Failed::refused).unwrap();
        (alerts.len() >= expected).then_some(())
    })
    .await;
}
