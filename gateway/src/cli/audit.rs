//! `sillok audit`

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use sillok_contract::id::SchoolId;

use super::{
    Exit, Failure, Program, private_file, progress,
    table::{plain, table},
    verify,
};
use crate::{
    server::Engines,
    service::{Audit, Auditor, CutRequest, Mended, SchoolAudit, Service},
};

/// Compares database and ledger for all learners. For an office, on its own database and ledger.
///
/// Reads the configuration that the gateway has, and works beside it (with the embedded ledger, while no gateway runs).
/// Every batch of the ledger and every row of the protected tables is read once; who differs is looked at precisely, so
/// what is written meanwhile raises no alarm. Each difference is named as `sillok verify` names it. Ends with exit code
/// 6 if there is one.
///
/// Example: sillok --config sillok.toml audit --state audit.json
#[derive(Debug, Args)]
pub struct AuditOf {
    /// Keeps what has been found in this file, school by school; an audit that was interrupted goes on where it was.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// How many milliseconds to pause between two steps of the work, so that the load is bounded.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pause: u64,
    /// Only these schools.
    #[arg(long, value_name = "SCHOOL")]
    school: Vec<SchoolId>,
    /// Before a school is audited, puts back from the ledger what the gateway keeps of it in its own tables: outbox, batches,
    /// requests. They are a cache of the ledger, so nobody signs for that; the rows of learners are put back by
    /// `sillok restore`. For when an old backup of the database was restored, or somebody changed those tables.
    #[arg(long)]
    mend: bool,
}

impl AuditOf {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let settings = program.settings()?;
        let mut audit = self.state.as_deref().map(resumed).transpose()?.flatten().unwrap_or_default();
        let engines = Engines::open(&settings).await?;
        check_file(&engines).await?;
        let service = Service::new(engines.parts, settings.service.clone());
        let auditor = service.auditor(Duration::from_millis(self.pause)).await?;
        if audit.started == 0 {
            audit = Audit::begun(service.now());
        }
        let since = Instant::now();
        let read = self.schools(program, &auditor, &mut audit).await?;
        if self.school.is_empty() {
            audit.strangers = auditor.strangers().await?;
            audit.cut = auditor.cut().await?;
            audit.astray = auditor.astray().await?;
        }
        audit.ended = Some(service.now());
        self.keep(&audit)?;
        program.output.note(format!("{read} entries read in {:.1} s", since.elapsed().as_secs_f64()));
        program.output.result(&audit, text);
        match audit.findings() {
            0 => Ok(()),
            findings => Err(differ(findings)),
        }
    }

    /// Audits the schools that have not been; how many entries that were.
    async fn schools(&self, program: &Program, auditor: &Auditor, audit: &mut Audit) -> Result<u64, Failure> {
        let wanted: Vec<_> = auditor
            .schools()
            .iter()
            .filter(|(school, _)| self.school.is_empty() || self.school.contains(school))
            .filter(|(school, _)| !audit.schools.contains_key(school))
            .collect();
        let bar = progress::bar(&program.output, wanted.iter().map(|(_, batches)| batches).sum(), "batches");
        let mut read = 0;
        for (school, _) in wanted {
            bar.set_message(school.to_string());
            if self.mend {
                let mended = auditor.mend(school, &|| ()).await?;
                audit.mended.insert(school.clone(), mended);
            }
            let of_school = auditor.school(school, &|| bar.inc(1)).await?;
            read += of_school.entries;
            audit.schools.insert(school.clone(), of_school);
            self.keep(audit)?;
        }
        Ok(read)
    }

    fn keep(&self, audit: &Audit) -> Result<(), Failure> {
        let Some(file) = &self.state else { return Ok(()) };
        let json = serde_json::to_vec(audit).expect("an audit has only text, numbers, lists and images");
        private_file::write(file, &json)
    }
}

