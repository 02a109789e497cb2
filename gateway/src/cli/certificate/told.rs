//! What the commands say.

use serde_json::Value;

use crate::{
    certificate::{CertificateError, Record},
    cli::{Exit, Failure, Program, table, verdict, when},
    drift::Report,
    keys::OfficeDocument,
    service::CertificateState,
};

/// Tells where a certificate stands. What the report in it says is shown, not believed: who wants to check it has the JWS.
pub(super) fn state(program: &Program, state: &CertificateState) {
    program.output.result(state, |state| {
        let expires =
            state.expires_at.map(|time| format!(", until {}", when::written(time))).unwrap_or_default();
        format!(
            "certificate {} of {}: {}{expires}\n  transaction {}",
            state.certificate,
            state.learner,
            verdict::word(&state.state),
            table::plain(&state.transaction),
        )
    });
}

/// What database and ledger differed in, if they did: exit code 6.
pub(super) fn differences(program: &Program, state: &CertificateState) -> Result<(), Failure> {
    if state.agrees {
        return Ok(());
    }
    let document = OfficeDocument::verify(&state.report, crate::drift::REPORT_TYPE).ok();
    let report = document.and_then(|document| serde_json::from_slice::<Report>(&document.payload).ok());
    if let Some(report) = report {
        program.output.note(crate::cli::verify::text(&report));
    }
    let detail = "database and ledger do not agree about the record; no officer can issue the certificate before that is put right";
    Err(Failure::new(Exit::Drift, "certificate.drift", detail))
}

/// The record, a table each.
pub(super) fn record(record: &Record) -> String {
    let tables = record.iter().map(|(name, rows)| {
        let columns: Vec<_> = rows.first().into_iter().flat_map(|row| row.keys().cloned()).collect();
        let cells = rows.iter().map(|row| columns.iter().map(|column| cell(row.get(column))).collect());
        format!("{}\n{}", table::plain(name), table::table(&columns, cells, "no rows"))
    });
    tables.collect::<Vec<_>>().join("\n")
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

impl From<CertificateError> for Failure {
    fn from(error: CertificateError) -> Self {
        Self::new(Exit::Unverified, error.code(), error.to_string())
    }
}
