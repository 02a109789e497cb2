//! `RecordAct`: the one way an act takes effect.

use serde::{Deserialize, Serialize};

use super::{Act, By, SignedAct, Step, signer};
use crate::{
    Code, Ledger, Refusal, claim, credential,
    digest::Digest,
    document, erasure,
    id::{LearnerId, OfficerId, SignerId},
    json, key, objection, registry,
};

/// The event of an act that was recorded; its payload is [`Acted`].
pub const EVENT: &str = "ActRecorded";

/// The answer to `RecordAct`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// The act: see [`SignedAct::digest`].
    pub act: Digest,
    /// Its name, such as `certificate.issue`.
    pub name: String,
    /// The transaction that recorded it: of a repeated act, the first one.
    pub transaction: String,
    /// Whether it stood on the ledger before.
    pub repeated: bool,
}

/// An act on the ledger: the answer to `GetAct`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActRecord {
    /// The compact JWS as it was received, which says who signed what.
    pub jws: String,
    /// The transaction's time, in microseconds since the Unix epoch.
    pub at: i64,
    /// The transaction.
    pub transaction: String,
}

/// Verifies an act and does it. The same act again is answered with its first transaction and changes nothing.
pub(crate) fn record(ledger: &mut dyn Ledger, jws: &str) -> Result<Acted, Refusal> {
    let act = SignedAct::parse(jws)?;
    let key = key::act(act.digest);
    if let Some(standing) = ledger.get(&key)? {
        let standing: ActRecord = json::stored(&key, &standing)?;
        return Ok(act.acted(standing.transaction, true));
    }
    act.check_time(ledger.timestamp())?;
    let by = signer::verify(ledger, &act)?;
    let (at, transaction) = (ledger.timestamp(), ledger.transaction_id().to_owned());
    take_effect(
        ledger,
        &act.payload.act,
        by,
        Step { act: act.digest, at, transaction: transaction.clone() },
    )?;
    let record = ActRecord { jws: jws.to_owned(), at, transaction: transaction.clone() };
    ledger.put(&key, json::canonical(&record))?;
    let acted = act.acted(transaction, false);
    ledger.set_event(EVENT, json::canonical(&acted))?;
    Ok(acted)
}

pub(crate) fn get_act(ledger: &mut dyn Ledger, digest: &Digest) -> Result<ActRecord, Refusal> {
    registry::get(ledger, &key::act(digest))
}

impl SignedAct {
    fn acted(&self, transaction: String, repeated: bool) -> Acted {
        Acted { act: self.digest, name: self.payload.act.name().to_owned(), transaction, repeated }
    }
}

fn take_effect(ledger: &mut dyn Ledger, act: &Act, by: By, step: Step) -> Result<(), Refusal> {
    match act {
        Act::CertificateRequest(it) => credential::request(ledger, it, by.learner()?, step),
        Act::CertificateRefuse(it) => credential::refuse(ledger, it, by.officer()?, step),
        Act::CertificateIssue(it) => credential::issue(ledger, it, by.officer()?, step),
        Act::CertificateCountersign(it) => credential::countersign(ledger, it, &by.learner()?, step),
        Act::CertificateRevoke(it) => credential::revoke(ledger, it, by.officer()?, step),
        Act::ObjectionFile(it) => objection::file(ledger, it, by.learner()?, step),
        Act::ObjectionUphold(it) => objection::uphold(ledger, it, by.officer()?, step),
        Act::ObjectionDismiss(it) => objection::dismiss(ledger, it, by.officer()?, step),
        Act::Erase(it) => erasure::erase(ledger, it, &by.officer()?, &step),
        Act::DocumentOpen(it) => document::open(ledger, it, by.signer()?, step),
        Act::DocumentDecline(it) => document::decline(ledger, it, by.signer()?, step),
        Act::DocumentWithdraw(it) => document::withdraw(ledger, it, &by.signer()?, step),
        Act::WorkClaim(it) => claim::claim(ledger, it, by.signer()?, step),
        Act::SignatureApprove(_) => {
            Err(Refusal::new(Code::ActBeside, "an approval is taken beside the signature that it approves"))
        }
    }
}

impl By {
    fn learner(self) -> Result<LearnerId, Refusal> {
        match self {
            Self::Learner(id) => Ok(id),
            _ => Err(Refusal::new(Code::ActSigner, "this act is for a learner to sign")),
        }
    }

    fn officer(self) -> Result<OfficerId, Refusal> {
        match self {
            Self::Officer(id) => Ok(id),
            _ => Err(Refusal::new(Code::ActSigner, "this act is for an officer to sign")),
        }
    }

    fn signer(self) -> Result<SignerId, Refusal> {
        match self {
            Self::Signer(id) => Ok(id),
            _ => Err(Refusal::new(Code::ActSigner, "this act is for a signer to sign")),
        }
    }
}
