//! The ledger, as the gateway sees it: one trait, on Fabric or embedded.

pub mod consortium;
pub mod contract;
pub mod embedded;
pub mod fabric;
pub mod officer;
pub mod receipt;
pub mod school;
pub mod signer;
pub mod story;

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use sillok_contract::Refusal;

use crate::keys::OfficeSigner;

/// A call of a contract function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The function's name, such as `RecordBatch`.
    pub function: String,
    /// Its arguments.
    pub arguments: Vec<Vec<u8>>,
    /// What travels with the proposal and is not recorded.
    pub transient: BTreeMap<String, Vec<u8>>,
}

impl Call {
    /// A call without transient data.
    pub fn new(function: &str, arguments: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self { function: function.to_owned(), arguments, transient: BTreeMap::new() }
    }

    /// The same call with a transient value.
    pub fn with_transient(mut self, name: &str, value: Vec<u8>) -> Self {
        self.transient.insert(name.to_owned(), value);
        self
    }
}

/// A transaction that both offices have endorsed and its creator has signed, ready to be submitted.
///
/// Store it before submitting it: submitted twice it still takes effect once, because its id is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endorsed {
    /// 64 hexadecimal digits.
    pub transaction: String,
    /// The signed envelope, in the engine's own form.
    pub envelope: Vec<u8>,
    /// What the contract answered.
    pub answer: Vec<u8>,
}

/// Where a transaction came to rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The block's number.
    pub block: u64,
    /// Whether it took effect.
    pub valid: bool,
    /// Why not, such as `MVCC_READ_CONFLICT`; `VALID` where it did.
    pub status: String,
}

impl Commit {
    /// Of what is endorsed and never submitted.
    fn none() -> Self {
        Self { block: 0, valid: true, status: "VALID".to_owned() }
    }

    /// Refuses a transaction that took no effect, with [`LedgerError::Invalid`].
    pub fn took_effect(&self, transaction: &str) -> Result<(), LedgerError> {
        match self.valid {
            true => Ok(()),
            false => {
                Err(LedgerError::Invalid { transaction: transaction.to_owned(), status: self.status.clone() })
            }
        }
    }
}

/// The endorsed transaction as the ledger returned it: what an offline verifier needs besides the roots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Which engine's form the payload has.
    pub engine: Engine,
    /// The transaction's id.
    pub transaction: String,
    /// The block's number. Told by the ledger, not signed by the offices.
    pub block: u64,
    /// What the offices signed: Fabric's proposal response payload, with the write set; base64url without padding.
    #[serde(with = "crate::base64url")]
    pub payload: Vec<u8>,
    /// Each office's signature over it.
    pub endorsements: Vec<Endorsement>,
}

/// Which engine made a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Hyperledger Fabric.
    Fabric,
    /// The ledger in the gateway's process, with development certificates.
    Embedded,
}

/// One office's endorsement of a transaction: ES256, ASN.1 DER, over payload and endorser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endorsement {
    /// The endorser's serialised identity: its MSP and certificate.
    #[serde(with = "crate::base64url")]
    pub endorser: Vec<u8>,
    /// The signature.
    #[serde(with = "crate::base64url")]
    pub signature: Vec<u8>,
}

/// A contract event of a committed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The block's number.
    pub block: u64,
    /// The transaction's id.
    pub transaction: String,
    /// The event's name.
    pub name: String,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// Where to go on listening: after this event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The block to begin in.
    pub block: u64,
    /// The last transaction seen in it; none reads the whole block.
    pub transaction: Option<String>,
}

