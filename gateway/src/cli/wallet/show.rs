//! `sillok wallet show`

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use sillok_contract::request::Query;

use super::file::Named;
use crate::cli::{
    Failure, Program,
    proof::{proved, result},
    table::table,
    when::written,
};

/// Lists what was recorded about the learner, reads included: who asked what, when, and with what result.
///
/// Each entry's proof is verified before it is shown. Whether these are all, `sillok wallet verify` tells.
#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    wallet: Named,
}

#[derive(Serialize)]
struct Shown {
    learner: String,
    entries: Vec<Value>,
}

/// What was asked, with its parameters.
fn asked(query: &Query) -> String {
    let params: Vec<_> = query.params.iter().map(ToString::to_string).collect();
    match params.is_empty() {
        true => query.sql.clone(),
        false => format!("{}  with {}", query.sql, params.join(", ")),
    }
}

impl Show {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        let wallet = self.wallet.open()?.wallet;
        let entries = wallet.entries()?;
        let each = entries.iter().map(|entry| {
            let mut told = proved(entry);
            told["number"] = entry.number.into();
            told
        });
        let shown = Shown { learner: wallet.learner().to_string(), entries: each.collect() };
        program.output.result(&shown, |_| {
            let rows = entries.iter().map(|entry| {
                let (kind, rows) = result(&entry.entry.result);
                vec![
                    entry.number.to_string(),
                    written(entry.entry.executed_at),
                    entry.entry.school.to_string(),
                    entry.entry.educator.to_string(),
                    format!("{rows} {kind}"),
                    asked(&entry.entry.statement),
                ]
            });
            table(&["", "when", "school", "who", "rows", "what"], rows, "nothing was recorded yet")
        });
        Ok(())
    }
}
