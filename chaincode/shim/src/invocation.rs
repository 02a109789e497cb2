use std::collections::HashMap;

use fabric_protos::{
    common,
    peer::{self, chaincode_message::Type},
};
use prost::{DecodeError, Message, bytes::Bytes};
use prost_types::Timestamp;

/// Names a transaction on its stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TransactionKey {
    /// The channel.
    pub channel_id: String,
    /// The transaction id.
    pub transaction_id: String,
}

impl TransactionKey {
    /// The transaction a message names.
    pub(crate) fn of(message: &peer::ChaincodeMessage) -> Self {
        Self { channel_id: message.channel_id.clone(), transaction_id: message.txid.clone() }
    }

    /// A message that names this transaction.
    pub(crate) fn message(&self, kind: Type, payload: impl Into<Bytes>) -> peer::ChaincodeMessage {
        peer::ChaincodeMessage {
            r#type: kind.into(),
            payload: payload.into(),
            txid: self.transaction_id.clone(),
            channel_id: self.channel_id.clone(),
            ..Default::default()
        }
    }

    /// The ERROR that ends this transaction.
    pub(crate) fn error(&self, reason: impl Into<String>) -> peer::ChaincodeMessage {
        self.message(Type::Error, reason.into())
    }
}

/// What the peer asks to be run: a decoded INIT or TRANSACTION.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// Which transaction.
    pub key: TransactionKey,
    /// Whether it is INIT.
    pub is_init: bool,
    /// The arguments; by convention the first is the function's name.
    pub arguments: Vec<Bytes>,
    /// What the peer's decorators added.
    pub decorations: HashMap<String, Bytes>,
    /// What the client signed; absent where the peer itself is the caller.
    pub proposal: Option<Proposal>,
}

/// What a chaincode may read of a client's proposal.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The proposal as the client signed it. The peer has verified the signature.
    pub signed: peer::SignedProposal,
    /// The client: a serialized `msp.SerializedIdentity`.
    pub creator: Bytes,
    /// When the client says it is.
    pub timestamp: Option<Timestamp>,
    /// Data for the chaincode's eyes, left out of the transaction.
    pub transient: HashMap<String, Bytes>,
}

/// Why an INIT or TRANSACTION cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// Bytes that are not the message they should be.
    #[error("{message} is malformed: {source}")]
    Malformed {
        /// Which message.
        message: &'static str,
        /// What the decoder found.
        source: DecodeError,
    },
    /// A proposal that is no chaincode proposal.
    #[error("the proposal's channel header has type {0}, which is no chaincode proposal's")]
    HeaderType(i32),
}

impl Invocation {
    /// Decodes all that INIT or TRANSACTION carries.
    ///
    /// # Errors
    ///
    /// [`InvocationError`] if any part of it is malformed.
    pub fn decode(message: peer::ChaincodeMessage) -> Result<Self, InvocationError> {
        let is_init = message.r#type() == Type::Init;
        let key = TransactionKey::of(&message);
        let input: peer::ChaincodeInput = decode("ChaincodeInput", message.payload)?;
        Ok(Self {
            key,
            is_init,
            arguments: input.args,
            decorations: input.decorations,
            proposal: message.proposal.map(Proposal::decode).transpose()?,
        })
    }
}

impl Proposal {
    fn decode(signed: peer::SignedProposal) -> Result<Self, InvocationError> {
        let proposal: peer::Proposal = decode("Proposal", signed.proposal_bytes.clone())?;
        let header: common::Header = decode("Header", proposal.header)?;
        let channel: common::ChannelHeader = decode("ChannelHeader", header.channel_header)?;
        let allowed = [common::HeaderType::EndorserTransaction, common::HeaderType::Config];
        if !allowed.iter().any(|kind| i32::from(*kind) == channel.r#type) {
            return Err(InvocationError::HeaderType(channel.r#type));
        }
        let signature: common::SignatureHeader = decode("SignatureHeader", header.signature_header)?;
        let payload: peer::ChaincodeProposalPayload = decode("ChaincodeProposalPayload", proposal.payload)?;
        Ok(Self {
            signed,
            creator: signature.creator,
            timestamp: channel.timestamp,
            transient: payload.transient_map,
        })
    }
}

fn decode<M: Message + Default>(message: &'static str, bytes: Bytes) -> Result<M, InvocationError> {
    M::decode(bytes).map_err(|source| InvocationError::Malformed { message, source })
}