/// Why a call of the ledger failed: one variant a phase, so that the caller knows what has happened and what has not.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LedgerError {
    /// The contract refused. Nothing was recorded, and the same call would be refused again.
    #[error("the contract refused: {0}")]
    Refused(Refusal),
    /// The query could not be asked.
    #[error("the ledger could not be asked: {0}")]
    Evaluate(String),
    /// The offices did not both endorse. Nothing was recorded; try again.
    #[error("transaction {transaction} was not endorsed: {reason}")]
    Endorse {
        /// The transaction's id.
        transaction: String,
        /// What the peers said.
        reason: String,
    },
    /// The endorsed transaction may or may not have reached the orderer: ask for its status, submit the same envelope.
    #[error("transaction {transaction} may not have been submitted: {reason}")]
    Submit {
        /// The transaction's id.
        transaction: String,
        /// What the peers said.
        reason: String,
    },
    /// The orderer rejected the signed envelope and would reject it again: have the call endorsed anew. Should the
    /// envelope stand in a block all the same, of the two at most one takes effect.
    #[error("transaction {transaction} was rejected: {reason}")]
    Rejected {
        /// The transaction's id.
        transaction: String,
        /// What the orderer said.
        reason: String,
    },
    /// The status is not known (yet): ask again.
    #[error("the status of transaction {transaction} is not known: {reason}")]
    CommitStatus {
        /// The transaction's id.
        transaction: String,
        /// What the peers said.
        reason: String,
    },
    /// The transaction is in a block and took no effect. Nothing was recorded; a new one may succeed.
    #[error("transaction {transaction} took no effect: {status}")]
    Invalid {
        /// The transaction's id.
        transaction: String,
        /// Why, such as `MVCC_READ_CONFLICT`.
        status: String,
    },
    /// The events ended or could not be had: listen again from the last checkpoint.
    #[error("events are not to be had: {0}")]
    Events(String),
    /// The ledger's answer is not of its form, or its file is damaged.
    #[error("the ledger's answer cannot be read: {0}")]
    Malformed(String),
}

/// A ledger that runs the contract. Every call is bounded in time by the implementation.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Runs a function that changes nothing, on one peer's state, and gives its answer.
    async fn evaluate(&self, call: Call) -> Result<Vec<u8>, LedgerError>;
    /// Has both offices run the function and endorse its effect; signs the transaction. Nothing is recorded yet.
    async fn endorse(&self, call: Call) -> Result<Endorsed, LedgerError>;
    /// Sends a signed envelope to be ordered. Returning is not a commit. The same envelope may be sent again.
    async fn submit(&self, endorsed: &Endorsed) -> Result<(), LedgerError>;
    /// Has both offices endorse the answer of a function that changes nothing, and submits nothing: a receipt in no
    /// block, whose number is 0. The function sets an event, by which alone the offices name the transaction.
    async fn attest(&self, call: Call) -> Result<Receipt, LedgerError> {
        let endorsed = self.endorse(call).await?;
        self.receipt_of(&endorsed, &Commit::none())
    }
    /// Waits until the transaction is in a block, for as long as the engine's time limit.
    async fn commit_status(&self, transaction: &str) -> Result<Commit, LedgerError>;
    /// The receipt of a transaction that came to rest as `commit` says, made of its envelope without asking anybody. It
    /// is, byte for byte, the one that [`Ledger::receipt`] gives: the creator's signature covers all of it but the
    /// block, and the ledger gives effect to no other envelope under that id. A transaction that took no effect has
    /// none ([`LedgerError::Invalid`]): its endorsements would prove what never was.
    fn receipt_of(&self, endorsed: &Endorsed, commit: &Commit) -> Result<Receipt, LedgerError>;
    /// The receipt of a transaction that is in a block and took effect, taken from the ledger itself; none if it is not
    /// there. For whoever has no envelope: where there is one, [`Ledger::receipt_of`] costs the ledger nothing.
    async fn receipt(&self, transaction: &str) -> Result<Option<Receipt>, LedgerError>;
    /// The contract's events of committed transactions, in order, each once; from the checkpoint on, or from now.
    async fn events(
        &self,
        after: Option<Checkpoint>,
    ) -> Result<BoxStream<'static, Result<Event, LedgerError>>, LedgerError>;
    /// Whether the ledger answers now.
    async fn ready(&self) -> Result<(), LedgerError>;
    /// The identity under which it is called, to sign an office's documents with.
    fn signer(&self) -> &OfficeSigner;
}

/// Endorses a call, submits it and waits until it is in a block; gives what the contract answered and the block.
///
/// For callers that can ask again what happened, such as an administrator: nothing is stored between the phases.
pub async fn transact(ledger: &dyn Ledger, call: Call) -> Result<(Vec<u8>, Commit), LedgerError> {
    let endorsed = ledger.endorse(call).await?;
    ledger.submit(&endorsed).await?;
    let commit = ledger.commit_status(&endorsed.transaction).await?;
    commit.took_effect(&endorsed.transaction)?;
    Ok((endorsed.answer, commit))
}
