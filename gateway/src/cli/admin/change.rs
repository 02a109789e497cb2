//! Changing the registry: of one by the arguments, of many by a CSV file.

use std::{path::PathBuf, str::FromStr};

use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sillok_contract::{
    Refusal,
    registry::{Changed, MAX_DOCUMENTS},
};

use crate::{
    cli::{
        Failure, Program, progress,
        rows::{self, Origin, Row},
        when::When,
    },
    ledger::{Commit, LedgerError},
};

/// How many documents are looked up at once.
const LOOK_UPS: usize = 16;

/// Of whom: one by the arguments, or many.
#[derive(Debug, Args)]
pub(super) struct Source<Columns: Args> {
    #[command(flatten)]
    columns: Columns,
    /// Does it for many: a CSV file with a header line and the options above as columns, such as `id`. What a row lacks
    /// the options give. Files it names are relative to it.
    #[arg(long, value_name = "FILE", conflicts_with = "id")]
    csv: Option<PathBuf>,
}

/// A row's columns, which are also the options of a call.
pub(super) trait Columns: Args + DeserializeOwned {
    /// What is absent taken from the options; file names of a row made relative to its file.
    fn or(self, options: &Self, origin: &Origin) -> Self;
}

impl<C: Columns> Source<C> {
    /// All rows, each whole.
    pub(super) fn rows(self) -> Result<Vec<Row<C>>, Failure> {
        let Self { columns, csv } = self;
        let Some(csv) = csv else {
            return Ok(vec![Row { origin: Origin::Arguments, value: columns }]);
        };
        let rows = rows::read::<C>(&csv)?.into_iter().map(|Row { origin, value }| {
            let value = value.or(&columns, &origin);
            Row { origin, value }
        });
        Ok(rows.collect())
    }
}

/// Whom to revoke, and from when on.
#[derive(Debug, Args, Deserialize)]
#[serde(default, deny_unknown_fields, bound(deserialize = "Id: DeserializeOwned"))]
pub(super) struct Revoked<Id: Clone + Send + Sync + FromStr<Err = Refusal> + 'static> {
    /// Whom.
    #[arg(long)]
    id: Option<Id>,
    /// From when on. Without it, now.
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
}

impl<Id: Clone + Send + Sync + FromStr<Err = Refusal> + 'static> Default for Revoked<Id> {
    fn default() -> Self {
        Self { id: None, since: None }
    }
}

impl<Id: DeserializeOwned + Clone + Send + Sync + FromStr<Err = Refusal> + 'static> Columns for Revoked<Id> {
    fn or(self, options: &Self, _origin: &Origin) -> Self {
        Self { id: self.id, since: self.since.or(options.since) }
    }
}

impl<Id: DeserializeOwned + Clone + Send + Sync + FromStr<Err = Refusal> + 'static> Source<Revoked<Id>> {
    /// Everybody who is to be revoked, each with the time.
    pub(super) fn asked(self) -> Result<Vec<Row<(Id, When)>>, Failure> {
        let asked = |columns: Revoked<Id>, origin: &Origin| {
            Ok((needed(columns.id, "id", origin)?, columns.since.unwrap_or(When::Now)))
        };
        self.rows()?.into_iter().map(|row| row.try_map(asked)).collect()
    }
}

/// What must be there.
pub(super) fn needed<T>(value: Option<T>, name: &str, origin: &Origin) -> Result<T, Failure> {
    value.ok_or_else(|| match origin {
        Origin::Arguments => Failure::usage(format!("--{name} is needed")),
        Origin::Line(..) => origin.wrong(&format!("{name} is empty and not among the options")),
    })
}

/// Each row made into another with what the ledger says about it; several are asked at once.
pub(super) async fn settle<T, U>(
    rows: Vec<Row<T>>,
    settle: impl AsyncFn(T) -> Result<U, LedgerError>,
) -> Result<Vec<Row<U>>, Failure> {
    let settle = &settle;
    stream::iter(rows)
        .map(|Row { origin, value }| async move {
            let value = settle(value).await.map_err(|error| named(std::slice::from_ref(&origin), error))?;
            Ok(Row { origin, value })
        })
        .buffered(LOOK_UPS)
        .try_collect()
        .await
}

