//! The operations on objections, as the faces call them.

use sillok_contract::id::ObjectionId;

use super::{ObjectionDecision, ObjectionFiling, ObjectionState, Objections, ObjectionsWanted};
use crate::{
    problem::Problem,
    service::{Caller, Service},
};

impl Service {
    /// A learner objects to an entry about them, by an act of their wallet's key. The same act again answers as the first
    /// time.
    pub async fn file_objection(
        &self,
        caller: &Caller,
        filing: ObjectionFiling,
    ) -> Result<ObjectionState, Problem> {
        self.core.file_objection(caller, filing).await
    }

    /// Objections, page by page, without the reasons: for the offices those that are not decided, or a learner's; for a
    /// learner their own.
    pub async fn objections(&self, caller: &Caller, wanted: ObjectionsWanted) -> Result<Objections, Problem> {
        self.core.objections(caller, wanted).await
    }

    /// An objection with the reasons, for its learner and the offices.
    pub async fn objection(&self, caller: &Caller, id: &ObjectionId) -> Result<ObjectionState, Problem> {
        self.core.objection(caller, id).await
    }

    /// An officer upholds an objection, naming the correction, or dismisses it with a reason, by an act of their own key.
    pub async fn decide_objection(
        &self,
        caller: &Caller,
        id: &ObjectionId,
        decision: ObjectionDecision,
    ) -> Result<ObjectionState, Problem> {
        self.core.decide_objection(caller, id, decision).await
    }
}
