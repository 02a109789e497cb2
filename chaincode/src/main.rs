//! The program `sillok-chaincode`. Settings come from the environment; see [`Settings`] and [`logs::start`].

use std::{error::Error, io, process::ExitCode};

use rustix::process::{Resource, Rlimit, setrlimit};
use sillok_chaincode::{contract::Contract, logs};
use sillok_shim::{Limits, Settings, serve, termination};
use tokio::runtime::{Builder, Runtime};

/// Threads that carry messages: a peer has one stream, and what its transactions cost is done on theirs.
const CARRYING_THREADS: usize = 2;
/// Threads for what blocks and is no transaction, such as looking an address up.
const SPARE_THREADS: usize = 4;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sillok-chaincode: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<(), Box<dyn Error>> {
    forbid_core_files()?;
    logs::start()?;
    let settings = Settings::from_env()?;
    tracing::info!(chaincode = settings.chaincode_id, address = settings.address, "starting");
    let runtime = runtime(&settings.limits)?;
    let served = runtime.block_on(serve(Contract, settings, termination()));
    // A transaction that does not end must not hold the process.
    runtime.shutdown_background();
    tracing::info!("stopped");
    Ok(served?)
}

/// A core file would hold the key of the link and what is private of a transaction. A limit of one byte is less than the
/// smallest one has, and to Linux says besides that none is piped to a program that collects them.
fn forbid_core_files() -> io::Result<()> {
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(1), maximum: Some(1) })?)
}

fn runtime(limits: &Limits) -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .worker_threads(CARRYING_THREADS)
        .max_blocking_threads(limits.max_transactions + SPARE_THREADS)
        .build()
}
