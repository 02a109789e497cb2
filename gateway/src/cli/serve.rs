//! `sillok serve`: read the configuration, build, start, wait for a signal, drain.

use std::{io::Write as _, path::PathBuf};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Exit, Failure, Output, Program};
use crate::{
    config::Settings,
    server::{Addresses, Gateway, Listeners},
    service::Roles,
    telemetry,
};

/// Runs the gateway until SIGTERM or SIGINT, which drain it; a second one ends it at once.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Prints every configuration key with its documentation and default, and ends.
    #[arg(long)]
    print_config: bool,
    /// Writes the addresses to this file once the gateway listens: JSON, with `rest` and `grpc`.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// What this process does: all, or one or several of api, signer, verifier, recorder and monitor, with
    /// commas between them. Any number of processes may do the same on one database; of the monitor, one.
    #[arg(long, value_name = "ROLES", default_value = "all", env = "SILLOK_ROLE")]
    role: Roles,
}

impl Serve {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        if self.print_config {
            print!("{}", Settings::reference());
            return Ok(());
        }
        let settings = program.settings()?;
        telemetry::log(&settings.log);
        let shutdown = on_signal()?;
        let listeners = Listeners::bind(&settings.listen).await?;
        let gateway = Gateway::build(settings, self.role.clone()).await?;
        self.tell(&program.output, &gateway.addresses(&listeners).map_err(Failure::io)?)?;
        gateway.run(listeners, shutdown).await.map_err(Failure::io)
    }

    /// Says where the gateway listens.
    fn tell(&self, output: &Output, addresses: &Addresses) -> Result<(), Failure> {
        output.result(addresses, |addresses| format!("REST {}\ngRPC {}", addresses.rest, addresses.grpc));
        match &self.ready_file {
            Some(file) => write_whole(file, addresses).map_err(Failure::io),
            None => Ok(()),
        }
    }
}

/// Whoever waits for the file never sees half of it.
fn write_whole(file: &std::path::Path, addresses: &Addresses) -> std::io::Result<()> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(".".as_ref());
    let mut written = tempfile::NamedTempFile::new_in(directory)?;
    serde_json::to_writer(&mut written, addresses)?;
    written.write_all(b"\n")?;
    written.persist(file)?;
    Ok(())
}

/// Cancelled by the first SIGTERM or SIGINT.
fn on_signal() -> Result<CancellationToken, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::io)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::io)?;
    let shutdown = CancellationToken::new();
    let cancelled = shutdown.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let first = next().await;
        tracing::info!(signal = first, "stopping: requests under way are finished first");
        cancelled.cancel();
        let second = next().await;
        tracing::warn!(signal = second, "ending at once");
        std::process::exit(Exit::Failed as i32);
    });
    Ok(shutdown)
}
