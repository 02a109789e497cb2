//! `sillok demo`: a school year of signed queries, on engines of its own or on the network that is up.

mod cast;
mod insider;
mod mischief;
mod play;
mod pupils;
mod screen;
mod stage;
mod year;

use std::{
    fs,
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Instant,
};

use serde::Serialize;
use sillok_contract::{entry::EntryId, id::LearnerId};

use super::{Failure, Program, private_file, production::Production};
use crate::{
    config::{Limits, Listen, Settings},
    ledger::{receipt::Roots, school},
    monitor,
    proof::Verified,
};
use cast::Cast;
use insider::Repaired;
use mischief::Refusals;
use screen::Screen;
use stage::Stage;

/// Plays a school year: signed queries, recorded, proved offline, and what must be refused. Then a grade is changed behind
/// the ledger's back: found, named, put back, and the record certified.
///
/// Needs nothing but this program: it brings up a gateway on SQLite and the embedded ledger, on free ports, and takes
/// everything away again.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Takes the learners from this file: the columns school, sex, age, absences, G1, G2 and G3, `;` between fields.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    #[command(flatten)]
    production: Production,
    /// Keeps the embedded engines' files here; without it they are deleted in the end.
    #[arg(long, value_name = "DIR", conflicts_with = "fabric")]
    keep: Option<PathBuf>,
    /// Keeps every proof here, the offices' root certificates in `roots`, and the learner's in `certificate`: for `sillok
    /// proof verify` and `sillok certificate verify`.
    #[arg(long, value_name = "DIR")]
    proofs: Option<PathBuf>,
    /// Stays up afterwards, until it is interrupted.
    #[arg(long)]
    serve: bool,
}

/// What the demo did, as `--json` tells it.
#[derive(Debug, Serialize)]
struct Summary {
    schools: usize,
    learners: usize,
    requests: usize,
    queries: usize,
    entries_recorded: u64,
    batches: u64,
    proofs_verified: usize,
    /// What became of the grade that was changed behind the ledger's back.
    insider: Repaired,
    /// Count by code.
    refusals: Refusals,
    seconds: f64,
}

impl Demo {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let screen = Screen::new(program.output.json);
        let began = Instant::now();
        let stage = self.stage().await?;
        opening(screen, &stage);
        let casts = self.casts(screen, &stage).await?;
        let summary = self.play(screen, &stage, &casts, began).await?;
        if self.serve {
            self.stay_up(screen, &stage, &casts).await?;
        }
        stage.close().await?;
        program.output.result(&summary, closing);
        Ok(())
    }

    async fn stage(&self) -> Result<Stage, Failure> {
        let settings = Settings {
            listen: Listen {
                rest: ([127, 0, 0, 1], 0).into(),
                grpc: ([127, 0, 0, 1], 0).into(),
                ..Listen::default()
            },
            // One machine plays the whole school.
            limits: Limits { rate: NonZeroU32::MAX, burst: NonZeroU32::MAX, ..Limits::default() },
            // It plays at any hour.
            monitor: monitor::Settings {
                hours: monitor::HoursSettings { from_hour: 0, to_hour: 24, ..Default::default() },
                ..monitor::Settings::default()
            },
            ..Settings::default()
        };
        match self.production.fabric {
            true => Stage::fabric(&self.production, settings).await,
            false => Stage::embedded(self.keep.as_deref(), settings).await,
        }
    }

    /// Registers who plays. Every run has a mark of its own, because a ledger forgets nothing.
    async fn casts(&self, screen: Screen, stage: &Stage) -> Result<Vec<Cast>, Failure> {
        screen.chapter("The offices register schools, educators and learners on the ledger");
        let run = format!("{:06x}", rand::random::<u32>() & 0x00ff_ffff);
        let schools = match &self.data {
            Some(file) => pupils::read(file, &run)?,
            None => vec![
                ("Hanbit".to_owned(), pupils::made_up(0, &run)?),
                ("Saebyeok".to_owned(), pupils::made_up(1, &run)?),
            ],
        };
        school::register_offices(&stage.consortium).await?;
        let mut casts = Vec::new();
        for (name, pupils) in schools {
            let cast = cast::school(stage, &name, &run, pupils).await?;
            screen.done(&format!(
                "school {}: {} educators, {} learners, each by a pseudonym",
                cast.id,
                cast.educators.len(),
                cast.pupils.len()
            ));
            casts.push(cast);
        }
        Ok(casts)
    }

    async fn play(
        &self,
        screen: Screen,
        stage: &Stage,
        casts: &[Cast],
        began: Instant,
    ) -> Result<Summary, Failure> {
        screen.chapter("A school year: every lesson one signed request, every query an entry");
        let mut sent = play::year(screen, casts).await?;
        let executed: usize = sent.iter().map(|sent| sent.entries.len()).sum();
        screen.done(&format!("{} requests with {executed} queries executed, reads included", sent.len()));

        screen.chapter("What must not work");
        let stranger = casts
            .get(1)
            .map_or_else(|| LearnerId::new("L99999.nowhere"), |other| Ok(other.pupils[0].id.clone()));
        let (refusals, honest) = mischief::all(screen, &casts[0], &stranger?).await?;
        sent.push(honest);

        screen.chapter(
            "Every entry is recorded, and proved offline against the offices' root certificates alone",
        );
        let queries = sent.iter().map(|sent| sent.entries.len()).sum();
        let entries_recorded = play::recorded(screen, &sent).await?;
        let batches = play::batches(casts).await?;
        screen.done(&format!(
            "{entries_recorded} entries recorded in {batches} batches, endorsed by both offices"
        ));

        let roots = Roots::read_dir(&stage.consortium.roots()?).map_err(cast::failed)?;
        let kept = self
            .proofs
            .as_deref()
            .map(|directory| keep_roots(directory, &stage.consortium.roots()?))
            .transpose()?;
        let keep = |entry: EntryId, json: &[u8]| match &kept {
            Some(directory) => private_file::write(&directory.join(format!("{entry}.json")), json),
            None => Ok(()),
        };
        let verified = play::proofs(screen, &sent, &roots, keep).await?;
        screen.done(&format!("{} proofs verified", verified.len()));
        if let Some((_, example)) = verified.first() {
            show(screen, example);
        }
        let insider = insider::all(screen, stage, &casts[0], &roots, kept.as_deref()).await?;
        Ok(Summary {
            schools: casts.len(),
            learners: casts.iter().map(|cast| cast.pupils.len()).sum(),
            requests: sent.len(),
            queries,
            entries_recorded,
            batches: play::batches(casts).await?,
            proofs_verified: verified.len(),
            insider,
            refusals,
            seconds: (began.elapsed().as_secs_f64() * 10.0).round() / 10.0,
        })
    }

    async fn stay_up(&self, screen: Screen, stage: &Stage, casts: &[Cast]) -> Result<(), Failure> {
        screen.chapter("The gateway stays up; end it with Ctrl-C");
        screen.detail("REST", &format!("{}/docs", stage.addresses.rest));
        screen.detail("gRPC", &stage.addresses.grpc);
        if let Some(data) = &stage.data {
            let keys = data.join("demo");
            for cast in casts {
                cast::write_keys(&keys, cast)?;
            }
            screen.detail("keys", &format!("{} (the educators' certificates and keys)", keys.display()));
        }
        for cast in casts {
            screen.detail(
                "for example",
                &format!("educator {} and learner {}", cast.educators[0].educator.id, cast.pupils[0].id),
            );
        }
        tokio::signal::ctrl_c().await.map_err(Failure::io)
    }
}

