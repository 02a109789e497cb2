//! What a gateway answered, for people and programs.

use serde_json::Value;

use crate::{
    cli::{
        Exit, Failure, Program,
        table::{plain, table},
    },
    service::{Place, QueryResult, RequestState},
};

/// The rows of every query, and its entry.
pub(super) fn print(program: &Program, executed: &RequestState) {
    program.output.result(executed, |executed| {
        let queries: Vec<_> = executed.results.iter().map(query).collect();
        format!("request {}\n{}", executed.request, queries.join("\n"))
    });
}

fn query(result: &QueryResult) -> String {
    let QueryResult { entry, rows, data } = result;
    let told = data.as_deref().map(rows_table).unwrap_or_default();
    let place = place(&entry.place);
    format!("learner {}: {rows} row(s), entry {}, {place}\n{told}", entry.learner, entry.entry)
}

fn rows_table(rows: &[Value]) -> String {
    let mut columns: Vec<&String> = Vec::new();
    for name in rows.iter().filter_map(Value::as_object).flat_map(|row| row.keys()) {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    let cells = rows.iter().map(|row| columns.iter().map(|name| cell(&row[name.as_str()])).collect());
    table(&columns, cells, "")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn place(place: &Place) -> String {
    match place {
        Place::Pending => "on its way to the ledger".to_owned(),
        Place::Recorded { sequence, index, transaction, block } => {
            let transaction = plain(transaction);
            format!("recorded: batch {sequence}, entry {index}, block {block}, transaction {transaction}")
        }
        Place::SetAside { refusal } => format!("set aside: the ledger refused it with {}", plain(refusal)),
    }
}

/// The place of every entry on the ledger; a failure if one was set aside.
pub(super) fn print_places(program: &Program, recorded: &RequestState) -> Result<(), Failure> {
    program.output.result(recorded, |recorded| {
        let header = ["learner", "batch", "entry", "block", "transaction"];
        table(&header, recorded.results.iter().map(row), "")
    });
    let mut refusals = recorded.results.iter().filter_map(|result| match &result.entry.place {
        Place::SetAside { refusal } => Some((&result.entry.entry, refusal)),
        _ => None,
    });
    match refusals.next() {
        None => Ok(()),
        Some((entry, refusal)) => {
            let detail = format!(
                "the query was executed, but the ledger refused its entry {entry} with {refusal}; the offices are alarmed: ask them"
            );
            Err(Failure::new(Exit::Refused, "entry.set_aside", detail))
        }
    }
}

fn row(result: &QueryResult) -> Vec<String> {
    let learner = result.entry.learner.to_string();
    match &result.entry.place {
        Place::Recorded { sequence, index, transaction, block } => {
            vec![learner, sequence.to_string(), index.to_string(), block.to_string(), transaction.clone()]
        }
        other => vec![learner, place(other)],
    }
}
