//! A signature on its way from the verifier to the ledger and the archive.

use serde_json::json;
use sillok_contract::{
    Code, Refusal,
    signature::{MAX_SIGNATURES, Presented, Signature},
};

use super::{
    SignatureForwarded, SignatureRested,
    carried::{Fault, named, read, told},
};
use crate::{
    archive::Evidence,
    events::{Effect, Event, Group, SignatureChange, SignatureMove, Topic},
    monitor::{Failure, SignatureVerified},
    records::SignatureState,
};

/// The most bytes of signatures and approvals in one transaction: with their JSON around them below what the contract takes.
const MOST_BYTES: usize = 3 * 1024 * 1024;
/// What a signature is refused with that comes before its time.
const TOO_EARLY: [Code; 3] = [Code::SignatureTime, Code::SignerNotYet, Code::CertificateNotYetValid];

/// A signature on its way to the ledger.
pub(super) struct Forwarded {
    event: String,
    pub(super) signature: Signature,
    pub(super) forwarded: SignatureForwarded,
}

/// Where it came to rest: transaction and block, or why the ledger will not have it.
pub(super) type Rest = Result<(String, u64), Refusal>;

impl Forwarded {
    /// Of a signature that was found to hold; the others rest where they are.
    pub(super) fn of(event: &Event) -> Result<Option<Self>, Fault> {
        // One that the office did not make is told of without it.
        if read::<SignatureVerified>(event)?.failure.is_some() {
            return Ok(None);
        }
        let forwarded: SignatureForwarded = read(event)?;
        let signature = Signature::parse(&forwarded.presented.jws)
            .map_err(|refusal| Fault::Poison(refusal.to_string()))?;
        Ok(Some(Self { event: event.id.clone(), signature, forwarded }))
    }

    /// Whoever verified it found that it was signed in time: where the ledger has it come too early, and it lies ahead of our
    /// own clock, that clock is behind. Then it waits.
    pub(super) fn check_clock(&self, refusal: &Refusal, now: i64) -> Result<(), Fault> {
        if TOO_EARLY.contains(&refusal.code) && self.signature.signed_at() > now {
            let why = "the ledger refuses a signature that was made later than it is by this machine's clock: is it right?";
            return Err(Fault::Later(why.to_owned()));
        }
        Ok(())
    }

    /// What proves it, once it is recorded.
    pub(super) fn evidence(&self, transaction: &str, block: u64) -> Evidence {
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
    pub(super) fn effect(self, group: &Group, rest: Rest, now: i64) -> Effect {
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
pub(super) fn of_one_transaction(carried: &[Forwarded]) -> usize {
    let mut bytes = 0;
    let fits = |carried: &&Forwarded| {
        let Presented { jws, approval } = &carried.forwarded.presented;
        bytes += jws.len() + approval.as_ref().map_or(0, String::len);
        bytes <= MOST_BYTES
    };
    carried.iter().take(MAX_SIGNATURES).take_while(fits).count().max(1)
}
