//! `sillok keys`: keys for people, made where they stay.

mod educator;
mod held;
mod issuing;
mod learner;
mod officer;
mod signer;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use sillok_contract::Refusal;

use super::{
    Failure, Program, private_file, progress,
    rows::{self, Origin, Row},
    table::table,
};

/// Makes keys: P-256, each in a file that only its owner may read. Nothing is ever overwritten.
#[derive(Debug, Args)]
pub struct Keys {
    #[command(subcommand)]
    whose: Whose,
}

#[derive(Debug, Subcommand)]
enum Whose {
    /// A key and a certificate that a school's authority issues.
    Educator(educator::Educator),
    /// A key and a certificate that an office's authority issues.
    Officer(officer::Officer),
    /// A key and a certificate, that an office's authority issues, to sign documents with.
    Signer(signer::Signer),
    /// A key for a learner's wallet.
    Learner(learner::Learner),
    /// Keys that the office holds for people.
    Held(held::Held),
}

impl Keys {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        match self.whose {
            Whose::Educator(command) => command.run(program),
            Whose::Officer(command) => command.run(program),
            Whose::Signer(command) => command.run(program),
            Whose::Learner(command) => command.run(program),
            Whose::Held(command) => command.run(program),
        }
    }
}

/// For whom, and where to.
#[derive(Debug, Args)]
struct Holders {
    /// The pseudonym of the one the key is for: letters, digits, '.', '_', '-'.
    #[arg(long, required_unless_present = "csv", conflicts_with = "csv")]
    id: Option<String>,
    /// Makes keys for many: a CSV file with the column `id`. Run again, it keeps the keys that are there already.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// The directory to write to, named by the id. Made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Deserialize)]
struct Columns {
    id: String,
}

/// What was made for one of them.
#[derive(Debug, Serialize)]
struct Made {
    id: String,
    key: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<PathBuf>,
    /// SHA-256 of the certificate's DER, hexadecimal: what the ledger knows them by.
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbprint: Option<String>,
    /// False: it was there already and was kept.
    new: bool,
}

/// What was made for all of them.
#[derive(Debug, Serialize)]
struct AllMade {
    keys: Vec<Made>,
}

impl Holders {
    /// Makes each one's files. Every id is read before the first is made.
    fn each<Id>(
        self,
        program: &Program,
        parse: fn(String) -> Result<Id, Refusal>,
        make: impl Fn(&Id, &Self) -> Result<Made, Failure>,
    ) -> Result<(), Failure> {
        let rows = match (&self.id, &self.csv) {
            (Some(id), _) => vec![Row { origin: Origin::Arguments, value: Columns { id: id.clone() } }],
            (None, Some(csv)) => rows::read(csv)?,
            (None, None) => return Err(Failure::usage("name --id or --csv")),
        };
        let ids: Vec<Row<Id>> = rows
            .into_iter()
            .map(|row| {
                row.try_map(|columns, origin| parse(columns.id).map_err(|refusal| origin.refused(&refusal)))
            })
            .collect::<Result<_, _>>()?;
        private_file::make_directory(&self.out)?;
        let bar = progress::bar(&program.output, ids.len() as u64, "keys");
        let keys = ids
            .iter()
            .map(|row| {
                bar.inc(1);
                make(&row.value, &self).map_err(|failure| named(&row.origin, failure))
            })
            .collect::<Result<_, _>>()?;
        drop(bar);
        program.output.result(&AllMade { keys }, AllMade::text);
        Ok(())
    }

    /// Whether keys that are there are kept: only where many are made, which may be interrupted.
    fn keeps(&self) -> bool {
        self.csv.is_some()
    }
}

impl AllMade {
    fn text(&self) -> String {
        let rows = self.keys.iter().map(|made| {
            let file = made.certificate.as_ref().or(made.public_key.as_ref());
            let told = if made.new { "made" } else { "kept" };
            vec![
                made.id.clone(),
                told.to_owned(),
                made.key.display().to_string(),
                file.map(|file| file.display().to_string()).unwrap_or_default(),
                made.thumbprint.clone().unwrap_or_default(),
            ]
        });
        table(&["id", "", "private key", "certificate or public key", "thumbprint"], rows, "no keys")
    }
}

fn named(origin: &Origin, failure: Failure) -> Failure {
    Failure { detail: origin.name(&failure.detail), ..failure }
}
