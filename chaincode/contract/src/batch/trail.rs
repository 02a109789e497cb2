//! How long a learner's trail is, so that the offices' signatures say it.
//!
//! Both offices are asked to endorse the answer, and nothing is submitted. An endorsement names its transaction in the
//! event alone, so this sets one that nobody will hear.

use sillok_proto::ledger::LearnerHead;

use super::{read::position, reply::Trail};
use crate::{
    Code, Ledger, Refusal,
    id::LearnerId,
    json, key,
    snapshot::{Snapshot, damaged},
};

/// The event; its payload is [`Trail`].
pub const EVENT: &str = "TrailTold";

/// A learner's count of entries and the place of the last, told to who drew the nonce.
pub(crate) fn get_trail(ledger: &mut dyn Ledger, learner: LearnerId, nonce: &str) -> Result<Trail, Refusal> {
    let (known, trail) = (key::learner(&learner), key::trail(&learner));
    let snapshot = Snapshot::read(ledger, [known.clone(), trail.clone()])?;
    if snapshot.text(&known).is_none() {
        return Err(Refusal::new(Code::NotFound, format!("there is no {known} on the ledger")));
    }
    let LearnerHead { count, last } = snapshot.message(&trail)?.unwrap_or_default();
    let last = last.map(|last| position(last).ok_or_else(|| damaged(&trail))).transpose()?;
    let (time, transaction) = (ledger.timestamp(), ledger.transaction_id().to_owned());
    let told = Trail { learner, count, last, nonce: nonce.to_owned(), time, transaction };
    ledger.set_event(EVENT, json::reply(&told))?;
    Ok(told)
}
