//! A receipt of the embedded ledger: the effect, which the offices sign together with their identities.

use std::collections::BTreeMap;

use prost::Message;
use sillok_proto::embedded as wire;

use crate::ledger::{
    Endorsement, Engine, Receipt,
    receipt::{EndorsedWrites, Endorser, ReceiptError, Roots, canonical, endorsing_offices},
};

/// The receipt of a transaction's bytes, as an envelope and a block hold them; none if they are damaged.
pub(super) fn of(transaction: &[u8], block: u64) -> Option<Receipt> {
    let transaction = wire::Transaction::decode(transaction).ok()?;
    let effect = wire::Effect::decode(transaction.effect.as_slice()).ok()?;
    let endorsements = transaction.endorsements.into_iter();
    Some(Receipt {
        engine: Engine::Embedded,
        transaction: effect.transaction,
        block,
        payload: transaction.effect,
        endorsements: endorsements
            .map(|wire::Endorsement { endorser, signature }| Endorsement { endorser, signature })
            .collect(),
    })
}

/// Verifies a receipt with the embedded ledger's form of payload.
pub fn verify(receipt: &Receipt, roots: &Roots) -> Result<EndorsedWrites, ReceiptError> {
    let msps = endorsing_offices(receipt, roots, endorser)?;
    let effect: wire::Effect = canonical("payload", &receipt.payload)?;
    if effect.transaction != receipt.transaction {
        return Err(ReceiptError::Transaction);
    }
    Ok(EndorsedWrites { msps, writes: public_writes(effect.writes)?, answer: effect.answer })
}

/// What it says was written; its endorsements are not looked at.
pub fn writes(receipt: &Receipt) -> Result<BTreeMap<String, Option<Vec<u8>>>, ReceiptError> {
    let effect: wire::Effect = canonical("payload", &receipt.payload)?;
    public_writes(effect.writes)
}

fn public_writes(written: Vec<wire::Write>) -> Result<BTreeMap<String, Option<Vec<u8>>>, ReceiptError> {
    let mut writes = BTreeMap::new();
    for write in written {
        if writes.insert(write.key, (!write.deleted).then_some(write.value)).is_some() {
            return Err(ReceiptError::Malformed("a key is written twice".to_owned()));
        }
    }
    Ok(writes)
}

fn endorser(bytes: &[u8]) -> Result<Endorser, ReceiptError> {
    let identity: wire::Identity = canonical("endorser", bytes)?;
    Ok(Endorser { msp: identity.msp, certificate: identity.certificate })
}
