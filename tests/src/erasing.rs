//! Erasure, as officers have it done.

use sillok_contract::{
    act::{Erase, Grounds, Place},
    id::LearnerId,
};
use sillok_gateway::{
    ledger::officer::Officer,
    service::{ErasureRequest, ErasureState, StandingPlace},
};
use sillok_proto::gateway::{EraseLearnerRequest, GetErasureRequest};

use crate::{
    call::{AUDIENCE, Answer, Caller, Face},
    school::now,
};

/// What is named in an act: these batches of a learner's.
pub fn naming(learner: &LearnerId, standing: &[StandingPlace]) -> Erase {
    let place = |of: &StandingPlace| Place { school: of.school.clone(), sequence: of.sequence };
    let places = standing.iter().map(place).collect();
    Erase { learner: learner.clone(), grounds: Grounds::DataSubjectRequest, places }
}

/// The same, signed by an officer.
pub fn signed(officer: &Officer, erase: Erase) -> ErasureRequest {
    ErasureRequest { act: Some(officer.acts(AUDIENCE).unwrap().sign(erase, now()).unwrap()) }
}

impl Caller {
    /// What of a learner's entries is erased.
    pub async fn erasure(&self, learner: &LearnerId) -> Answer<ErasureState> {
        match self.face {
            Face::Rest => Ok(self.rest.erasure(learner).await?),
            Face::Grpc => {
                let asked = GetErasureRequest { learner: learner.to_string() };
                let call = self.with_token("GetErasure", asked);
                let state = self.grpc.clone().get_erasure(call).await?.into_inner();
                Ok(serde_json::from_str(&state.json).unwrap())
            }
        }
    }

    /// Erases the bodies of a learner's entries.
    pub async fn erase(&self, learner: &LearnerId, request: &ErasureRequest) -> Answer<ErasureState> {
        match self.face {
            Face::Rest => Ok(self.rest.erase(learner, request).await?),
            Face::Grpc => {
                let (learner, act) = (learner.to_string(), request.act.clone().unwrap_or_default());
                let call = self.with_token("EraseLearner", EraseLearnerRequest { learner, act });
                let state = self.grpc.clone().erase_learner(call).await?.into_inner();
                Ok(serde_json::from_str(&state.json).unwrap())
            }
        }
    }
}
