//! What is to be adopted of one learner.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use sillok_contract::id::LearnerId;

use crate::{
    drift::{Difference, DifferenceCode, Report},
    keys::Asked,
};

/// The most rows of one query: below what a gateway gives by default.
const MOST_ROWS: usize = 500;
/// The most bytes of one query's rows, with room for the rest of an entry of 256 KiB.
const MOST_BYTES: usize = 192 * 1024;
/// The most parameters of one query: what a gateway takes by default.
const MOST_PARAMETERS: usize = 200;

/// One learner's rows of one table: adopted under one signature, so all of them or none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Take {
    pub(super) learner: LearnerId,
    pub(super) table: String,
    pub(super) rows: u64,
    pub(super) queries: Vec<Asked>,
}

/// Rows that are not adopted, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Left {
    pub(super) learner: String,
    pub(super) table: String,
    pub(super) rows: u64,
    pub(super) why: String,
}

/// What is to be done with a learner's rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Plan {
    pub(super) takes: Vec<Take>,
    pub(super) left: Vec<Left>,
    /// Rows that the ledger knows.
    pub(super) known: u64,
}

impl Plan {
    /// Of what verification says. Rows of a table of which nothing was ever recorded are adopted; where something was, a
    /// row that was not may have been slipped in, and adopting it would hide that.
    pub(super) fn of(report: &Report, most_queries: usize) -> Self {
        let mut unknown: BTreeMap<&str, Vec<&Difference>> = BTreeMap::new();
        for difference in &report.differences {
            unknown.entry(&difference.table).or_default().push(difference);
        }
        let mut plan = Self::default();
        for table in &report.tables {
            let found = unknown.remove(table.table.as_str()).unwrap_or_default();
            plan.known += table.agreeing;
            let injected: Vec<_> = found.iter().copied().filter(|found| was_never_recorded(found)).collect();
            if injected.is_empty() {
                continue;
            }
            let rows = injected.len() as u64;
            if rows == table.rows && found.len() == injected.len() {
                plan.take(&report.learner, &table.table, &injected, most_queries);
            } else {
                plan.leave(&report.learner, &table.table, rows, "the ledger knows other rows of this table");
            }
        }
        plan
    }

    fn take(&mut self, learner: &LearnerId, table: &str, rows: &[&Difference], most_queries: usize) {
        let queries = queries(learner, table, rows);
        let count = rows.len() as u64;
        if queries.len() > most_queries {
            self.leave(learner, table, count, "they are too many to be adopted under one signature");
            return;
        }
        self.takes.push(Take { learner: learner.clone(), table: table.to_owned(), rows: count, queries });
    }

    fn leave(&mut self, learner: &LearnerId, table: &str, rows: u64, why: &str) {
        let (learner, table) = (learner.to_string(), table.to_owned());
        self.left.push(Left { learner, table, rows, why: why.to_owned() });
    }
}

fn was_never_recorded(difference: &Difference) -> bool {
    let unknown = matches!(difference.code, DifferenceCode::RowInjected | DifferenceCode::RowUnadopted);
    unknown && difference.since.is_none()
}

/// All of the table at once, where that goes into one entry; else by their keys, as many as go.
fn queries(learner: &LearnerId, table: &str, rows: &[&Difference]) -> Vec<Asked> {
    let ask = |condition: String, params| Asked {
        learner: learner.clone(),
        sql: format!("SELECT * FROM {table}{condition}"),
        params,
    };
    if rows.len() <= MOST_ROWS && rows.iter().map(|row| bytes(row)).sum::<usize>() <= MOST_BYTES {
        return vec![ask(String::new(), Vec::new())];
    }
    let parts = parts(rows).into_iter();
    parts
        .map(|part| {
            let mut params = Vec::new();
            let keys: Vec<_> = part.iter().map(|row| matching(&row.key, &mut params)).collect();
            ask(format!(" WHERE {}", keys.join(" OR ")), params)
        })
        .collect()
}

/// Rows in their order, so many together as one query takes.
fn parts<'r>(rows: &[&'r Difference]) -> Vec<Vec<&'r Difference>> {
    let mut parts: Vec<Vec<&Difference>> = Vec::new();
    let (mut size, mut params) = (0, 0);
    for row in rows {
        let (more, keys) = (bytes(row), row.key.len());
        let fits = size + more <= MOST_BYTES && params + keys <= MOST_PARAMETERS;
        match parts.last_mut() {
            Some(part) if fits => part.push(row),
            _ => {
                parts.push(vec![row]);
                (size, params) = (0, 0);
            }
        }
        (size, params) = (size + more, params + keys);
    }
    parts
}