fn opening(screen: Screen, stage: &Stage) {
    screen.chapter("Sillok: every query on a learner's record, provably on a ledger");
    screen.done(&format!("a gateway on {}", stage.engines));
    screen.detail("REST", &stage.addresses.rest);
    screen.detail("gRPC", &stage.addresses.grpc);
}

/// One proof as an example: who, what, whom, and where it rests.
fn show(screen: Screen, proved: &Verified) {
    let entry = &proved.entry;
    screen.detail("entry", &proved.id.to_string());
    screen.detail("who", entry.educator.as_str());
    screen.detail("whom", entry.learner.as_str());
    screen.detail("what", &entry.statement.sql);
    screen.detail(
        "where",
        &format!(
            "batch {} of {}, leaf {} of {}",
            proved.sequence,
            entry.school,
            proved.index + 1,
            proved.count
        ),
    );
    screen.detail("endorsed", &proved.endorsed_by.join(" and "));
}

fn keep_roots(directory: &Path, roots: &Path) -> Result<PathBuf, Failure> {
    let kept = directory.join("roots");
    private_file::make_directory(&kept)?;
    for root in fs::read_dir(roots).map_err(Failure::io)? {
        let root = root.map_err(Failure::io)?;
        fs::copy(root.path(), kept.join(root.file_name())).map_err(Failure::io)?;
    }
    Ok(directory.to_owned())
}

fn closing(summary: &Summary) -> String {
    let refused: u64 = summary.refusals.values().sum();
    format!(
        "\n{} queries of {} learners at {} schools: {} entries on the ledger in {} batches, {} proofs verified \
         offline, {refused} attempts refused, {} grade tampered with and put back; {} s",
        summary.queries,
        summary.learners,
        summary.schools,
        summary.entries_recorded,
        summary.batches,
        summary.proofs_verified,
        summary.insider.rows_put_back,
        summary.seconds
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use clap::Parser as _;

    use crate::cli::Arguments;

    #[test]
    fn the_arguments_show_no_password() {
        let words =
            ["sillok", "demo", "--fabric", "--postgres", "postgres://sillok:hidden@localhost/records"];
        let arguments = Arguments::try_parse_from(words).unwrap();
        let shown = format!("{arguments:?}");
        assert!(shown.contains("postgres") && !shown.contains("hidden"), "{shown}");
    }
}
