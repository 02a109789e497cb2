//! The fault bench: load on the whole system, and whatever can befall it, in an order that follows from a seed. After
//! each round everything that clients were told is held against the database and the ledger of both offices.
//!
//! Run it by tests/faults/run, which makes a network ready for it and takes it down.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed run")]

mod bench;
mod clock;
mod disk;
mod gateway;
mod journal;
mod people;
mod round;
mod schedule;
mod traffic;

use std::{panic::AssertUnwindSafe, process::ExitCode, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use sillok_tests::engine::{network, skipped};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::LocalSet,
};

use crate::{bench::Bench, journal::Journal, round::Run, schedule::Pace};

/// From so many seconds on a run has time for faults that last.
const LONG: u64 = 600;

/// What was asked for.
struct Arguments {
    seconds: u64,
    seed: u64,
}

impl Arguments {
    fn read(given: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self { seconds: 60, seed: rand::random::<u32>().into() };
        let mut given = given;
        let number = |text: Option<String>| {
            let text = text.unwrap_or_default();
            text.parse().map_err(|_| format!("{text:?} is not a number"))
        };
        while let Some(argument) = given.next() {
            match argument.as_str() {
                "--seed" => arguments.seed = number(given.next())?,
                _ => arguments.seconds = number(Some(argument))?,
            }
        }
        Ok(arguments)
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("{why}; usage: tests/faults/run [SECONDS] [--seed N]");
            return ExitCode::from(2);
        }
    };
    let network = match network() {
        Ok(network) => network,
        Err(why) => {
            skipped(&why);
            return ExitCode::SUCCESS;
        }
    };
    let Arguments { seconds, seed } = arguments;
    println!("seed {seed}: tests/faults/run {seconds} --seed {seed}");
    let journal = Arc::new(Journal::new());
    let (bench, world) = Bench::open(network, &journal).await;
    bench.lacks().iter().for_each(|lack| println!("{lack}"));

    let pace = if seconds < LONG { Pace::Short } else { Pace::Long };
    let mut run = Run { bench: bench.clone(), world, journal: journal.clone(), seed, pace };
    // Faults act beside each other in this thread; clients have others.
    let here = LocalSet::new();
    let whole = AssertUnwindSafe(here.run_until(run.go_on_for(Duration::from_secs(seconds)))).catch_unwind();
    let ended = tokio::select! {
        ended = whole => Some(ended),
        () = interrupted() => None,
    };
    drop(here);
    bench.close().await;
    match ended {
        Some(Ok(())) => {
            run.close().await;
            println!("seed {seed}: all guarantees held");
            ExitCode::SUCCESS
        }
        Some(Err(_)) => {
            run.world.site.directory.disable_cleanup(true);
            let kept = bench::kept(run.world.site.directory.path());
            eprintln!("\nFAILED with seed {seed}; again: tests/faults/run {seconds} --seed {seed}\n{kept}");
            eprintln!("what was done:\n{}", journal.whole());
            run.close().await;
            ExitCode::FAILURE
        }
        None => {
            eprintln!("interrupted; seed {seed}");
            run.close().await;
            ExitCode::from(130)
        }
    }
}

/// Returns when somebody wants this to end.
async fn interrupted() {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate()).unwrap(), signal(SignalKind::interrupt()).unwrap());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