/// A condition that holds of the row with this key.
fn matching(key: &Map<String, Value>, params: &mut Vec<Value>) -> String {
    let mut equal = |(column, value): (&String, &Value)| {
        params.push(value.clone());
        format!("{column} = ${}", params.len())
    };
    let equal: Vec<_> = key.iter().map(&mut equal).collect();
    format!("({})", equal.join(" AND "))
}

/// About how many bytes the row's image and key have.
fn bytes(row: &Difference) -> usize {
    let of = |name: &str, value: &Value| name.len() + value.as_str().map_or(24, |text| 2 * text.len()) + 8;
    let columns = row.columns.iter().map(|c| of(&c.column, c.database.as_ref().unwrap_or(&Value::Null)));
    columns.sum::<usize>() + row.key.iter().map(|(name, value)| of(name, value)).sum::<usize>() + 64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use serde_json::json;

    use super::*;
    use crate::drift::{ColumnDifference, TableReport};

    fn injected(table: &str, number: usize, text: usize) -> Difference {
        let columns = vec![ColumnDifference {
            column: "content".to_owned(),
            database: Some("x".repeat(text).into()),
            ledger: None,
        }];
        Difference {
            code: DifferenceCode::RowUnadopted,
            detail: String::new(),
            table: table.to_owned(),
            key: json!({ "learner": "L1", "number": number }).as_object().cloned().unwrap(),
            columns,
            since: None,
        }
    }

    fn report(tables: &[(&str, u64, u64)], differences: Vec<Difference>) -> Report {
        let tables = tables.iter().map(|(table, rows, agreeing)| TableReport {
            table: (*table).to_owned(),
            rows: *rows,
            agreeing: *agreeing,
        });
        Report {
            erasures: Vec::new(),
            version: 1,
            learner: LearnerId::new("L1").unwrap(),
            time: 0,
            agrees: differences.is_empty(),
            recorded: 0,
            erased: 0,
            pending: 0,
            tables: tables.collect(),
            differences,
            faults: Vec::new(),
            untold: Vec::new(),
            set_aside: Vec::new(),
        }
    }

    #[test]
    fn a_table_of_which_nothing_was_recorded_is_one_query() {
        let differences = vec![injected("notes", 1, 10), injected("notes", 2, 10), injected("grades", 1, 10)];
        let plan = Plan::of(&report(&[("notes", 2, 0), ("grades", 2, 1)], differences), 40);
        let [take] = &plan.takes[..] else { panic!("{plan:?}") };
        assert_eq!(
            (take.rows, take.queries.len(), take.queries[0].sql.as_str()),
            (2, 1, "SELECT * FROM notes")
        );
        let left = plan.left.iter().map(|left| (left.table.as_str(), left.rows)).collect::<Vec<_>>();
        assert_eq!((left, plan.known), (vec![("grades", 1)], 1), "that one may have been slipped in");
    }

    #[test]
    fn what_goes_into_no_one_entry_is_asked_for_by_keys() {
        let differences: Vec<_> = (0..30).map(|number| injected("notes", number, 10_000)).collect();
        let plan = Plan::of(&report(&[("notes", 30, 0)], differences.clone()), 40);
        let queries = &plan.takes[0].queries;
        assert!((3..=5).contains(&queries.len()), "{queries:?}");
        assert!(queries[0].sql.starts_with("SELECT * FROM notes WHERE (learner = $1 AND number = $2) OR ("));
        assert_eq!(queries.iter().map(|query| query.params.len()).sum::<usize>(), 60, "each row once");
        let plan = Plan::of(&report(&[("notes", 30, 0)], differences), 2);
        assert_eq!((plan.takes.len(), plan.left[0].rows), (0, 30));
    }

    #[test]
    fn a_row_that_was_deleted_or_changed_is_no_row_from_before() {
        let changed = Difference { code: DifferenceCode::RowChanged, ..injected("notes", 1, 1) };
        let plan = Plan::of(&report(&[("notes", 2, 0)], vec![changed, injected("notes", 2, 1)]), 40);
        assert!(plan.takes.is_empty() && plan.left[0].rows == 1, "{plan:?}");
    }
}
