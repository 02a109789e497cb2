//! The plan of a restoration: statements that put a learner's rows back to their last recorded images.
//!
//! Each holds in its WHERE the row as it was seen, whole, and may touch that one row only: what has been written since
//! is not overwritten.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use sillok_contract::{
    digest::sha256,
    id::{LearnerId, SchoolId},
};
use utoipa::ToSchema;

use super::{ColumnDifference, Difference, DifferenceCode, Report, fold::object};
use crate::{
    keys::Asked,
    records::{
        Picture,
        schema::{ColumnType, Schema, Table},
    },
};

/// The longest text, in bytes, that a statement holds to be sure that the row is as it was seen. Longer ones are left
/// out: the row's other columns tell.
const LONGEST: usize = 2_000;

/// How a learner's rows are put back.
///
/// A row that was never recorded and may be from before Sillok ([`DifferenceCode::RowUnadopted`]) is not deleted with the
/// others: an officer who knows that it was slipped in asks for that ([`Plan::with_removals`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// Whose rows.
    #[schema(value_type = String)]
    pub learner: LearnerId,
    /// For which school the request is to be signed: the one where the learner is.
    #[schema(value_type = String)]
    pub school: SchoolId,
    /// SHA-256, as 64 hexadecimal digits, of the canonical JSON of learner, school and statements: tells whether a plan
    /// is still the one that was seen.
    pub digest: String,
    /// What is to be signed for, with the purpose `restore`, in this order.
    pub statements: Vec<PlannedStatement>,
    /// What is put back.
    pub differences: Vec<Difference>,
    /// What would delete the rows that may be from before Sillok. No part of the plan, and of its digest, unless asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removals: Vec<PlannedStatement>,
    /// Those rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unadopted: Vec<Difference>,
}

/// One statement of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlannedStatement {
    /// The statement.
    pub sql: String,
    /// Its parameters.
    pub params: Vec<Value>,
}

impl Plan {
    /// The queries that are to be signed for, in their order.
    pub fn asked(&self) -> impl Iterator<Item = Asked> {
        self.statements.iter().map(|PlannedStatement { sql, params }| Asked {
            learner: self.learner.clone(),
            sql: sql.clone(),
            params: params.clone(),
        })
    }

    /// Of what a report found, with the picture that it was made of.
    pub fn new(report: &Report, picture: &Picture, schema: &Schema, school: SchoolId) -> Self {
        let rows: HashMap<_, _> =
            picture.rows.iter().map(|row| ((row.table.as_str(), row.key.as_slice()), row)).collect();
        let mut planned = Vec::new();
        for difference in &report.differences {
            let Some(table) = schema.tables.get(&difference.table) else { continue };
            let key = serde_json_canonicalizer::to_vec(&difference.key).unwrap_or_default();
            let seen = rows.get(&(difference.table.as_str(), key.as_slice()));
            let seen = seen.map(|row| object(&row.image)).unwrap_or_default();
            planned.extend(statement(difference, table, &seen).map(|statement| (difference, statement)));
        }
        // What stands in another's place goes first.
        planned.sort_by_key(|(difference, _)| match difference.code {
            DifferenceCode::RowInjected | DifferenceCode::RowUnadopted => 0,
            DifferenceCode::RowChanged => 1,
            _ => 2,
        });
        let (unadopted, planned): (Vec<_>, Vec<_>) =
            planned.into_iter().partition(|(difference, _)| difference.code == DifferenceCode::RowUnadopted);
        let of = |planned: Vec<(&Difference, PlannedStatement)>| {
            planned.into_iter().map(|(difference, statement)| (difference.clone(), statement)).unzip()
        };
        let ((differences, statements), (unadopted, removals)): ((_, Vec<_>), _) =
            (of(planned), of(unadopted));
        let learner = report.learner.clone();
        let digest = digest(&learner, &school, &statements);
        Self { learner, school, digest, statements, differences, removals, unadopted }
    }

