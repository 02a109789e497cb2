//! The recorder: brings verified signatures to the ledger, many by one transaction, and what proves them to the archive.
//!
//! All of it may be done again at any instant: the ledger answers a signature that it has with its first transaction, the
//! archive keeps what was stored first, and the last step is one transaction of the records database.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sillok_contract::{Code, signature::RecordedSignatures};

use super::{
    carried::Fault,
    forwarded::{Forwarded, Rest, of_one_transaction},
};
use crate::{
    archive::RecordId,
    events::{Effect, Event, Group, HandleError, Handler},
    ledger::{
        LedgerError,
        contract::{Contract, answer},
    },
    service::Core,
};

/// How often signatures are tried that another transaction got ahead of.
const TRIES: u32 = 4;
/// How many signatures go to the archive at once. What they wait for is the archive's own agreement, one by one.
const ARCHIVED_AT_ONCE: usize = 32;

/// Handles `signatures.verified`.
pub(in crate::service) struct Recorder {
    pub(in crate::service) core: Arc<Core>,
    pub(in crate::service) group: Group,
}

#[async_trait]
impl Handler for Recorder {
    async fn handle(&self, events: &[Event]) -> Result<(), HandleError> {
        let mut carried = Vec::new();
        let mut effects = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            match Forwarded::of(event).map_err(|fault| fault.at(index))? {
                Some(signature) => carried.push(signature),
                None => effects.push(Effect::of(&self.group, &event.id)),
            }
        }
        // No event is to blame for what goes wrong from here on.
        effects.extend(self.core.rested(&self.group, carried).await.map_err(|fault| fault.at(0))?);
        self.core.records.commit_all(&effects).await?;
        Ok(())
    }
}

impl Core {
    /// What comes of signatures, recorded and archived, in their order.
    async fn rested(&self, group: &Group, mut carried: Vec<Forwarded>) -> Result<Vec<Effect>, Fault> {
        let mut effects = Vec::with_capacity(carried.len());
        while !carried.is_empty() {
            let rest = carried.split_off(of_one_transaction(&carried));
            let recorded = self.record_signatures(std::mem::replace(&mut carried, rest)).await?;
            self.archive(&recorded).await?;
            let now = (self.clock)();
            effects.extend(recorded.into_iter().map(|(carried, rest)| carried.effect(group, rest, now)));
        }
        Ok(effects)
    }

    /// Stores what proves those that the ledger took.
    async fn archive(&self, recorded: &[(Forwarded, Rest)]) -> Result<(), Fault> {
        let stored: Vec<_> = recorded.iter().map(|(carried, rest)| self.archive_one(carried, rest)).collect();
        stream::iter(stored).buffer_unordered(ARCHIVED_AT_ONCE).try_collect().await
    }

    async fn archive_one(&self, carried: &Forwarded, rest: &Rest) -> Result<(), Fault> {
        let Ok((transaction, block)) = rest else { return Ok(()) };
        let id = RecordId(carried.signature.digest.0);
        self.vault()?.store(&id, &carried.evidence(transaction, *block), (self.clock)()).await?;
        Ok(())
    }

    /// Has the ledger take these signatures; those that it refuses are left out, one by one.
    async fn record_signatures(&self, mut carried: Vec<Forwarded>) -> Result<Vec<(Forwarded, Rest)>, Fault> {
        let mut rested = Vec::new();
        let mut tries = 0;
        while !carried.is_empty() {
            match self.try_signatures(&carried).await {
                Ok(places) => {
                    rested.extend(carried.drain(..).zip(places.into_iter().map(Ok)));
                }
                Err(LedgerError::Refused(refusal)) => match refusal.entry.map(|index| index as usize) {
                    Some(index) if index < carried.len() && refusal.code != Code::LedgerUnavailable => {
                        carried[index].check_clock(&refusal, (self.clock)())?;
                        rested.push((carried.remove(index), Err(refusal)));
                    }
                    _ => return Err(LedgerError::Refused(refusal).into()),
                },
                // Another transaction wrote what this one had read.
                Err(LedgerError::Invalid { .. }) if tries < TRIES => tries += 1,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(rested)
    }

    /// One transaction: where each signature came to rest, now or when it was first recorded.
    async fn try_signatures(&self, carried: &[Forwarded]) -> Result<Vec<(String, u64)>, LedgerError> {
        let presented = |carried: &Forwarded| (carried.signature.digest, carried.forwarded.presented.clone());
        let presented: Vec<_> = carried.iter().map(presented).collect();
        let endorsed = self.ledger.endorse(Contract::record_signatures(&presented)).await?;
        let RecordedSignatures { signatures, .. } = answer(&endorsed.answer)?;
        let mut block = 0;
        if signatures.iter().any(|signature| !signature.repeated) {
            self.ledger.submit(&endorsed).await?;
            let commit = self.ledger.commit_status(&endorsed.transaction).await?;
            commit.took_effect(&endorsed.transaction)?;
            block = commit.block;
        }
        let mut places = Vec::with_capacity(signatures.len());
        // Most that are repeated were of one transaction.
        let mut blocks = HashMap::new();
        for signature in signatures {
            let block = match (signature.repeated, blocks.get(&signature.transaction)) {
                (false, _) => block,
                (true, Some(block)) => *block,
                (true, None) => {
                    let block = self.block_of(&signature.transaction).await?;
                    blocks.insert(signature.transaction.clone(), block);
                    block
                }
            };
            places.push((signature.transaction, block));
        }
        Ok(places)
    }

    async fn block_of(&self, transaction: &str) -> Result<u64, LedgerError> {
        let receipt = self.ledger.receipt(transaction).await?;
        let absent =
            || LedgerError::Malformed("a recorded signature's transaction has no receipt".to_owned());
        receipt.map(|receipt| receipt.block).ok_or_else(absent)
    }
}
