//! Objections, as learners file and officers decide them.

use sillok_contract::{
    act::{Act, ObjectionDismiss, ObjectionFile, ObjectionUphold},
    entry::EntryId,
    id::ObjectionId,
};
use sillok_gateway::{
    keys::{new_id, salted_reason},
    ledger::officer::Officer,
    service::{
        EntryState, ObjectionDecision, ObjectionFiling, ObjectionState, Objections, ObjectionsWanted, Place,
    },
};
use sillok_proto::gateway::{
    DecideObjectionRequest, FileObjectionRequest, GetObjectionRequest, ListObjectionsRequest,
    list_objections_request::State,
};

use crate::{
    call::{AUDIENCE, Answer, Caller, Face},
    pupil::Pupil,
    refusal::Failed,
    school::now,
    world::World,
};

/// Where an entry stands: school, batch and leaf.
pub async fn place(world: &World, id: EntryId) -> (EntryState, u64, u32) {
    let state = world.as_seen_by_the_office().entry(id).await.map_err(Failed::refused).unwrap();
    let Place::Recorded { sequence, index, .. } = state.place else { panic!("{id} is recorded") };
    (state, sequence, index)
}

/// What a learner signs and sends to object to an entry.
pub async fn filing(world: &World, pupil: &Pupil, entry: EntryId, why: &str) -> ObjectionFiling {
    let (state, sequence, index) = place(world, entry).await;
    let (reason, digest) = salted_reason(why).unwrap();
    let objection = ObjectionId::new(new_id().unwrap()).unwrap();
    let act = ObjectionFile { objection, entry, school: state.school, sequence, index, digest };
    ObjectionFiling { act: pupil.wallet.acts(AUDIENCE).sign(act, now()).unwrap(), reason }
}

/// What an officer signs to uphold an objection.
pub async fn upholding(
    world: &World,
    officer: &Officer,
    objection: &ObjectionId,
    entry: EntryId,
) -> ObjectionDecision {
    let (state, sequence, index) = place(world, entry).await;
    let objection = objection.clone();
    let act = ObjectionUphold { objection, entry, school: state.school, sequence, index };
    ObjectionDecision { act: signed(officer, act), reason: None }
}

/// What an officer signs to dismiss an objection.
pub fn dismissal(officer: &Officer, objection: &ObjectionId, why: &str) -> ObjectionDecision {
    let (reason, digest) = salted_reason(why).unwrap();
    let act = ObjectionDismiss { objection: objection.clone(), digest };
    ObjectionDecision { act: signed(officer, act), reason: Some(reason) }
}

fn signed(officer: &Officer, act: impl Into<Act>) -> String {
    officer.acts(AUDIENCE).unwrap().sign(act, now()).unwrap()
}

impl Caller {
    /// Objects to an entry.
    pub async fn file_objection(&self, filing: &ObjectionFiling) -> Answer<ObjectionState> {
        match self.face {
            Face::Rest => Ok(self.rest.file_objection(filing).await?),
            Face::Grpc => {
                let ObjectionFiling { act, reason } = filing.clone();
                let call = self.with_token("FileObjection", FileObjectionRequest { act, reason });
                let filed = self.grpc.clone().file_objection(call).await?.into_inner();
                Ok(serde_json::from_str(&filed.json).unwrap())
            }
        }
    }

    /// Objections: a page of them.
    pub async fn objections(&self, wanted: &ObjectionsWanted) -> Answer<Objections> {
        match self.face {
            Face::Rest => Ok(self.rest.objections(wanted).await?),
            Face::Grpc => {
                let state = match wanted.open {
                    None => State::Unspecified,
                    Some(true) => State::Open,
                    Some(false) => State::All,
                };
                let learner = wanted.learner.as_ref().map(ToString::to_string).unwrap_or_default();
                let bookmark = wanted.bookmark.clone();
                let asked = ListObjectionsRequest { state: state.into(), learner, bookmark };
                let call = self.with_token("ListObjections", asked);
                let page = self.grpc.clone().list_objections(call).await?.into_inner();
                Ok(serde_json::from_str(&page.json).unwrap())
            }
        }
    }

    /// An objection with its reasons.
    pub async fn objection(&self, id: &ObjectionId) -> Answer<ObjectionState> {
        match self.face {
            Face::Rest => Ok(self.rest.objection(id).await?),
            Face::Grpc => {
                let asked = GetObjectionRequest { objection: id.to_string() };
                let call = self.with_token("GetObjection", asked);
                let objection = self.grpc.clone().get_objection(call).await?.into_inner();
                Ok(serde_json::from_str(&objection.json).unwrap())
            }
        }
    }

    /// Upholds an objection, or dismisses it.
    pub async fn decide_objection(
        &self,
        id: &ObjectionId,
        decision: &ObjectionDecision,
    ) -> Answer<ObjectionState> {
        match self.face {
            Face::Rest => Ok(self.rest.decide_objection(id, decision).await?),
            Face::Grpc => {
                let ObjectionDecision { act, reason } = decision.clone();
                let (objection, reason) = (id.to_string(), reason.unwrap_or_default());
                let asked = DecideObjectionRequest { objection, act, reason };
                let call = self.with_token("DecideObjection", asked);
                let decided = self.grpc.clone().decide_objection(call).await?.into_inner();
                Ok(serde_json::from_str(&decided.json).unwrap())
            }
        }
    }
}
