//! One formed batch's way to the ledger and back with its receipt. Every step can be taken again: what a step needs
//! is in the database before the step is taken.

use super::{
    super::Core,
    fault::{Blame, Fault, blame},
    phases::{self, Endorsement},
};
use crate::{
    ledger::{Endorsed, LedgerError, Receipt},
    records::{Lease, StoredBatch},
    service::metrics,
};
use prost::Message;
use sillok_contract::{Code, Refusal, key};
use sillok_proto::ledger::BatchHeader;

/// How a batch's way ended.
pub(super) enum Arrival {
    /// On the ledger, and the database knows.
    Recorded,
    /// The ledger refused an entry: it is set aside, the others are pending again.
    EntrySetAside,
    /// The ledger refused something in the batch: all are pending again, to go in batches of at most so many.
    Halved(u32),
}

/// Takes the batch in flight as far as it goes.
pub(super) async fn carry(core: &Core, lease: &Lease, mut batch: StoredBatch) -> Result<Arrival, Fault> {
    // Formed only to set an entry aside, and left before it was: nothing was sent, so its entries are free.
    let Some(body) = batch.body.take() else {
        core.records.dissolve(lease, batch.sequence, &[]).await?;
        return Ok(Arrival::Halved(batch.entries.len() as u32));
    };
    if let Some((transaction, envelope)) = batch.submitted.take() {
        match resume(core, &Endorsed { transaction, envelope, answer: Vec::new() }).await {
            Ok(receipt) => return finish(core, lease, &batch, receipt).await,
            Err(Fault::Invalid(_)) => {}
            // Sent for ever it would stop the school for ever. Two envelopes of one batch cannot both take effect: each
            // has read the school's head, and writes it.
            Err(Fault::Ledger(error @ LedgerError::Rejected { .. })) => {
                tracing::warn!(school = %batch.school, sequence = batch.sequence, %error, "endorsed anew");
            }
            Err(fault) => return Err(fault),
        }
    }
    let asked = (core.clock)();
    let endorsed = match phases::endorse(&*core.ledger, &batch, body).await {
        Ok(Endorsement::New(endorsed)) => endorsed,
        Ok(Endorsement::Repeated(first)) => {
            let receipt = phases::receipt(&*core.ledger, &first).await?.ok_or(Fault::NoReceipt(first))?;
            return finish(core, lease, &batch, receipt).await;
        }
        Err(LedgerError::Refused(refusal)) => return refused(core, lease, &batch, refusal, asked).await,
        Err(error) => return Err(error.into()),
    };
    // Stored before it is sent: whoever comes after a crash sends this one, not another.
    core.records.store_envelope(lease, batch.sequence, &endorsed.transaction, &endorsed.envelope).await?;
    phases::submit(&*core.ledger, &endorsed).await?;
    let receipt = settled(core, &endorsed).await.inspect_err(|fault| {
        if let Fault::Invalid(status) = fault {
            metrics::invalid(status);
        }
    })?;
    finish(core, lease, &batch, receipt).await
}

/// Finds out what became of a stored envelope: sends it again unless it took effect already.
async fn resume(core: &Core, endorsed: &Endorsed) -> Result<Receipt, Fault> {
    if let Some(receipt) = phases::receipt(&*core.ledger, &endorsed.transaction).await? {
        return Ok(receipt);
    }
    phases::submit(&*core.ledger, endorsed).await?;
    settled(core, endorsed).await
}

/// Waits for the block; [`Fault::Invalid`] if the transaction took no effect in it.
async fn settled(core: &Core, endorsed: &Endorsed) -> Result<Receipt, Fault> {
    let commit = phases::commit_status(&*core.ledger, &endorsed.transaction).await?;
    match core.ledger.receipt_of(endorsed, &commit) {
        Err(LedgerError::Invalid { transaction, status }) => {
            tracing::warn!(transaction, block = commit.block, status, "a transaction took no effect");
            Err(Fault::Invalid(status))
        }
        receipt => Ok(receipt?),
    }
}

async fn finish(core: &Core, lease: &Lease, batch: &StoredBatch, receipt: Receipt) -> Result<Arrival, Fault> {
    let transaction = &receipt.transaction;
    let json = serde_json::to_vec(&receipt)
        .map_err(|error| LedgerError::Malformed(format!("the receipt of {transaction}: {error}")))?;
    core.records.finish(lease, batch.sequence, &json, transaction, receipt.block).await?;
    let oldest = times(batch).map_or(0, |(first, _)| first);
    metrics::recorded(batch.entries.len(), core.age_since(oldest));
    core.signals.of(&batch.school).finished(batch.sequence);
    core.followers.recorded(&receipt, &key::batch(&batch.school, batch.sequence));
    tracing::debug!(
        school = %batch.school, sequence = batch.sequence, entries = batch.entries.len(), transaction,
        "a batch is on the ledger"
    );
    Ok(Arrival::Recorded)
}

/// When the first and the last of a batch's entries were executed.
fn times(batch: &StoredBatch) -> Option<(i64, i64)> {
    let header = BatchHeader::decode(batch.header.as_slice()).ok()?;
    Some((header.first_time, header.last_time))
}

/// The offices would not endorse the batch, so nothing of it is or will be on the ledger. They were asked at this time.
async fn refused(
    core: &Core,
    lease: &Lease,
    batch: &StoredBatch,
    refusal: Refusal,
    asked: i64,
) -> Result<Arrival, Fault> {
    // With its time it is recorded yet, by this gateway or by one whose clock is right. The clock may be set meanwhile.
    let clock = asked.min((core.clock)());
    if refusal.code == Code::EntryTime && times(batch).is_some_and(|(_, last)| last > clock) {
        return Err(Fault::Ahead { sequence: batch.sequence });
    }
    match blame(&refusal, batch.entries.len()) {
        Blame::Away => Err(LedgerError::Refused(refusal).into()),
        Blame::Circumstances => Err(Fault::Refused { sequence: batch.sequence, refusal }),
        Blame::Contents => {
            let limit = (batch.entries.len() / 2).max(1) as u32;
            tracing::error!(school = %batch.school, sequence = batch.sequence, %refusal, limit,
                "the ledger refuses a batch and names no entry; it is sent again in halves");
            core.records.dissolve(lease, batch.sequence, &[]).await?;
            Ok(Arrival::Halved(limit))
        }
        Blame::Entry(index) => {
            set_aside(core, lease, batch, index, &refusal).await?;
            Ok(Arrival::EntrySetAside)
        }
    }
}

/// Sets one entry of the batch in flight aside and lets the others go.
pub(super) async fn set_aside(
    core: &Core,
    lease: &Lease,
    batch: &StoredBatch,
    index: usize,
    refusal: &Refusal,
) -> Result<(), Fault> {
    let entry = batch.entries[index];
    let refused = [(entry, refusal.code.to_string(), refusal.message.clone())];
    core.records.dissolve(lease, batch.sequence, &refused).await?;
    metrics::set_aside(refusal.code.as_str());
    tracing::error!(school = %batch.school, %entry, %refusal,
        "an entry is set aside: it was executed and the ledger refuses it; somebody has to look");
    Ok(())
}
