//! Listening for changes of the registry.

use std::{sync::atomic::Ordering, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::StreamExt;
use sillok_contract::registry::{Changed, EVENT};
use tokio_util::sync::CancellationToken;

use super::Registry;
use crate::ledger::{Checkpoint, Event, LedgerError};

impl Registry {
    /// Forgets what the ledger tells to have changed, until `shutdown`. After a break it goes on where it was.
    pub(in crate::service) async fn listen(&self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.listen_on()).await;
        self.listening.store(false, Ordering::Release);
    }

    async fn listen_on(&self) {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .with_jitter()
            .without_max_times();
        let mut last = None;
        let mut pause = pauses.build();
        loop {
            let before = last.clone();
            let error = match self.follow(&mut last).await {
                Ok(()) => LedgerError::Events("they ended".to_owned()),
                Err(error) => error,
            };
            self.listening.store(false, Ordering::Release);
            tracing::warn!(%error, "changes of the registry are not told; what is remembered is good for a moment only");
            if before != last {
                pause = pauses.build();
            }
            tokio::time::sleep(pause.next().unwrap_or(Duration::from_secs(2))).await;
        }
    }

    async fn follow(&self, last: &mut Option<Checkpoint>) -> Result<(), LedgerError> {
        let mut events = self.contract.ledger().events(last.clone()).await?;
        if last.is_none() {
            // Listening begins now; what changed before may be remembered as it was.
            self.forget_all();
        }
        self.listening.store(true, Ordering::Release);
        while let Some(event) = events.next().await {
            let event = event?;
            self.told(&event).await;
            *last = Some(Checkpoint { block: event.block, transaction: Some(event.transaction) });
        }
        Ok(())
    }

    async fn told(&self, event: &Event) {
        if event.name != EVENT {
            return;
        }
        match serde_json::from_slice::<Changed>(&event.payload) {
            Ok(change) => self.changed(&change).await,
            Err(error) => {
                tracing::error!(%error, transaction = event.transaction, "a change of the registry cannot be read");
                self.forget_all();
            }
        }
    }
}
