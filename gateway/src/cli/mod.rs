//! The program `sillok`: one file a command.
//!
//! A command is a [`clap::Args`] struct with `async fn run(self, program: &Program) -> Result<(), Failure>`, a variant
//! of [`Command`] and an arm in `Command::run`. What it has to say goes through [`Program::output`], so that `--json`
//! holds everywhere: then standard output carries JSON objects only, one a line, the last one the result.
//!
//! # Exit codes
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | failed, for a reason that is none of those below |
//! | 2 | wrong usage or configuration; nothing was begun |
//! | 3 | refused by the gateway or the ledger: the same call would be refused again |
//! | 4 | the gateway, the ledger or the database is away, overloaded or too slow; trying again may help |
//! | 5 | a proof, a signature or a receipt does not verify |
//! | 6 | database and ledger do not agree, what was found has been printed; or a wallet is incomplete |
//! | 7 | a certificate is genuine and not in force: revoked, expired, not yet valid or not countersigned |
//! | 8 | a certificate is genuine as far as it goes by itself; whether it is in force could not be told |
//! | 130, 143 | `sillok bench` was ended by SIGINT or SIGTERM, and has deleted what it had made |
//!
//! Of exit code 2, `usage` is an argument's fault, `config.invalid` that of the configuration or of a file it or an
//! argument names (the network's among them); files that hold data have codes of their own, such as `csv.malformed`.
//!
//! Errors are told on standard error: `sillok: CODE: SENTENCE`. With `--json` they are an object on standard output:
//! `{"error": {"code", "detail", "retry", "exit"}}`, and `transaction` where there is one.

mod admin;
mod alerts;
mod archive;
mod audit;
mod baseline;
mod bench;
mod causes;
mod certificate;
mod consortium;
mod core_file;
mod demo;
mod document;
mod erase;
mod failure;
mod gateway;
mod history;
mod keys;
mod letters;
mod objection;
mod output;
mod private_file;
mod production;
mod progress;
mod proof;
mod request;
mod restore;
mod role;
mod rows;
mod serve;
mod signature;
mod table;
mod verdict;
mod verify;
mod wallet;
mod watch;
mod when;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, error::ErrorKind};

pub use failure::{Exit, Failure};
pub use output::Output;

use crate::config::Settings;

/// Keeps one record of every query on a learner, provably.
#[derive(Debug, Parser)]
#[command(name = "sillok", version, propagate_version = true, max_term_width = 100)]
pub struct Arguments {
    /// Prints JSON for programs instead of text for people.
    #[arg(long, global = true)]
    json: bool,
    /// The configuration file (TOML). Without it, the defaults and the environment hold.
    #[arg(long, global = true, value_name = "FILE", env = "SILLOK_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

/// What `sillok` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Plays a school year, to see what Sillok does.
    Demo(demo::Demo),
    /// Runs the gateway.
    Serve(serve::Serve),
    /// Measures what the system can do on this machine.
    Bench(bench::Bench),
    /// Makes keys and certificates for people.
    Keys(keys::Keys),
    /// Administers the registry on the ledger: offices, schools, educators, learners.
    Admin(admin::Admin),
    /// Signs queries and has a gateway execute them.
    Request(Box<request::Request>),
    /// Fetches proofs of entries, and verifies them offline.
    Proof(proof::Proof),
    /// Certifies learners' records: asked for, signed, countersigned, revoked, verified.
    Certificate(Box<certificate::Certificate>),
    /// Compares database and ledger for one learner.
    Verify(verify::Verify),
    /// Puts a learner's rows back to their last recorded images.
    Restore(restore::Restore),
    /// Compares database and ledger for all learners.
    Audit(audit::AuditOf),
    /// Tells the lives of a learner's rows, from the ledger alone.
    History(history::HistoryOf),
    /// Keeps what was recorded about a learner, for the learner.
    Wallet(wallet::Wallet),
    /// Adopts the rows that were in the database before Sillok.
    Baseline(baseline::Baseline),
    /// Shows what was found in the database that did not come through the gateway.
    Alerts(alerts::Alerts),
    /// Shows, replays and discards events that could not be handled.
    DeadLetters(letters::DeadLetters),
    /// Administers the archive of signatures: its office keys.
    Archive(archive::ArchiveOf),
    /// Sets up processes of one role each: tables, logins, grants.
    Role(role::RoleOf),
    /// Administers the watch for writes past the gateway.
    Watch(watch::Watch),
    /// Erases the bodies of a learner's entries, on legal grounds.
    Erase(erase::EraseOf),
    /// Objects to entries, and decides objections.
    Objection(Box<objection::Objection>),
    /// Signs a document.
    Sign(Box<signature::Sign>),
    /// Tells who has signed a document, and where a signature stands.
    Signature(Box<signature::Signature>),
    /// Has several parties sign a document.
    Document(Box<document::Document>),
    /// Claims a work, by its hash.
    Claim(Box<document::Claim>),
}