    /// The plan that also deletes the rows that may be from before Sillok: before all else, for they may stand in the
    /// place of another.
    pub fn with_removals(mut self) -> Self {
        self.removals.append(&mut self.statements);
        self.unadopted.append(&mut self.differences);
        (self.statements, self.removals) = (self.removals, Vec::new());
        (self.differences, self.unadopted) = (self.unadopted, Vec::new());
        self.digest = digest(&self.learner, &self.school, &self.statements);
        self
    }
}

fn digest(learner: &LearnerId, school: &SchoolId, statements: &[PlannedStatement]) -> String {
    let signed = serde_json::json!({ "learner": learner, "school": school, "statements": statements });
    let canonical = serde_json_canonicalizer::to_vec(&signed).expect("text, numbers and lists have a form");
    hex::encode(sha256(&[&canonical]))
}

/// The statement that undoes a difference of a row; none where it is not one of a row.
fn statement(difference: &Difference, table: &Table, seen: &Map<String, Value>) -> Option<PlannedStatement> {
    let mut words = Words { table, params: Vec::new() };
    let name = quoted(&difference.table);
    let sql = match difference.code {
        DifferenceCode::RowChanged => {
            let set: Vec<_> = difference.columns.iter().filter_map(|column| words.set(column)).collect();
            format!("UPDATE {name} SET {} WHERE {}", set.join(", "), words.as_seen(seen))
        }
        DifferenceCode::RowInjected | DifferenceCode::RowUnadopted => {
            format!("DELETE FROM {name} WHERE {}", words.as_seen(seen))
        }
        DifferenceCode::RowMissing => {
            let given = difference.columns.iter().filter(|column| column.column != table.learner);
            let given = given.filter_map(|column| Some((quoted(&column.column), words.value(column)?)));
            let (columns, values): (Vec<_>, Vec<_>) = given.unzip();
            format!("INSERT INTO {name} ({}) VALUES ({})", columns.join(", "), values.join(", "))
        }
        _ => return None,
    };
    Some(PlannedStatement { sql, params: words.params })
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

struct Words<'t> {
    table: &'t Table,
    params: Vec<Value>,
}

impl Words<'_> {
    /// A column's value, as a parameter. NULL and truth have words of their own.
    fn bound(&mut self, value: Value) -> String {
        match value {
            Value::Null => "NULL".to_owned(),
            value => {
                self.params.push(value);
                format!("${}", self.params.len())
            }
        }
    }

    fn set(&mut self, difference: &ColumnDifference) -> Option<String> {
        Some(format!("{} = {}", quoted(&difference.column), self.value(difference)?))
    }

    /// What the ledger says of a column. One that it never knew becomes NULL again.
    fn value(&mut self, difference: &ColumnDifference) -> Option<String> {
        let of = *self.table.columns.get(&difference.column)?;
        let value = difference.ledger.clone().unwrap_or_default();
        Some(self.bound(exact(value, of)))
    }

    /// The row as it was seen; whose it is, the policy adds.
    fn as_seen(&mut self, seen: &Map<String, Value>) -> String {
        let mut conditions = Vec::new();
        for (column, of) in &self.table.columns {
            let Some(value) = seen.get(column).filter(|_| *column != self.table.learner) else { continue };
            match value {
                Value::Null => conditions.push(format!("{} IS NULL", quoted(column))),
                Value::String(text) if text.len() > LONGEST => {}
                Value::Object(_) | Value::Array(_) => {}
                value => {
                    let value = self.bound(exact(value.clone(), *of));
                    conditions.push(format!("{} = {value}", quoted(column)));
                }
            }
        }
        if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") }
    }
}

/// A value of an image as its column has it: canonical JSON writes large integers as text, and whole numbers alike.
fn exact(value: Value, of: ColumnType) -> Value {
    match (of, &value) {
        (ColumnType::Integer, Value::String(digits)) => digits.parse::<i64>().map_or(value, Value::from),
        (ColumnType::Real, Value::Number(number)) => {
            number.as_f64().and_then(Number::from_f64).map_or(value, Value::Number)
        }
        _ => value,
    }
}
