//! SIGINT and SIGTERM while something is measured: the bench ends in order, with nothing left behind.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{Exit, Failure};

/// The signals that end it. From here on they end nothing by themselves.
pub(super) struct Ending {
    interrupt: Signal,
    terminate: Signal,
}

impl Ending {
    pub(super) fn listen() -> Result<Self, Failure> {
        let of = |kind| signal(kind).map_err(Failure::io);
        Ok(Self { interrupt: of(SignalKind::interrupt())?, terminate: of(SignalKind::terminate())? })
    }

    /// Waits for one, also one that has come since [`Ending::listen`].
    pub(super) async fn told(&mut self) -> Failure {
        let (exit, name) = tokio::select! {
            _ = self.interrupt.recv() => (Exit::Interrupted, "SIGINT"),
            _ = self.terminate.recv() => (Exit::Terminated, "SIGTERM"),
        };
        Failure::new(exit, "bench.ended", format!("{name} ended it before everything was measured"))
    }
}
