//! Events: replayed from the blocks, then told as blocks come.

use std::{collections::VecDeque, sync::Arc};

use futures_util::stream::{self, BoxStream, StreamExt as _};
use prost::Message as _;
use sillok_proto::embedded as wire;
use tokio::sync::watch;

use super::store::Store;
use crate::ledger::{Checkpoint, Event, LedgerError};

/// The events after a checkpoint, which must be of this ledger; without one, those of blocks to come.
pub(super) fn stream(
    store: Arc<Store>,
    height: watch::Receiver<u64>,
    after: Option<Checkpoint>,
) -> Result<BoxStream<'static, Result<Event, LedgerError>>, LedgerError> {
    let last = *height.borrow();
    if let Some(Checkpoint { block, transaction: Some(seen) }) = &after
        && *block > last
    {
        let reason = format!("block {block} with transaction {seen} is not there: this is another ledger");
        return Err(LedgerError::Events(reason));
    }
    let next = after.as_ref().map_or(last + 1, |checkpoint| checkpoint.block);
    let seen = after.and_then(|checkpoint| checkpoint.transaction);
    let listener = Listener { store, height, next, seen, waiting: VecDeque::new() };
    let events = stream::unfold(Some(listener), |listener| async move {
        let mut listener = listener?;
        match listener.next().await {
            Ok(event) => Some((Ok(event), Some(listener))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(events.boxed())
}

struct Listener {
    store: Arc<Store>,
    height: watch::Receiver<u64>,
    /// The block to be read next.
    next: u64,
    /// The transaction after which its events begin.
    seen: Option<String>,
    waiting: VecDeque<Event>,
}

impl Listener {
    async fn next(&mut self) -> Result<Event, LedgerError> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(event);
            }
            let next = self.next;
            let reached = self.height.wait_for(|&height| height >= next).await;
            reached.map_err(|_| LedgerError::Events("the ledger was closed".to_owned()))?;
            self.waiting = self.read().await?;
            self.next += 1;
        }
    }

    async fn read(&mut self) -> Result<VecDeque<Event>, LedgerError> {
        let (store, number) = (self.store.clone(), self.next);
        let block = tokio::task::spawn_blocking(move || store.block(number))
            .await
            .map_err(|error| LedgerError::Events(error.to_string()))?
            .map_err(|error| LedgerError::Events(error.to_string()))?
            .and_then(|bytes| wire::Block::decode(bytes.as_slice()).ok())
            .ok_or_else(|| LedgerError::Malformed(format!("block {number} is missing or damaged")))?;
        let effects =
            effects(&block).ok_or_else(|| LedgerError::Malformed(format!("block {number} is damaged")))?;
        let first = match self.seen.take() {
            None => 0,
            Some(seen) => {
                1 + effects.iter().position(|(effect, _)| effect.transaction == seen).ok_or_else(|| {
                    LedgerError::Events(format!(
                        "the checkpoint's transaction {seen} is not in block {number}"
                    ))
                })?
            }
        };
        Ok(effects
            .into_iter()
            .skip(first)
            .filter_map(|(effect, valid)| event(number, effect).filter(|_| valid))
            .collect())
    }
}

/// What each transaction of a block does, and whether it took effect.
fn effects(block: &wire::Block) -> Option<Vec<(wire::Effect, bool)>> {
    block
        .transactions
        .iter()
        .map(|committed| {
            let transaction = wire::Transaction::decode(committed.transaction.as_slice()).ok()?;
            let effect = wire::Effect::decode(transaction.effect.as_slice()).ok()?;
            Some((effect, committed.status() == wire::Status::Valid))
        })
        .collect()
}

fn event(block: u64, effect: wire::Effect) -> Option<Event> {
    let wire::Event { name, payload } = effect.event?;
    Some(Event { block, transaction: effect.transaction, name, payload })
}