impl Command {
    fn run(self, program: &Program) -> Result<(), Failure> {
        match self {
            Self::Demo(command) => on_threads(command.run(program)),
            Self::Serve(command) => on_threads(command.run(program)),
            Self::Bench(command) => on_threads(command.run(program)),
            Self::Keys(command) => command.run(program),
            Self::Admin(command) => on_threads(command.run(program)),
            Self::Request(command) => on_threads(command.run(program)),
            Self::Proof(command) => command.run(program),
            Self::Certificate(command) => command.run(program),
            Self::Verify(command) => on_threads(command.run(program)),
            Self::Restore(command) => on_threads(command.run(program)),
            Self::Audit(command) => on_threads(command.run(program)),
            Self::History(command) => on_threads(command.run(program)),
            Self::Wallet(command) => command.run(program),
            Self::Baseline(command) => on_threads(command.run(program)),
            Self::Alerts(command) => on_threads(command.run(program)),
            Self::DeadLetters(command) => on_threads(command.run(program)),
            Self::Archive(command) => on_threads(command.run(program)),
            Self::Role(command) => on_threads(command.run(program)),
            Self::Watch(command) => on_threads(command.run(program)),
            Self::Erase(command) => on_threads(command.run(program)),
            Self::Objection(command) => on_threads(command.run(program)),
            Self::Sign(command) => on_threads(command.run(program)),
            Self::Signature(command) => command.run(program),
            Self::Document(command) => on_threads(command.run(program)),
            Self::Claim(command) => on_threads(command.run(program)),
        }
    }
}

/// What every command is given.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where results go.
    pub output: Output,
    /// The configuration file, if one was named.
    pub config: Option<PathBuf>,
}

impl Program {
    /// The configuration: the file, if one was named, and the environment.
    pub fn settings(&self) -> Result<Settings, Failure> {
        Ok(Settings::read(self.config.as_deref())?)
    }
}

/// Reads the arguments, runs the command, tells what failed.
pub fn main() -> ExitCode {
    // Decided before parsing: a wrong argument must be told as JSON too.
    let json = std::env::args_os().any(|argument| argument == "--json");
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            error.exit()
        }
        Err(error) if json => return Output { json }.failure(&Failure::usage(error.render().to_string())),
        Err(error) => error.exit(),
    };
    let program = Program { output: Output { json: arguments.json }, config: arguments.config };
    match core_file::forbid().and_then(|()| arguments.command.run(&program)) {
        Ok(()) => Exit::Done.into(),
        Err(failure) => program.output.failure(&failure),
    }
}

/// Runs what talks to others. What does not, runs without: it opens no socket.
fn on_threads(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    // The one provider of cryptography for TLS. It fails only where one is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("runtime", format!("the threads could not be started: {error}")))?;
    let outcome = runtime.block_on(command);
    // Work that is still blocking after the drain must not keep the program.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Arguments;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }
}
