//! The ledger's phases, each measured.

use std::{future::Future, time::Instant};

use sillok_contract::batch::Recorded;

use super::super::metrics;
use crate::{
    ledger::{
        Commit, Endorsed, Ledger, LedgerError, Receipt,
        contract::{Contract, answer},
    },
    records::StoredBatch,
};

/// What the offices said to a batch.
pub(super) enum Endorsement {
    /// They endorsed it.
    New(Endorsed),
    /// It stands on the ledger already, recorded by this transaction.
    Repeated(String),
}

async fn measured<T>(
    phase: &'static str,
    call: impl Future<Output = Result<T, LedgerError>>,
) -> Result<T, LedgerError> {
    let since = Instant::now();
    let result = call.await;
    // A refusal is an answer: the phase worked.
    metrics::phase(phase, matches!(result, Ok(_) | Err(LedgerError::Refused(_))), since);
    result
}

/// Has the batch endorsed, or learns that it is on the ledger.
pub(super) async fn endorse(
    ledger: &dyn Ledger,
    batch: &StoredBatch,
    body: Vec<u8>,
) -> Result<Endorsement, LedgerError> {
    let call = Contract::record_batch(batch.header.clone(), body);
    let endorsed = measured("endorse", ledger.endorse(call)).await?;
    let recorded: Recorded = answer(&endorsed.answer)?;
    Ok(match recorded.repeated {
        true => Endorsement::Repeated(recorded.transaction),
        false => Endorsement::New(endorsed),
    })
}

/// Sends the envelope.
pub(super) async fn submit(ledger: &dyn Ledger, endorsed: &Endorsed) -> Result<(), LedgerError> {
    measured("submit", ledger.submit(endorsed)).await
}

/// Waits until the transaction is in a block.
pub(super) async fn commit_status(ledger: &dyn Ledger, transaction: &str) -> Result<Commit, LedgerError> {
    measured("commit_status", ledger.commit_status(transaction)).await
}

/// The receipt of a transaction, if it took effect, from the ledger.
pub(super) async fn receipt(ledger: &dyn Ledger, transaction: &str) -> Result<Option<Receipt>, LedgerError> {
    measured("receipt", ledger.receipt(transaction)).await
}
