use std::future::pending;

use tokio::signal::unix::{SignalKind, signal};

/// Returns at SIGTERM or SIGINT: a server's `shutdown`.
pub async fn termination() {
    tokio::select! {
        () = wait(SignalKind::terminate()) => (),
        () = wait(SignalKind::interrupt()) => (),
    }
}

async fn wait(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        Err(error) => {
            tracing::error!(%error, ?kind, "a signal cannot be waited for");
            pending().await
        }
    }
}
