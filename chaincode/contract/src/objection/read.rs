//! Reading objections.

use serde::{Deserialize, Serialize};

use super::Objection;
use crate::{
    Ledger, Refusal,
    id::{LearnerId, ObjectionId},
    json::base64_bytes,
    key,
    registry::{self, Listing},
};

/// Why an objection was filed and dismissed: the answer to `GetObjectionTexts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectionTexts {
    /// The objection.
    pub id: ObjectionId,
    /// The bytes of the learner's [`super::Reason`], if this peer has them; in JSON base64.
    #[serde(default, with = "base64_bytes::optional", skip_serializing_if = "Option::is_none")]
    pub reason: Option<Vec<u8>>,
    /// The bytes of the office's, where the objection was dismissed and this peer has them.
    #[serde(default, with = "base64_bytes::optional", skip_serializing_if = "Option::is_none")]
    pub answer: Option<Vec<u8>>,
}

pub(crate) fn get(ledger: &mut dyn Ledger, id: &ObjectionId) -> Result<Objection, Refusal> {
    registry::get(ledger, &key::objection(id))
}

/// A page of a learner's objections, in the order of their ids.
pub(crate) fn list(
    ledger: &mut dyn Ledger,
    learner: &LearnerId,
    page_size: u32,
    bookmark: &str,
) -> Result<Listing<Objection>, Refusal> {
    registry::list_of(ledger, &key::objection_of(learner, ""), |id| key::objection(id), page_size, bookmark)
}

/// A page of the objections that are not decided, those that are due first at the front.
pub(crate) fn list_open(
    ledger: &mut dyn Ledger,
    page_size: u32,
    bookmark: &str,
) -> Result<Listing<Objection>, Refusal> {
    registry::list_of(ledger, "objection-due/", |id| key::objection(id), page_size, bookmark)
}

pub(crate) fn texts(ledger: &mut dyn Ledger, id: ObjectionId) -> Result<ObjectionTexts, Refusal> {
    get(ledger, &id)?;
    let reason = ledger.private_get(key::BODIES, &key::objection_reason(&id))?;
    let answer = ledger.private_get(key::BODIES, &key::objection_answer(&id))?;
    Ok(ObjectionTexts { id, reason, answer })
}
