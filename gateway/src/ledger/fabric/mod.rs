//! The ledger on Hyperledger Fabric, by way of a peer's gateway service.
//!
//! The peer finds endorsers and orderers; this client builds the proposal, signs it, checks and signs the transaction
//! that comes back, and asks for its status. Connections are made when they are first needed and made again when they
//! are lost; while a peer is away, the next one is called.

mod events;
mod failure;
#[cfg(test)]
mod fixture;
mod identity;
mod network;
mod peers;
mod proposal;
pub mod receipt;
mod settings;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use backon::{ConstantBuilder, Retryable as _};
use fabric_protos::{
    common, gateway, peer,
    prost::{Message, bytes::Bytes},
};
use futures_util::stream::BoxStream;
use tonic::{Code, Status};

use self::{identity::Identity, peers::Peers, proposal::Proposal, settings::Limits};
use super::{Call, Checkpoint, Commit, Endorsed, Event, Ledger, LedgerError, Receipt};
use crate::keys::{OfficeSigner, random};

pub use network::Network;
pub use settings::Settings;

/// Fabric's own chaincode that answers about blocks and transactions.
const QUERY_SYSTEM: &str = "qscc";

/// How long, and how many times, offices whose peers are not at the same block are given to meet there.
const BEHIND_PAUSE: Duration = Duration::from_millis(100);
const BEHIND_TIMES: usize = 30;

/// Why a client cannot be made: a setting or a file that one names. What is on the other end of the network is asked
/// later, by [`Ledger::ready`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {reason}")]
pub struct ConnectError {
    /// The setting or file.
    pub subject: String,
    /// What is wrong with it, and what to do.
    pub reason: String,
}

impl ConnectError {
    pub(crate) fn new(subject: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self { subject: subject.to_string(), reason: reason.to_string() }
    }
}

/// A client of a Fabric network: one identity, one channel, one chaincode. An administrator's is made from other
/// settings than the gateway's.
#[derive(Debug)]
pub struct Fabric {
    identity: Identity,
    peers: Arc<Peers>,
    channel: String,
    chaincode: String,
    endorsing: Vec<String>,
    limits: Limits,
}

impl Fabric {
    /// Makes a client. Reads the files that the settings name and connects to nobody yet, so that it works while the
    /// network is away.
    pub fn connect(settings: &Settings) -> Result<Self, ConnectError> {
        let settings::Resolved { identity, peers, channel, chaincode, endorsing, limits } =
            settings.resolve()?;
        let peers = Arc::new(Peers::new(&peers)?);
        Ok(Self { identity, peers, channel, chaincode, endorsing, limits })
    }

    fn propose(&self, chaincode: &str, call: Call) -> Result<Proposal, String> {
        let nonce = random::<24>().map_err(|error| error.to_string())?;
        Ok(Proposal::new(&self.identity, &self.channel, chaincode, call, SystemTime::now(), &nonce))
    }

    /// Asks a chaincode on one peer.
    async fn query(&self, chaincode: &str, call: Call) -> Result<Bytes, LedgerError> {
        let proposal = self.propose(chaincode, call).map_err(LedgerError::Evaluate)?;
        let request = gateway::EvaluateRequest {
            transaction_id: proposal.transaction,
            channel_id: self.channel.clone(),
            proposed_transaction: Some(proposal.signed),
            target_organizations: Vec::new(),
        };
        let (number, _) = self.peers.current();
        let answer =
            self.peers
                .call(self.limits.evaluate, request, |mut peer, request| async move {
                    peer.evaluate(request).await
                })
                .await
                .map_err(|status| {
                    // Unlike the other phases this one waits for nobody but the peer.
                    if status.code() == Code::DeadlineExceeded {
                        self.peers.leave(number, &status);
                    }
                    not_evaluated(status)
                })?;
        Ok(answer.result.unwrap_or_default().payload)
    }

