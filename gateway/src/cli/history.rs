//! `sillok history`

use clap::Args;
use serde_json::Value;
use sillok_contract::id::LearnerId;

use super::{
    Failure, Program,
    gateway::{Credentials, Gateway},
    table::table,
    verify::{erased, origin, values},
};
use crate::drift::{Change, ChangeKind, History, RowHistory, Selection};

/// Tells the lives of a learner's rows, entry by entry, from the ledger alone. For the offices' people.
///
/// Example: sillok history L0001 --table grades --where subject=music --where year=2026
/// --gateway https://gateway.example:8080 --certificate clerk.pem --key clerk.key
#[derive(Debug, Args)]
pub struct HistoryOf {
    /// The learner.
    learner: LearnerId,
    /// Only rows of this table.
    #[arg(long)]
    table: Option<String>,
    /// Only rows with this value in their key; may be given several times.
    #[arg(long = "where", value_name = "COLUMN=VALUE", value_parser = condition)]
    conditions: Vec<(String, Value)>,
    #[command(flatten)]
    gateway: Gateway,
    #[command(flatten)]
    credentials: Credentials,
}

/// A column of the key and its value: a JSON scalar, or else text.
fn condition(text: &str) -> Result<(String, Value), String> {
    let (column, value) = text.split_once('=').ok_or("write COLUMN=VALUE, such as year=2026")?;
    let scalar =
        serde_json::from_str(value).ok().filter(|value: &Value| !value.is_array() && !value.is_object());
    Ok((column.to_owned(), scalar.unwrap_or_else(|| value.into())))
}

impl HistoryOf {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.gateway.office_client(&self.credentials)?;
        let rows = Selection { table: self.table, key: self.conditions.into_iter().collect() };
        let history = client.history(&self.learner, &rows).await?;
        program.output.result(&history, text);
        Ok(())
    }
}

fn text(history: &History) -> String {
    let mut parts: Vec<_> = history.rows.iter().map(life).collect();
    if parts.is_empty() {
        parts.push("the ledger has no such row".to_owned());
    }
    if history.erased > 0 {
        parts.push(format!("{} entries cannot be told: their bodies were erased", history.erased));
    }
    parts.extend(history.erasures.iter().map(erased));
    parts.extend(history.faults.iter().map(|fault| format!("{}: {}", fault.code.as_str(), fault.detail)));
    parts.join("\n")
}

fn life(row: &RowHistory) -> String {
    let lines = row.changes.iter().flat_map(change);
    format!(
        "{} {}\n{}",
        row.table,
        values(&row.key),
        table(&["what", "column", "before", "after", "by"], lines, "")
    )
}

fn change(change: &Change) -> Vec<Vec<String>> {
    let kind = match change.change {
        ChangeKind::Written => "written",
        ChangeKind::Adopted => "adopted",
        ChangeKind::Changed => "changed",
        ChangeKind::Deleted => "deleted",
    };
    let by = origin(&change.by);
    let line = |column: &str, before: &Value, after: &Value| {
        vec![kind.to_owned(), column.to_owned(), before.to_string(), after.to_string(), by.clone()]
    };
    if change.columns.is_empty() {
        return vec![vec![kind.to_owned(), String::new(), String::new(), String::new(), by]];
    }
    change.columns.iter().map(|column| line(&column.column, &column.before, &column.after)).collect()
}
