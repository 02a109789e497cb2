//! A switch before a real ledger: what goes through it can be held or cut, as a network can.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use sillok_gateway::{
    keys::OfficeSigner,
    ledger::{Call, Checkpoint, Commit, Endorsed, Event, Ledger, LedgerError, Receipt},
};
use tokio::sync::watch;

use super::Switch;

/// A ledger behind a switch.
pub struct Switched {
    ledger: Arc<dyn Ledger>,
    switch: watch::Receiver<Switch>,
}

impl Switched {
    /// This ledger, behind a switch that passes everything for now.
    pub fn new(ledger: Arc<dyn Ledger>) -> (Self, watch::Sender<Switch>) {
        let (sender, switch) = watch::channel(Switch::Through);
        (Self { ledger, switch }, sender)
    }

    /// Whether the line is cut; if it is slow, told later.
    async fn is_cut(&self) -> bool {
        let switch = *self.switch.borrow();
        if let Switch::Slow(time) = switch {
            tokio::time::sleep(time).await;
        }
        switch == Switch::Cut
    }
}

const AWAY: &str = "the line is cut";

#[async_trait]
impl Ledger for Switched {
    async fn evaluate(&self, call: Call) -> Result<Vec<u8>, LedgerError> {
        if self.is_cut().await {
            return Err(LedgerError::Evaluate(AWAY.to_owned()));
        }
        self.ledger.evaluate(call).await
    }

    async fn endorse(&self, call: Call) -> Result<Endorsed, LedgerError> {
        if self.is_cut().await {
            return Err(LedgerError::Endorse { transaction: String::new(), reason: AWAY.to_owned() });
        }
        self.ledger.endorse(call).await
    }

    async fn submit(&self, endorsed: &Endorsed) -> Result<(), LedgerError> {
        let mut switch = self.switch.clone();
        // The sender lives as long as the scenario.
        drop(switch.wait_for(|switch| *switch != Switch::Held).await);
        if self.is_cut().await {
            let transaction = endorsed.transaction.clone();
            return Err(LedgerError::Submit { transaction, reason: AWAY.to_owned() });
        }
        self.ledger.submit(endorsed).await
    }

    async fn commit_status(&self, transaction: &str) -> Result<Commit, LedgerError> {
        if self.is_cut().await {
            let (transaction, reason) = (transaction.to_owned(), AWAY.to_owned());
            return Err(LedgerError::CommitStatus { transaction, reason });
        }
        self.ledger.commit_status(transaction).await
    }

    fn receipt_of(&self, endorsed: &Endorsed, commit: &Commit) -> Result<Receipt, LedgerError> {
        self.ledger.receipt_of(endorsed, commit)
    }

    async fn receipt(&self, transaction: &str) -> Result<Option<Receipt>, LedgerError> {
        if self.is_cut().await {
            return Err(LedgerError::Evaluate(AWAY.to_owned()));
        }
        self.ledger.receipt(transaction).await
    }

    async fn events(
        &self,
        after: Option<Checkpoint>,
    ) -> Result<BoxStream<'static, Result<Event, LedgerError>>, LedgerError> {
        if self.is_cut().await {
            return Err(LedgerError::Events(AWAY.to_owned()));
        }
        self.ledger.events(after).await
    }

    async fn ready(&self) -> Result<(), LedgerError> {
        if self.is_cut().await {
            return Err(LedgerError::Evaluate(AWAY.to_owned()));
        }
        self.ledger.ready().await
    }

    fn signer(&self) -> &OfficeSigner {
        self.ledger.signer()
    }
}
