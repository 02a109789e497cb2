//! What a chaincode has of its transaction and of the ledger.

mod ledger;
mod private;
mod query;
mod state;

use std::{cell::RefCell, collections::HashMap};

use fabric_protos::{
    msp,
    peer::{ChaincodeEvent, SignedProposal},
};
use prost::{Message, bytes::Bytes};
use prost_types::Timestamp;

pub use private::PrivateData;
pub use query::{HistoryIterator, KeyModification, KeyValue, Page, Results, StateIterator};

use crate::{
    LedgerError, exchange::Exchange, invocation::Invocation, protocol::Features, write_batch::WriteBatch,
};

/// Who made a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The membership service provider that vouches for it.
    pub msp_id: String,
    /// Its X.509 certificate, PEM. (An anonymous, Idemix, identity has other bytes here.)
    pub certificate: Bytes,
}

/// A transaction as its chaincode sees it.
///
/// Every call of the ledger is a round trip to the peer and blocks until it is answered. A stub is not `Sync`: the
/// protocol allows a transaction one call at a time. Reads see the ledger as it was before the transaction, never the
/// transaction's own writes. Writes are held back where the peer takes them in batches, and go when the chaincode has
/// answered; what is wrong with one then ends the transaction.
#[derive(Debug)]
pub struct Stub {
    pub(crate) invocation: Invocation,
    pub(crate) exchange: Exchange,
    features: Features,
    writes: RefCell<WriteBatch>,
    event: RefCell<Option<ChaincodeEvent>>,
}

impl Stub {
    pub(crate) fn new(invocation: Invocation, exchange: Exchange, features: Features) -> Self {
        Self { invocation, exchange, features, writes: RefCell::default(), event: RefCell::default() }
    }

    /// The transaction's id: the hexadecimal SHA-256 of the client's nonce and identity.
    #[must_use]
    pub fn transaction_id(&self) -> &str {
        &self.invocation.key.transaction_id
    }

    /// The channel the transaction is for.
    #[must_use]
    pub fn channel_id(&self) -> &str {
        &self.invocation.key.channel_id
    }

    /// All arguments, the function's name included.
    #[must_use]
    pub fn arguments(&self) -> &[Bytes] {
        &self.invocation.arguments
    }

    /// The function's name, which is the first argument, and the other arguments.
    ///
    /// # Errors
    ///
    /// [`LedgerError::InvalidArgument`] if there is no argument, or the name is not UTF-8.
    pub fn function(&self) -> Result<(&str, &[Bytes]), LedgerError> {
        let no_name = LedgerError::invalid("function", "must be named by the first argument, in UTF-8");
        let (name, arguments) = self.arguments().split_first().ok_or_else(|| no_name.clone())?;
        Ok((std::str::from_utf8(name).map_err(|_| no_name)?, arguments))
    }

    /// The client: a serialized `msp.SerializedIdentity`. The peer has verified its signature and its MSP.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Absent`] if the peer sent no proposal.
    pub fn creator(&self) -> Result<&Bytes, LedgerError> {
        self.invocation.proposal.as_ref().map(|it| &it.creator).ok_or(LedgerError::Absent("creator"))
    }

    /// [`creator`](Self::creator), decoded.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Absent`] if the peer sent no proposal, or its creator is no such message.
    pub fn identity(&self) -> Result<Identity, LedgerError> {
        let identity = msp::SerializedIdentity::decode(self.creator()?.clone());
        let identity = identity.map_err(|_| LedgerError::Absent("identity"))?;
        Ok(Identity { msp_id: identity.mspid, certificate: identity.id_bytes })
    }

    /// When the client says the transaction was made. It is the client's clock: bound it before relying on it.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Absent`] if the peer sent no proposal, or the proposal no time.
    pub fn timestamp(&self) -> Result<Timestamp, LedgerError> {
        let proposal = self.invocation.proposal.as_ref();
        proposal.and_then(|proposal| proposal.timestamp).ok_or(LedgerError::Absent("timestamp"))
    }

    /// A value of the transient map: data for the chaincode that the transaction does not keep.
    #[must_use]
    pub fn transient(&self, name: &str) -> Option<&Bytes> {
        self.invocation.proposal.as_ref()?.transient.get(name)
    }

    /// The whole transient map; empty if the peer sent no proposal.
    #[must_use]
    pub fn transient_map(&self) -> HashMap<String, Bytes> {
        self.invocation.proposal.as_ref().map(|proposal| proposal.transient.clone()).unwrap_or_default()
    }

    /// What the client signed, as it came.
    #[must_use]
    pub fn signed_proposal(&self) -> Option<&SignedProposal> {
        self.invocation.proposal.as_ref().map(|proposal| &proposal.signed)
    }

    /// What decorators in the peer's configuration added to the arguments.
    #[must_use]
    pub fn decorations(&self) -> &HashMap<String, Bytes> {
        &self.invocation.decorations
    }

    /// Sets the event that clients get once the transaction is committed as valid. A transaction has one: the last set.
    ///
    /// # Errors
    ///
    /// [`LedgerError::InvalidArgument`] if the name is empty.
    pub fn set_event(&self, name: &str, payload: impl Into<Bytes>) -> Result<(), LedgerError> {
        if name.is_empty() {
            return Err(LedgerError::invalid("event name", "must not be empty"));
        }
        let event = ChaincodeEvent { event_name: name.into(), payload: payload.into(), ..Default::default() };
        self.event.replace(Some(event));
        Ok(())
    }

    /// Takes the event, at the transaction's end.
    pub(crate) fn take_event(&self) -> Option<ChaincodeEvent> {
        self.event.take()
    }

    /// Sends what was held back, at the transaction's end.
    pub(crate) fn flush(&self) -> Result<(), LedgerError> {
        match self.features.write_batch {
            Some(limit) => self.writes.take().flush(&self.exchange, limit),
            None => Ok(()),
        }
    }
}