    /// Asks Fabric's own chaincode about this channel; none if it answers that there is no such transaction.
    async fn query_system(
        &self,
        function: &str,
        argument: Option<&str>,
    ) -> Result<Option<Bytes>, LedgerError> {
        let arguments = [self.channel.as_str()].into_iter().chain(argument);
        match self.query(QUERY_SYSTEM, Call::new(function, arguments)).await {
            Ok(answer) => Ok(Some(answer)),
            Err(LedgerError::Evaluate(reason)) if reason.contains("no such transaction ID") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Has the offices endorse a proposal. A peer learns of a block a moment after another one, so one office may not
    /// know yet what the caller has seen committed at the other: then both are asked again.
    async fn have_endorsed(
        &self,
        request: gateway::EndorseRequest,
    ) -> Result<gateway::EndorseResponse, Status> {
        let ask = || {
            self.peers.call(self.limits.endorse, request.clone(), |mut peer, request| async move {
                peer.endorse(request).await
            })
        };
        ask.retry(ConstantBuilder::new().with_delay(BEHIND_PAUSE).with_max_times(BEHIND_TIMES))
            .when(|status| failure::is_one_office_behind(status, &self.endorsing))
            .await
    }

    /// How many blocks the channel has: the number of the next.
    async fn height(&self) -> Result<u64, LedgerError> {
        let answer = self.query_system("GetChainInfo", None).await?.unwrap_or_default();
        let info: common::BlockchainInfo = proposal::decode(&answer).map_err(LedgerError::Malformed)?;
        Ok(info.height)
    }
}

#[async_trait]
impl Ledger for Fabric {
    async fn evaluate(&self, call: Call) -> Result<Vec<u8>, LedgerError> {
        self.query(&self.chaincode, call).await.map(Vec::from)
    }

    async fn endorse(&self, call: Call) -> Result<Endorsed, LedgerError> {
        let failed =
            |transaction: &str, reason| LedgerError::Endorse { transaction: transaction.to_owned(), reason };
        let proposal = self.propose(&self.chaincode, call).map_err(|reason| failed("", reason))?;
        let request = gateway::EndorseRequest {
            transaction_id: proposal.transaction.clone(),
            channel_id: self.channel.clone(),
            proposed_transaction: Some(proposal.signed.clone()),
            // Named, because a peer shows transient data to no office that is not.
            endorsing_organizations: self.endorsing.clone(),
        };
        let answer = self.have_endorsed(request).await.map_err(|status| {
            match failure::refusal_of_all(&status, &self.endorsing) {
                Some(refusal) => LedgerError::Refused(refusal),
                None => failed(&proposal.transaction, failure::reason(&status)),
            }
        })?;
        proposal.sign(&self.identity, answer.prepared_transaction.unwrap_or_default())
    }

    async fn submit(&self, endorsed: &Endorsed) -> Result<(), LedgerError> {
        let envelope: common::Envelope = proposal::decode(&endorsed.envelope).map_err(malformed_envelope)?;
        let request = gateway::SubmitRequest {
            transaction_id: endorsed.transaction.clone(),
            channel_id: self.channel.clone(),
            prepared_transaction: Some(envelope),
        };
        self.peers
            .call(self.limits.submit, request, |mut peer, request| async move { peer.submit(request).await })
            .await
            .map(drop)
            .map_err(|status| failure::not_submitted(&endorsed.transaction, &status))
    }

    async fn commit_status(&self, transaction: &str) -> Result<Commit, LedgerError> {
        let request = gateway::CommitStatusRequest {
            transaction_id: transaction.to_owned(),
            channel_id: self.channel.clone(),
            identity: self.identity.creator.clone(),
        };
        let request = Bytes::from(request.encode_to_vec());
        let signature = self.identity.sign(&request);
        let request = gateway::SignedCommitStatusRequest { request, signature };
        let answer = self
            .peers
            .call(self.limits.commit, request, |mut peer, request| async move {
                peer.commit_status(request).await
            })
            .await
            .map_err(|status| LedgerError::CommitStatus {
                transaction: transaction.to_owned(),
                reason: failure::reason(&status),
            })?;
        Ok(commit(answer))
    }

    fn receipt_of(&self, endorsed: &Endorsed, commit: &Commit) -> Result<Receipt, LedgerError> {
        commit.took_effect(&endorsed.transaction)?;
        let envelope = proposal::decode(&endorsed.envelope).map_err(malformed_envelope)?;
        receipt::of(&endorsed.transaction, &envelope, commit.block).map_err(malformed_envelope)
    }

    async fn receipt(&self, transaction: &str) -> Result<Option<Receipt>, LedgerError> {
        let Some(found) = self.query_system("GetTransactionByID", Some(transaction)).await? else {
            return Ok(None);
        };
        let found: peer::ProcessedTransaction = proposal::decode(&found).map_err(LedgerError::Malformed)?;
        if found.validation_code != i32::from(peer::TxValidationCode::Valid) {
            return Ok(None);
        }
        let block = self.commit_status(transaction).await?.block;
        let envelope = found.transaction_envelope.unwrap_or_default();
        receipt::of(transaction, &envelope, block).map(Some).map_err(LedgerError::Malformed)
    }

    async fn events(
        &self,
        after: Option<Checkpoint>,
    ) -> Result<BoxStream<'static, Result<Event, LedgerError>>, LedgerError> {
        let height = self.height().await.map_err(|error| LedgerError::Events(error.to_string()))?;
        let from = match &after {
            None => height,
            Some(Checkpoint { block, transaction: Some(seen) }) if *block >= height => {
                return Err(LedgerError::Events(format!(
                    "block {block} with transaction {seen} is not there: the peer is behind, or this is another ledger"
                )));
            }
            Some(checkpoint) => checkpoint.block,
        };
        let request = events::request(&self.identity, &self.channel, &self.chaincode, from);
        Ok(events::listen(Arc::clone(&self.peers), request, after))
    }

    /// Asks the contract for its metadata: the peer is there, and so is the chaincode behind it.
    async fn ready(&self) -> Result<(), LedgerError> {
        match self.evaluate(Call::new("org.hyperledger.fabric:GetMetadata", [""; 0])).await {
            Ok(_) | Err(LedgerError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn signer(&self) -> &OfficeSigner {
        &self.identity.signer
    }
}

fn not_evaluated(status: Status) -> LedgerError {
    match failure::refusal(&status) {
        Some(refusal) => LedgerError::Refused(refusal),
        None => LedgerError::Evaluate(failure::reason(&status)),
    }
}

fn commit(answer: gateway::CommitStatusResponse) -> Commit {
    let status = peer::TxValidationCode::try_from(answer.result)
        .map_or_else(|_| format!("CODE_{}", answer.result), |code| code.as_str_name().to_owned());
    Commit {
        block: answer.block_number,
        valid: answer.result == i32::from(peer::TxValidationCode::Valid),
        status,
    }
}

fn malformed_envelope(why: String) -> LedgerError {
    LedgerError::Malformed(format!("the signed envelope: {why}"))
}
