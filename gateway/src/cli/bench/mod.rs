//! `sillok bench`: what the system can do on this machine, beside what the same queries cost without it.
//!
//! It measures the gateway as a process of its own, over REST, with requests that educators really signed; in the same
//! run the same SQL straight to the database ([`direct`]), one ledger transaction a query ([`single`]), and the
//! contract alone ([`contract`]). tests/README.md says what each figure means.

mod audit;
mod batch;
mod certificates;
mod class;
mod contract;
mod direct;
mod disk;
mod drive;
mod ending;
mod gateway;
mod greedy;
mod history;
mod machine;
mod measure;
mod memory;
mod part;
mod past;
mod plan;
mod platform;
mod play;
mod proofs;
mod recorded;
mod report;
mod requests;
mod single;
mod site;
mod table;
mod target;
mod told;
mod town;
mod verification;
mod wallets;
mod workload;

use std::time::Duration;

use super::{Exit, Failure, Program, production::Production};
use ending::Ending;
use part::Part;
use plan::Plan;
use play::Play;
use site::Site;

/// How long it may take to delete what was made.
const CLOSING: Duration = Duration::from_secs(30);

/// Measures what the system can do on this machine, and what the same queries cost without it.
///
/// Brings up a gateway of its own on SQLite and the embedded ledger, or on the Fabric network that is up, with a
/// database of its own. Build it with optimisation: cargo run --release --bin sillok -- bench
#[derive(Debug, clap::Args)]
pub struct Bench {
    #[command(flatten)]
    production: Production,
    /// How many educators send, each one request after the other.
    #[arg(long, value_name = "N", default_value_t = 64)]
    callers: usize,
    /// Over how many schools they are spread.
    #[arg(long, value_name = "N", default_value_t = 8)]
    schools: usize,
    /// Queries under one signature; each number is a run of its own.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [1, 30])]
    queries: Vec<u32>,
    /// How many of a hundred queries are SELECTs.
    #[arg(long, value_name = "PERCENT", default_value_t = 50)]
    reads: u32,
    /// Seconds before each run that do not count.
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    warm_up: u32,
    /// Seconds of each run.
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    seconds: u32,
    /// Fills the ledger up to so many entries and measures there; each number in turn, in ascending order.
    #[arg(long, value_name = "ENTRIES,…", value_delimiter = ',', default_values_t = [0])]
    history: Vec<u64>,
    /// Schools of the comparison with one ledger transaction a query, each with one under way; 0 leaves it out.
    #[arg(long, value_name = "N", default_value_t = 128)]
    single_schools: usize,
    /// Callers of the run in which too many send; 0 leaves it out.
    #[arg(long, value_name = "N", default_value_t = 600)]
    overload: usize,
    /// How many times what one network may the greedy caller of one run sends; 0 leaves it out.
    #[arg(long, value_name = "TIMES", default_value_t = 30)]
    greedy: u32,
    /// What is measured; what is not named is left out.
    #[arg(long, value_name = "PART,…", value_delimiter = ',', value_enum,
          default_values_t = [Part::Queries, Part::Learners, Part::Platform, Part::Watch, Part::Audit])]
    parts: Vec<Part>,
    /// How many learners have wallets, are verified, and get a certificate each.
    #[arg(long, value_name = "N", default_value_t = 30)]
    learners: usize,
    /// How many signatures wait for one verifier, and as many for several.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    signatures: usize,
    /// How many writes go past the gateway while it is saturated, in the bench's own database.
    #[arg(long, value_name = "N", default_value_t = 40)]
    past: usize,
    /// After how many seconds the audit begins no other school.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    audit_seconds: u32,
}

impl Bench {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let plan = Plan {
            callers: self.callers,
            schools: self.schools,
            single_schools: self.single_schools,
            queries: self.queries,
            reads: self.reads,
            warm_up: self.warm_up,
            seconds: self.seconds,
            history: self.history,
            overload: self.overload,
            greedy: self.greedy,
            parts: self.parts,
            learners: self.learners,
            signatures: self.signatures,
            past: self.past,
            audit_seconds: self.audit_seconds,
        }
        .check()?;
        let mark = format!("{:06x}", rand::random::<u32>() & 0x00ff_ffff);
        let mut ending = Ending::listen()?;
        let site = Site::open(&self.production, &mark).await?;
        let played = tokio::select! {
            biased;
            ended = ending.told() => Err(ended),
            played = Play::all(&site, plan, &mark, program.output) => played,
        };
        // Also after a failure nothing is left behind.
        let closed = tokio::select! {
            closed = tokio::time::timeout(CLOSING, site.close()) => closed.unwrap_or_else(|_| Err(not_closed())),
            // Who asks twice does not want to wait.
            ended = ending.told() => Err(ended),
        };
        program.output.result(&played?, table::of);
        closed
    }
}

fn not_closed() -> Failure {
    Failure::new(Exit::Unavailable, "bench.left", "the bench's databases could not be dropped in time")
}
