//! The recorder: brings verified signatures to the ledger, many by one transaction, and what proves them to the archive.
//!
//! All of it may be done again at any instant: the ledger answers a signature that it has with its first transaction, the
//! archive keeps what was stored first, and the last step is one transaction of the records database.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use sillok_contract::{
    Code, Refusal,
    signature::{MAX_SIGNATURES, Presented, RecordedSignatures, Signature},
};

use super::{
    SignatureForwarded, SignatureRested,
    carried::{Fault, named, read, told},
};
use crate::{
    archive::{Evidence, RecordId},
    events::{Effect, Event, Group, HandleError, Handler, SignatureChange, SignatureMove, Topic},
    ledger::{
        LedgerError,
        contract::{Contract, answer},
    },
    monitor::{Failure, SignatureVerified},
    records::SignatureState,
    service::Core,
};

/// How often signatures are tried that another transaction got ahead of.
const TRIES: u32 = 4;
/// The most bytes of signatures and approvals in one transaction: with their JSON around them below what the contract takes.
const MOST_BYTES: usize = 3 * 1024 * 1024;

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
            match Carried::of(event).map_err(|fault| fault.at(index))? {
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

/// A signature on its way to the ledger.
struct Carried {
    event: String,
    signature: Signature,
    forwarded: SignatureForwarded,
}

/// Where it came to rest: transaction and block, or why the ledger will not have it.
type Rest = Result<(String, u64), Refusal>;

impl Carried {
    /// Of a signature that was found to hold; the others rest where they are.
    fn of(event: &Event) -> Result<Option<Self>, Fault> {
        // One that the office did not make is told of without it.
        if read::<SignatureVerified>(event)?.failure.is_some() {
            return Ok(None);
        }
        let forwarded: SignatureForwarded = read(event)?;
        let signature = Signature::parse(&forwarded.presented.jws)
            .map_err(|refusal| Fault::Poison(refusal.to_string()))?;
        Ok(Some(Self { event: event.id.clone(), signature, forwarded }))
    }

    fn evidence(&self, transaction: &str, block: u64) -> Evidence {
        let Presented { jws, approval } = self.forwarded.presented.clone();
        let certificates = [&self.signature.certificate, &self.signature.authority];
        Evidence {
            approval,
            certificates: certificates.map(|certificate| certificate.to_pem()).into(),
            receipt: Some(json!({ "transaction": transaction, "block": block })),
            ..Evidence::of(jws)
        }
    }

    /// What comes of it.
    fn effect(self, group: &Group, rest: Rest, now: i64) -> Effect {
        let statement = &self.signature.statement;
        let (recorded, refused) = match rest {
            Ok(recorded) => (Some(recorded), None),
            Err(refusal) => (None, Some(refusal)),
        };
        let to = if recorded.is_some() { SignatureState::Recorded } else { SignatureState::Refused };
        let change = SignatureMove {
            recorded: recorded.clone(),
            refusal: refused.as_ref().map(failure_of),
            ..SignatureMove::new(self.signature.digest.0, SignatureState::Valid, to, now)
        };
        let id = self.signature.digest.to_string();
        let (transaction, block) = recorded.unzip();
        let rested = SignatureRested {
            signature: id.clone(),
            hash: statement.hash.to_string(),
            subject: statement.subject.to_string(),
            signer: self.forwarded.verified.signer.clone(),
            transaction,
            block,
            refused: refused.map(|refusal| refusal.code.as_str().to_owned()),
        };
        let received_at = self.forwarded.verified.received_at;
        let told = told(Topic::SignaturesRecorded, named(&self.signature), received_at, now, json!(rested));
        Effect::of(group, self.event).change(SignatureChange::Move(change)).tell(told)
    }
}

fn failure_of(refusal: &Refusal) -> Failure {
    Failure { code: refusal.code.as_str().to_owned(), detail: refusal.message.clone() }
}

/// How many of these go into one transaction: one at least, and no more than the contract takes, in number and bytes.
fn of_one_transaction(carried: &[Carried]) -> usize {
    let mut bytes = 0;
    let fits = |carried: &&Carried| {
        let Presented { jws, approval } = &carried.forwarded.presented;
        bytes += jws.len() + approval.as_ref().map_or(0, String::len);
        bytes <= MOST_BYTES
    };
    carried.iter().take(MAX_SIGNATURES).take_while(fits).count().max(1)
}

impl Core {
    /// What comes of signatures, recorded and archived, in their order.
    async fn rested(&self, group: &Group, mut carried: Vec<Carried>) -> Result<Vec<Effect>, Fault> {
        let mut effects = Vec::with_capacity(carried.len());
        while !carried.is_empty() {
            let rest = carried.split_off(of_one_transaction(&carried));
            for (carried, rest) in self.record_signatures(std::mem::replace(&mut carried, rest)).await? {
                if let Ok((transaction, block)) = &rest {
                    let id = RecordId(carried.signature.digest.0);
                    self.vault.store(&id, &carried.evidence(transaction, *block), (self.clock)()).await?;
                }
                effects.push(carried.effect(group, rest, (self.clock)()));
            }
        }
        Ok(effects)
    }

    /// Has the ledger take these signatures; those that it refuses are left out, one by one.
    async fn record_signatures(&self, mut carried: Vec<Carried>) -> Result<Vec<(Carried, Rest)>, Fault> {
        let mut rested = Vec::new();
        let mut tries = 0;
        while !carried.is_empty() {
            match self.try_signatures(&carried).await {
                Ok(places) => {
                    rested.extend(carried.drain(..).zip(places.into_iter().map(Ok)));
                }
                Err(LedgerError::Refused(refusal)) => match refusal.entry.map(|index| index as usize) {
                    Some(index) if index < carried.len() && refusal.code != Code::LedgerUnavailable => {
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
    async fn try_signatures(&self, carried: &[Carried]) -> Result<Vec<(String, u64)>, LedgerError> {
        let presented = |carried: &Carried| (carried.signature.digest, carried.forwarded.presented.clone());
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
        for signature in signatures {
            let block = match signature.repeated {
                false => block,
                true => self.block_of(&signature.transaction).await?,
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