/// The embedded ledger's file holds together, in every block and signature. Fabric's peers answer for their own.
async fn check_file(engines: &Engines) -> Result<(), Failure> {
    let Some(ledger) = engines.embedded.clone() else { return Ok(()) };
    let checked = tokio::task::spawn_blocking(move || ledger.verify_chain().map_err(|why| why.to_string()));
    match checked.await.map_err(|error| error.to_string()).flatten() {
        Ok(_) => Ok(()),
        Err(why) => {
            let detail = format!(
                "the embedded ledger's file was changed past the ledger, and nothing in it can be believed: {why}; \
                 restore file and database from copies of one moment"
            );
            Err(Failure::new(Exit::Drift, "ledger.damaged", detail))
        }
    }
}

/// What was kept of an audit that has not ended; none if there is no such file. One that has ended is begun anew.
fn resumed(file: &Path) -> Result<Option<Audit>, Failure> {
    let wrong = |why: &dyn std::fmt::Display| {
        let detail = format!("{}: {why}; it is not an audit's state", file.display());
        Failure::new(Exit::Usage, "audit.state", detail)
    };
    match fs::read(file) {
        Ok(json) => {
            let audit: Audit = serde_json::from_slice(&json).map_err(|error| wrong(&error))?;
            Ok(Some(audit).filter(|audit| audit.ended.is_none()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(&error)),
    }
}

fn differ(findings: u64) -> Failure {
    let detail = format!("database and ledger do not agree in {findings} thing(s); they are named above");
    Failure::new(Exit::Drift, "drift.found", detail)
}

fn text(audit: &Audit) -> String {
    let row = |school: &SchoolAudit| {
        let SchoolAudit { batches, entries, learners, rows, suspects, .. } = school;
        let numbers = [*learners, *rows, *batches, *entries, *suspects, school.findings()];
        let name = school.school.to_string();
        [name].into_iter().chain(numbers.map(|number| number.to_string())).collect()
    };
    let header = ["school", "learners", "rows", "batches", "entries", "looked at", "findings"];
    let mut parts = vec![table(&header, audit.schools.values().map(row), "the ledger has no schools")];
    for school in audit.schools.values() {
        let fault = |fault: &crate::ledger::story::Fault| {
            format!("{}: {}: {}", school.school, fault.code.as_str(), plain(&fault.detail))
        };
        parts.extend(school.faults.iter().map(fault));
        parts.extend(school.reports.iter().map(verify::text));
        if !school.kept.is_empty() {
            parts.push(verify::differences(&school.kept));
        }
    }
    let stranger = |learner: &str| {
        format!("learner.unknown: the database has rows of {}, whom the ledger does not know", plain(learner))
    };
    parts.extend(audit.strangers.iter().map(|one| stranger(&one.learner)));
    let cut = |cut: &CutRequest| {
        let what =
            cut.missing.map_or("it is not what was signed".to_owned(), |n| format!("{n} entries are gone"));
        format!("outbox.cut: the request {} was executed, and {what}", plain(&cut.request))
    };
    parts.extend(audit.cut.iter().map(cut));
    if !audit.astray.is_empty() {
        parts.push(verify::differences(&audit.astray));
    }
    parts.extend(audit.mended.iter().filter(|(_, mended)| mended.is_anything()).map(mended));
    parts.push(verdict(audit));
    parts.join("\n")
}

fn mended((school, mended): (&SchoolId, &Mended)) -> String {
    let Mended { batches, forgotten, freed, left } = mended;
    let mut told = format!("mended: {school}: {batches} batch(es) put back from the ledger");
    for (count, what) in [
        (forgotten, "batch(es) that the ledger does not have deleted"),
        (freed, "entries freed that were in no batch"),
        (left, "batch(es) LEFT, for the ledger contradicts itself there or does not give the receipt"),
    ] {
        if *count > 0 {
            told.push_str(&format!(", {count} {what}"));
        }
    }
    told
}

fn verdict(audit: &Audit) -> String {
    let verdict = match audit.findings() {
        0 => "database and ledger agree".to_owned(),
        findings => format!("database and ledger DO NOT AGREE in {findings} thing(s)"),
    };
    let [learners, rows, entries] =
        [|of: &SchoolAudit| of.learners, |of: &SchoolAudit| of.rows, |of: &SchoolAudit| of.entries]
            .map(|of| audit.sum(of));
    format!("{verdict}: {learners} learners, {rows} rows, {entries} entries")
}
