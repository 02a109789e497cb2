//! `sillok verify`

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};
use sillok_contract::id::LearnerId;

use super::{
    Exit, Failure, Program,
    gateway::{Credentials, Gateway},
    private_file,
    table::{plain, table},
    when,
};
use crate::{
    drift::{Difference, ErasedEntry, Origin, Report, SignedReport},
    ledger::{receipt::Roots, story::Fault},
};

/// Compares what the database and the ledger hold about one learner. For the offices' people.
///
/// Each difference is named: table, key, column, what the database says, what the ledger says, since which entry. Ends
/// with exit code 6 if there is one.
///
/// Example: sillok verify L0001 --gateway https://gateway.example:8080 --certificate clerk.pem --key clerk.key
#[derive(Debug, Args)]
pub struct Verify {
    /// The learner.
    learner: LearnerId,
    #[command(flatten)]
    gateway: Gateway,
    #[command(flatten)]
    credentials: Credentials,
    /// Keeps the signed report in this file.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Checks the report's signature against the offices' root certificates in this directory.
    #[arg(long, value_name = "DIR")]
    roots: Option<PathBuf>,
}

impl Verify {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let roots = self.roots.as_deref().map(Roots::read_dir).transpose();
        let roots = roots.map_err(|error| Failure::config(error.to_string()))?;
        let client = self.gateway.office_client(&self.credentials)?;
        let signed = client.verification(&self.learner).await?;
        if let Some(roots) = &roots {
            check(&signed, roots)?;
        }
        if let Some(file) = &self.save {
            private_file::write(file, signed.jws.as_bytes())?;
        }
        program.output.result(&signed, |signed| text(&signed.report));
        match signed.report.agrees {
            true => Ok(()),
            false => Err(differ(&signed.report)),
        }
    }
}

/// What is printed must be what an office signed.
fn check(signed: &SignedReport, roots: &Roots) -> Result<(), Failure> {
    let unverified = |why: String| Failure::new(Exit::Unverified, "report.unverified", why);
    match SignedReport::verify(&signed.jws, roots) {
        Ok((report, _)) if report == signed.report => Ok(()),
        Ok(_) => Err(unverified("the report is not the one that was signed".to_owned())),
        Err(error) => Err(unverified(error.to_string())),
    }
}

fn differ(report: &Report) -> Failure {
    let (differences, faults) = (report.differences.len(), report.faults.len());
    let detail = format!(
        "database and ledger do not agree about {}: {differences} difference(s), {faults} fault(s) of the ledger itself",
        report.learner
    );
    Failure::new(Exit::Drift, "drift.found", detail)
}

/// The report for people.
pub(super) fn text(report: &Report) -> String {
    let verdict = if report.agrees { "agree" } else { "DO NOT AGREE" };
    let head = format!(
        "database and ledger {verdict} about {}\n  {} entries on the ledger, {} on their way, {} erased; {}",
        report.learner,
        report.recorded,
        report.pending,
        report.erased,
        when::written(report.time),
    );
    let rows =
        report.tables.iter().map(|of| vec![of.table.clone(), of.rows.to_string(), of.agreeing.to_string()]);
    let mut parts = vec![head, table(&["table", "rows", "as recorded"], rows, "  no rows")];
    if !report.differences.is_empty() {
        parts.push(differences(&report.differences));
    }
    parts.extend(report.faults.iter().map(fault));
    let untold = report.untold.iter().map(|row| format!("{} {}", row.table, values(&row.key)));
    parts.extend(untold.map(|row| format!("erased: {row}: it rests on entries whose bodies were erased")));
    let set_aside = report.set_aside.iter();
    parts.extend(
        set_aside.map(|aside| format!("set aside: entry {}: {}", aside.entry, plain(&aside.refusal))),
    );
    parts.extend(report.erasures.iter().map(erased));
    parts.join("\n")
}

/// Who erased an entry, and when.
pub(super) fn erased(of: &ErasedEntry) -> String {
    let ErasedEntry { number, school, sequence, index, by, grounds, at, .. } = of;
    let at = when::written(*at);
    let grounds = serde_json::to_value(grounds).ok();
    let grounds = grounds.as_ref().and_then(Value::as_str).unwrap_or_default();
    format!("erased: entry {number} (batch {sequence}, entry {index} of {school}) by {by} {at}: {grounds}")
}

/// One line a column.
pub(super) fn differences(differences: &[Difference]) -> String {
    let header = ["what", "table", "key", "column", "database", "ledger", "since"];
    table(&header, differences.iter().flat_map(lines), "")
}

fn lines(difference: &Difference) -> Vec<Vec<String>> {
    let Difference { code, table, key, columns, since, .. } = difference;
    let since = since.as_ref().map(origin).unwrap_or_default();
    let line = |column: &str, database: Option<&Value>, ledger: Option<&Value>| {
        let cells = [code.as_str(), table, &values(key), column, &side(database), &side(ledger), &since];
        cells.map(str::to_owned).to_vec()
    };
    if columns.is_empty() {
        return vec![line("", None, None)];
    }
    columns.iter().map(|c| line(&c.column, c.database.as_ref(), c.ledger.as_ref())).collect()
}

fn side(value: Option<&Value>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// A key's columns without the learner's, whom all of it is about.
pub(super) fn values(key: &Map<String, Value>) -> String {
    let columns = key.iter().filter(|(name, _)| *name != "learner");
    let columns: Vec<_> = columns.map(|(name, value)| format!("{name}={value}")).collect();
    columns.join(" ")
}

/// Who and when, and where it stands.
pub(super) fn origin(origin: &Origin) -> String {
    let Origin { school, signer, executed_at, sequence, index, .. } = origin;
    let place = match sequence.zip(*index) {
        Some((sequence, index)) => format!("batch {sequence}, entry {index} of {school}"),
        None => "on its way to the ledger".to_owned(),
    };
    format!("{} by {signer}, {place}", when::written(*executed_at))
}

fn fault(fault: &Fault) -> String {
    let place = match (&fault.school, fault.sequence) {
        (Some(school), Some(sequence)) => format!(" (batch {sequence} of {school})"),
        _ => String::new(),
    };
    format!("{}: {}{place}", fault.code.as_str(), plain(&fault.detail))
}
