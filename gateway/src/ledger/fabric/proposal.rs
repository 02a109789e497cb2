//! A proposed transaction, from its first bytes to the signed envelope.

use std::time::SystemTime;

use fabric_protos::{
    common, peer,
    prost::{Message, bytes::Bytes},
    prost_types::Timestamp,
};
use sha2::{Digest as _, Sha256};

use super::{identity::Identity, receipt};
use crate::ledger::{Call, Endorsed, LedgerError};

/// A signed proposal, and what of it comes back in the prepared transaction.
#[derive(Debug)]
pub(super) struct Proposal {
    /// The transaction's id.
    pub(super) transaction: String,
    /// What goes to the peer.
    pub(super) signed: peer::SignedProposal,
    header: common::Header,
    /// The payload without transient data, as the ledger keeps it.
    recorded: Vec<u8>,
}

impl Proposal {
    /// Proposes a call. The nonce must be random and never used again.
    pub(super) fn new(
        identity: &Identity,
        channel: &str,
        chaincode: &str,
        call: Call,
        now: SystemTime,
        nonce: &[u8],
    ) -> Self {
        let transaction = transaction_id(nonce, &identity.creator);
        let channel_header = channel_header(channel, chaincode, &transaction, now);
        let signature_header = common::SignatureHeader {
            creator: identity.creator.clone(),
            nonce: Bytes::copy_from_slice(nonce),
        };
        let header = common::Header {
            channel_header: channel_header.encode_to_vec().into(),
            signature_header: signature_header.encode_to_vec().into(),
        };
        let (payload, recorded) = payloads(chaincode, call);
        let proposal = peer::Proposal {
            header: header.encode_to_vec().into(),
            payload: payload.into(),
            extension: Bytes::new(),
        };
        let proposal_bytes = Bytes::from(proposal.encode_to_vec());
        let signature = identity.sign(&proposal_bytes);
        Self { transaction, signed: peer::SignedProposal { proposal_bytes, signature }, header, recorded }
    }

    /// Signs the transaction that a peer prepared, once it is sure that it is of this proposal and no other.
    pub(super) fn sign(
        &self,
        identity: &Identity,
        prepared: common::Envelope,
    ) -> Result<Endorsed, LedgerError> {
        let response = self.proposal_response(&prepared).map_err(|why| LedgerError::Endorse {
            transaction: self.transaction.clone(),
            reason: format!("the peer prepared another transaction than was proposed: {why}"),
        })?;
        let action = receipt::action(&response).map_err(|error| LedgerError::Malformed(error.to_string()))?;
        let signature = identity.sign(&prepared.payload);
        Ok(Endorsed {
            transaction: self.transaction.clone(),
            envelope: common::Envelope { payload: prepared.payload, signature }.encode_to_vec(),
            answer: action.response.unwrap_or_default().payload.into(),
        })
    }

    /// The endorsed payload of a prepared transaction.
    fn proposal_response(&self, prepared: &common::Envelope) -> Result<Bytes, String> {
        let payload: common::Payload = decode(&prepared.payload)?;
        if payload.header.as_ref() != Some(&self.header) {
            return Err("its header differs".to_owned());
        }
        let (recorded, action) = endorsed_action(&payload.data)?;
        if recorded != self.recorded {
            return Err("its call differs".to_owned());
        }
        let response: peer::ProposalResponsePayload = decode(&action.proposal_response_payload)?;
        if response.proposal_hash != self.hash() {
            return Err("what the offices endorsed differs".to_owned());
        }
        Ok(action.proposal_response_payload)
    }

    /// By what the endorsers name the proposal.
    fn hash(&self) -> Vec<u8> {
        Sha256::new()
            .chain_update(&self.header.channel_header)
            .chain_update(&self.header.signature_header)
            .chain_update(&self.recorded)
            .finalize()
            .to_vec()
    }
}

/// Hexadecimal SHA-256 of nonce and creator.
fn transaction_id(nonce: &[u8], creator: &[u8]) -> String {
    hex::encode(Sha256::new().chain_update(nonce).chain_update(creator).finalize())
}

/// The one action of an endorser transaction: the proposal's recorded payload, and the endorsed result.
pub(super) fn endorsed_action(transaction: &[u8]) -> Result<(Bytes, peer::ChaincodeEndorsedAction), String> {
    let mut transaction: peer::Transaction = decode(transaction)?;
    let (Some(action), true) = (transaction.actions.pop(), transaction.actions.is_empty()) else {
        return Err("it has not one action".to_owned());
    };
    let payload: peer::ChaincodeActionPayload = decode(&action.payload)?;
    let action = payload.action.ok_or("its action is missing")?;
    Ok((payload.chaincode_proposal_payload, action))
}

/// Decodes a peer's message.
pub(super) fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, String> {
    M::decode(bytes).map_err(|error| error.to_string())
}

fn channel_header(
    channel: &str,
    chaincode: &str,
    transaction: &str,
    now: SystemTime,
) -> common::ChannelHeader {
    let extension = peer::ChaincodeHeaderExtension { chaincode_id: Some(chaincode_id(chaincode)) };
    common::ChannelHeader {
        r#type: common::HeaderType::EndorserTransaction.into(),
        timestamp: Some(Timestamp::from(now)),
        channel_id: channel.to_owned(),
        tx_id: transaction.to_owned(),
        extension: extension.encode_to_vec().into(),
        ..Default::default()
    }
}

fn chaincode_id(name: &str) -> peer::ChaincodeId {
    peer::ChaincodeId { name: name.to_owned(), ..Default::default() }
}

/// The payload with transient data, and without.
fn payloads(chaincode: &str, call: Call) -> (Vec<u8>, Vec<u8>) {
    let mut args = vec![Bytes::from(call.function)];
    args.extend(call.arguments.into_iter().map(Bytes::from));
    let spec = peer::ChaincodeSpec {
        chaincode_id: Some(chaincode_id(chaincode)),
        input: Some(peer::ChaincodeInput { args, ..Default::default() }),
        ..Default::default()
    };
    let input = peer::ChaincodeInvocationSpec { chaincode_spec: Some(spec) }.encode_to_vec();
    let mut payload = peer::ChaincodeProposalPayload { input: input.into(), ..Default::default() };
    let recorded = payload.encode_to_vec();
    payload.transient_map = call.transient.into_iter().map(|(name, value)| (name, value.into())).collect();
    (payload.encode_to_vec(), recorded)
}
