//! A Fabric receipt: the proposal response payload, which the offices' peers sign together with their identities.

use std::collections::BTreeMap;

use fabric_protos::{kvrwset, msp, peer, prost::Message, rwset};

use crate::ledger::{
    Receipt,
    receipt::{EndorsedWrites, Endorser, NAMESPACE, ReceiptError, Roots, endorsing_offices},
};

/// A chaincode's answer that is endorsed.
const OK: i32 = 200;

/// Verifies a receipt with Fabric's form of payload.
///
/// The payload does not name the transaction; the contract's event in it does, so a transaction without one has no
/// verifiable receipt.
pub fn verify(receipt: &Receipt, roots: &Roots) -> Result<EndorsedWrites, ReceiptError> {
    let msps = endorsing_offices(receipt, roots, endorser)?;
    let action = action(&receipt.payload)?;
    let event: peer::ChaincodeEvent = strict("event", &action.events)?;
    if event.tx_id != receipt.transaction {
        return Err(ReceiptError::Transaction);
    }
    let response = action.response.unwrap_or_default();
    if response.status != OK {
        return Err(ReceiptError::Status(response.status));
    }
    Ok(EndorsedWrites { msps, writes: public_writes(&action.results)?, answer: response.payload.into() })
}

/// What the endorsers say the transaction does.
pub(super) fn action(payload: &[u8]) -> Result<peer::ChaincodeAction, ReceiptError> {
    let payload: peer::ProposalResponsePayload = strict("payload", payload)?;
    strict("action", &payload.extension)
}

fn endorser(bytes: &[u8]) -> Result<Endorser, ReceiptError> {
    let identity: msp::SerializedIdentity = strict("endorser", bytes)?;
    Ok(Endorser { msp: identity.mspid, certificate: identity.id_bytes.into() })
}

/// The contract's writes on the channel. Its reads, other namespaces (Fabric's own) and hashes of private data are
/// signed too, but nobody asks for them.
fn public_writes(results: &[u8]) -> Result<BTreeMap<String, Option<Vec<u8>>>, ReceiptError> {
    let sets: rwset::TxReadWriteSet = strict("read-write set", results)?;
    let mut of_contract = sets.ns_rwset.into_iter().filter(|set| set.namespace == NAMESPACE);
    let (Some(set), None) = (of_contract.next(), of_contract.next()) else {
        return Err(ReceiptError::Malformed(format!(
            "it has not one write set of the contract {NAMESPACE:?}"
        )));
    };
    let set: kvrwset::KvrwSet = strict("write set", &set.rwset)?;
    let mut writes = BTreeMap::new();
    for write in set.writes {
        let value = (!write.is_delete).then(|| write.value.to_vec());
        if writes.insert(write.key, value).is_some() {
            return Err(ReceiptError::Malformed("a key is written twice".to_owned()));
        }
    }
    Ok(writes)
}

/// Decodes a message that is in its one canonical encoding: no field unknown, repeated or out of order, so that two
/// readers cannot see two things in it.
fn strict<M: Message + Default>(what: &str, bytes: &[u8]) -> Result<M, ReceiptError> {
    let message = M::decode(bytes).map_err(|error| ReceiptError::Malformed(format!("{what}: {error}")))?;
    if message.encode_to_vec() == bytes {
        return Ok(message);
    }
    Err(ReceiptError::Malformed(format!("{what}: it is not in its canonical encoding")))
}