/// What a change came to.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// The ids of those that are new or different now.
    changed: Vec<String>,
    /// How many stood so already.
    unchanged: usize,
    /// The blocks the transactions are in.
    blocks: Vec<u64>,
}

impl Report {
    fn add(&mut self, asked: usize, (changed, commit): (Changed, Commit)) {
        self.unchanged += asked.saturating_sub(changed.ids.len());
        self.changed.extend(changed.ids);
        self.blocks.push(commit.block);
    }

    fn done(&self) -> usize {
        self.changed.len() + self.unchanged
    }

    fn text(&self, what: &str) -> String {
        let blocks = match self.blocks.as_slice() {
            [] => String::new(),
            [only] => format!(" (block {only})"),
            [first, .., last] => format!(" (blocks {first} to {last})"),
        };
        match self.unchanged {
            0 => format!("{} {what}{blocks}", self.changed.len()),
            unchanged => format!("{} {what}, {unchanged} stood so already{blocks}", self.changed.len()),
        }
    }
}

/// Registers many, as many at once as a transaction takes.
pub(super) async fn many<T>(
    program: &Program,
    what: &str,
    rows: Vec<Row<T>>,
    register: impl AsyncFn(&[T]) -> Result<(Changed, Commit), LedgerError>,
) -> Result<(), Failure> {
    send(program, what, rows, MAX_DOCUMENTS, register).await
}

/// Changes one after another.
pub(super) async fn each<T>(
    program: &Program,
    what: &str,
    rows: Vec<Row<T>>,
    change: impl AsyncFn(&T) -> Result<(Changed, Commit), LedgerError>,
) -> Result<(), Failure> {
    let change = &change;
    send(program, what, rows, 1, async |one: &[T]| change(&one[0]).await).await
}

async fn send<T>(
    program: &Program,
    what: &str,
    rows: Vec<Row<T>>,
    at_once: usize,
    call: impl AsyncFn(&[T]) -> Result<(Changed, Commit), LedgerError>,
) -> Result<(), Failure> {
    let (origins, documents): (Vec<_>, Vec<_>) = rows.into_iter().map(|row| (row.origin, row.value)).unzip();
    let bar = progress::bar(&program.output, documents.len() as u64, what);
    let mut report = Report::default();
    for (origins, documents) in origins.chunks(at_once).zip(documents.chunks(at_once)) {
        let answer = call(documents).await.map_err(|error| stopped(&report, named(origins, error)))?;
        report.add(documents.len(), answer);
        bar.inc(documents.len() as u64);
    }
    drop(bar);
    program.output.result(&report, |report| report.text(what));
    Ok(())
}

/// The failure with the row that is to blame, or the rows it may be.
fn named(origins: &[Origin], error: LedgerError) -> Failure {
    let blamed = match &error {
        LedgerError::Refused(refusal) => {
            refusal.entry.and_then(|entry| origins.get(usize::try_from(entry).ok()?))
        }
        _ => None,
    };
    let failure = Failure::from(error);
    let detail = match (blamed, origins) {
        (Some(origin), _) | (None, [origin]) => origin.name(&failure.detail),
        (None, [first, .., Origin::Line(_, last)]) => {
            first.name(&format!("(to line {last}) {}", failure.detail))
        }
        _ => failure.detail,
    };
    Failure { detail, ..failure }
}

/// The failure with what had been done before it.
fn stopped(report: &Report, failure: Failure) -> Failure {
    match report.done() {
        0 => failure,
        done => {
            let detail = format!(
                "{}; the {done} before are on the ledger, so call again once it is mended",
                failure.detail
            );
            Failure { detail, ..failure }
        }
    }
}
