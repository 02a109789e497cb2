//! `sillok archive`

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Failure, Program, progress, table::table};
use crate::{
    archive::{KeyId, OfficeKeys, Unwrapped, Vault, open_vault},
    clock, records,
    server::StartError,
};

/// Administers the archive of signatures, which is the configuration's: the office keys that its records are under.
///
/// Each record is sealed under a key of its own, and that is wrapped by an office key: by the newest, while all open. A
/// process that works with the archive sees a new key from the moment that its file is in the directory.
#[derive(Debug, Args)]
pub struct ArchiveOf {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a new office key, which wraps what is stored from now on.
    ///
    /// Where several machines work with the archive, copy the file to all of them.
    Key,
    /// Makes a new office key and wraps the keys of all records by it, while the archive is used.
    ///
    /// It may be cut short at any time, and goes on with --keep-key. Afterwards the old keys' files are not needed, as
    /// `sillok archive show` says.
    Rotate(Rotate),
    /// Tells the office keys, and how many records are under each.
    Show,
}

#[derive(Debug, Args)]
struct Rotate {
    /// Makes no new key: wraps by the newest that is there.
    #[arg(long)]
    keep_key: bool,
}

#[derive(Serialize)]
struct Made {
    key: KeyId,
    file: std::path::PathBuf,
}

#[derive(Serialize)]
struct Rotated {
    key: KeyId,
    rewrapped: u64,
    left: u64,
    unwrapped: Vec<Unwrapped>,
}

#[derive(Serialize)]
struct Shown {
    keys: Vec<ShownKey>,
}

#[derive(Serialize)]
struct ShownKey {
    key: KeyId,
    /// Whether its file is there.
    here: bool,
    /// Whether it is the one that wraps.
    wraps: bool,
    records: u64,
}

impl ArchiveOf {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        match self.command {
            Command::Key => key(program),
            Command::Rotate(rotate) => rotate.run(program).await,
            Command::Show => show(program).await,
        }
    }
}

fn make_key(program: &Program) -> Result<Made, Failure> {
    let settings = program.settings()?;
    let directory = settings.archive.keys(&settings.data);
    let key = OfficeKeys::make(&directory, clock::now())?;
    Ok(Made { file: directory.join(format!("{key}.key")), key })
}

fn key(program: &Program) -> Result<(), Failure> {
    program.output.result(&make_key(program)?, |made| format!("{} is made", made.file.display()));
    Ok(())
}

async fn open(program: &Program) -> Result<Vault, Failure> {
    let settings = program.settings()?;
    let of_records = settings.records();
    let records = async { Ok(records::open(&of_records).await.map_err(StartError::from)?) };
    open_vault(&settings.archive, &settings.data, records).await
}

/// Of an archive: how far it is, of 2^32 parts.
const WHOLE: u64 = 1 << 32;

impl Rotate {
    async fn run(self, program: &Program) -> Result<(), Failure> {
        let vault = open(program).await?;
        if !self.keep_key {
            program.output.note(format!("{} is made", make_key(program)?.file.display()));
        }
        let key = vault.keys().ids()?.pop().ok_or_else(|| Failure::failed("archive.no_key", "no key"))?;
        let bar = progress::bar(&program.output, WHOLE, "wrapped anew");
        let done = vault.rotate(&|part| bar.set_position(u64::from(part))).await?;
        drop(bar);
        let rotated = Rotated { key, rewrapped: done.rewrapped, left: done.left, unwrapped: done.unwrapped };
        program.output.result(&rotated, Rotated::text);
        match rotated.left {
            0 => Ok(()),
            left => Err(Failure::failed(
                "archive.left",
                format!("{left} record(s) are under their old keys still"),
            )),
        }
    }
}

impl Rotated {
    fn text(&self) -> String {
        let mut lines: Vec<_> = self
            .unwrapped
            .iter()
            .map(|one| format!("{}: {}: {}", one.record, one.code, one.reason))
            .collect();
        lines.push(format!("{} record(s) are under {} now", self.rewrapped, self.key));
        lines.join("\n")
    }
}

async fn show(program: &Program) -> Result<(), Failure> {
    let vault = open(program).await?;
    let bar = progress::bar(&program.output, WHOLE, "counted");
    let mut counts = vault.count(&|part| bar.set_position(u64::from(part))).await?;
    drop(bar);
    let ids = vault.keys().ids()?;
    let newest = ids.last().cloned();
    let mut keys: Vec<_> = ids
        .into_iter()
        .map(|key| {
            let (records, wraps) = (counts.remove(&key).unwrap_or_default(), Some(&key) == newest.as_ref());
            ShownKey { key, here: true, wraps, records }
        })
        .collect();
    keys.extend(counts.into_iter().map(|(key, records)| ShownKey {
        key,
        here: false,
        wraps: false,
        records,
    }));
    program.output.result(&Shown { keys }, Shown::text);
    Ok(())
}

impl Shown {
    fn text(&self) -> String {
        let rows = self.keys.iter().map(|key| {
            let told = match key {
                ShownKey { here: false, .. } => "MISSING: its records do not open",
                ShownKey { wraps: true, .. } => "wraps",
                ShownKey { records: 0, .. } => "not needed any more",
                _ => "opens",
            };
            vec![key.key.to_string(), told.to_owned(), key.records.to_string()]
        });
        table(&["office key", "", "records"], rows, "there is no office key")
    }
}
