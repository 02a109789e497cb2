//! `sillok proof verify`: opens files, nothing else.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use sillok_contract::purpose::Purpose;
use sillok_proto::ledger::entry::Result as Outcome;

use crate::{
    cli::{Exit, Failure, Program, table::plain, when::written},
    ledger::{Engine, receipt::Roots},
    proof::{MAX_PROOF, Proof, Verified},
};

/// Verifies proofs with nothing but the offices' root certificates: no gateway, no ledger, no network is asked.
///
/// For each file it says who asked what about whom and when, with what result, and where both offices recorded it; or
/// why it does not hold. Ends with 5 if one does not.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Proof files, or directories of them (*.json).
    #[arg(required = true, value_name = "FILE|DIR")]
    proofs: Vec<PathBuf>,
    /// The directory with the offices' root certificates, MSP.pem each: from the offices themselves, never from who gave
    /// you the proof.
    #[arg(long, value_name = "DIR")]
    roots: PathBuf,
}

/// What came of one file.
struct Checked {
    file: PathBuf,
    verified: Result<Verified, Refuted>,
}

/// Why a file proves nothing.
struct Refuted {
    code: &'static str,
    why: String,
}

#[derive(Serialize)]
struct Report {
    proofs: Vec<Value>,
    verified: usize,
    failed: usize,
}

impl Verify {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        let roots = Roots::read_dir(&self.roots)
            .map_err(|error| Failure::new(Exit::Usage, error.code(), error.to_string()))?;
        let mut files = Vec::new();
        for path in &self.proofs {
            files.extend(files_of(path)?);
        }
        let checked: Vec<_> = files.into_iter().map(|file| check(file, &roots)).collect();
        let failed = checked.iter().filter(|checked| checked.verified.is_err()).count();
        let proofs = checked.iter().map(Checked::json).collect();
        let report = Report { proofs, verified: checked.len() - failed, failed };
        program.output.result(&report, |report| text(&checked, report));
        first_refuted(&checked, failed).map_or(Ok(()), Err)
    }
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let told = |why: &dyn std::fmt::Display| Failure::usage(format!("{}: {why}", path.display()));
    if !path.try_exists().map_err(|error| told(&error))? {
        return Err(told(&"there is no such file"));
    }
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).map_err(|error| told(&error))?;
    let mut files = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| told(&error))?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    if files.is_empty() { Err(told(&"it holds no proof files (*.json)")) } else { Ok(files) }
}

fn check(file: PathBuf, roots: &Roots) -> Checked {
    let verified = read(&file)
        .map_err(|error| Refuted {
            code: "proof.unreadable",
            why: format!("the file cannot be read: {error}"),
        })
        .and_then(|bytes| {
            let verified = Proof::parse(&bytes).and_then(|proof| proof.verify(roots));
            verified.map_err(|error| Refuted { code: error.code(), why: error.to_string() })
        });
    Checked { file, verified }
}

/// The bytes, or as many as show that it is too large.
fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_PROOF as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn first_refuted(checked: &[Checked], failed: usize) -> Option<Failure> {
    let (file, refuted) =
        checked.iter().find_map(|checked| Some((&checked.file, checked.verified.as_ref().err()?)))?;
    let which = match checked.len() {
        1 => String::new(),
        all => format!("{failed} of {all} proofs do not hold; the first: "),
    };
    let detail = format!("{which}{}: {}", file.display(), plain(&refuted.why));
    Some(Failure::new(Exit::Unverified, refuted.code, detail))
}

impl Checked {
    fn json(&self) -> Value {
        match &self.verified {
            Ok(verified) => {
                let mut proved = proved(verified);
                proved["file"] = json!(self.file);
                proved["ok"] = json!(true);
                proved
            }
            Err(refuted) => {
                json!({ "file": self.file, "ok": false, "code": refuted.code, "why": refuted.why })
            }
        }
    }
}

/// What an entry's proof proves, for programs.
pub(in crate::cli) fn proved(verified: &Verified) -> Value {
    let Verified { id, entry, thumbprint, signed_at, sequence, index, count, .. } = verified;
    let (kind, rows) = result(&entry.result);
    json!({
        "entry": id.to_string(),
        "school": entry.school,
        "educator": entry.educator,
        "purpose": verified.purpose,
        "certificate": hex::encode(thumbprint),
        "learner": entry.learner,
        "sql": entry.statement.sql,
        "params": entry.statement.params,
        "result": { "kind": kind, "rows": rows },
        "executed_at": written(entry.executed_at),
        "signed_at": written(signed_at.saturating_mul(1_000_000)),
        "sequence": sequence,
        "index": index,
        "count": count,
        "transaction": verified.transaction,
        "block": verified.block,
        "endorsed_by": verified.endorsed_by,
        "engine": verified.engine,
    })
}

/// What a query did, and with how many rows.
pub(in crate::cli) fn result(outcome: &Outcome) -> (&'static str, u64) {
    match outcome {
        Outcome::Read(read) => ("read", read.rows),
        Outcome::Written(written) => ("written", written.rows),
        Outcome::Adopted(adopted) => ("adopted", adopted.images.len() as u64),
    }
}

/// An officer signs for a purpose, an educator for none.
fn purpose(purpose: Option<Purpose>) -> &'static str {
    match purpose {
        None => "",
        Some(Purpose::Baseline) => " (an officer, for baseline)",
        Some(Purpose::Restore) => " (an officer, for restore)",
        Some(Purpose::Correction) => " (an officer, for correction)",
    }
}

fn text(checked: &[Checked], report: &Report) -> String {
    let each = checked.iter().map(|Checked { file, verified }| match verified {
        Ok(verified) => format!("ok      {}\n{}", file.display(), story(verified)),
        Err(refuted) => {
            format!("FAILED  {}\n        {}: {}", file.display(), refuted.code, plain(&refuted.why))
        }
    });
    let summary = format!("{} verified, {} failed", report.verified, report.failed);
    each.chain([summary]).collect::<Vec<_>>().join("\n")
}

fn story(verified: &Verified) -> String {
    let entry = &verified.entry;
    let (kind, rows) = result(&entry.result);
    let params: Vec<_> = entry.statement.params.iter().map(ToString::to_string).collect();
    let with =
        if params.is_empty() { String::new() } else { format!("  with {}", plain(&params.join(", "))) };
    let engine = match verified.engine {
        Engine::Fabric => "",
        Engine::Embedded => "\n        note: a development ledger; who runs it holds both offices' keys",
    };
    format!(
        "        who     {} of {}{}, about {}\n        what    {}{with}\n        result  {rows} row(s) {kind}\n        \
         when    {}\n        where   batch {} of {}, entry {} of {}, transaction {}\n        \
         by      {}{engine}",
        entry.educator,
        entry.school,
        purpose(verified.purpose),
        entry.learner,
        plain(&entry.statement.sql),
        written(entry.executed_at),
        verified.sequence,
        entry.school,
        u64::from(verified.index) + 1,
        verified.count,
        plain(&verified.transaction),
        verified.endorsed_by.join(" and "),
    )
}
