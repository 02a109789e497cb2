//! Who signed a request: an educator, or an officer where it has a purpose.

use std::sync::Arc;

use sillok_contract::{Code, Refusal, certificate::Certificate, id::EducatorId, request::SignedRequest};

use super::{
    Core, problems,
    registry::{KnownEducator, KnownOfficer, KnownSchool},
};
use crate::problem::{Kind, Problem};

/// Who has the certificate that a request names.
pub(super) enum Signer {
    Educator(Arc<KnownEducator>),
    Officer(Arc<KnownOfficer>),
}

impl Signer {
    /// As entries name them.
    pub(super) fn id(&self) -> EducatorId {
        match self {
            Self::Educator(educator) => educator.id.clone(),
            Self::Officer(officer) => officer.id.clone().into(),
        }
    }

    /// Their certificate, or why it cannot be read.
    pub(super) fn certificate(&self) -> Result<&Certificate, Refusal> {
        match self {
            Self::Educator(educator) => educator.certificate(),
            Self::Officer(officer) => officer.certificate(),
        }
    }
}

impl Core {
    /// Who is registered with the certificate that the request names: among educators, or officers where it has a
    /// purpose.
    pub(super) async fn signer(&self, signed: &SignedRequest) -> Result<Option<Signer>, Problem> {
        let thumbprint = &signed.thumbprint;
        Ok(match signed.payload.purpose {
            None => self.registry.educator(thumbprint).await?.map(Signer::Educator),
            Some(_) => self.registry.officer(thumbprint).await?.map(Signer::Officer),
        })
    }

    /// The educator or officer who has the certificate with this SHA-256.
    pub(super) async fn registered(&self, thumbprint: &[u8; 32]) -> Result<Option<Signer>, Problem> {
        if let Some(educator) = self.registry.educator(thumbprint).await? {
            return Ok(Some(Signer::Educator(educator)));
        }
        Ok(self.registry.officer(thumbprint).await?.map(Signer::Officer))
    }

    /// Refuses a signer who may not act for this school's learners at a time.
    pub(super) async fn may_act(
        &self,
        signer: &Signer,
        school: &KnownSchool,
        time: i64,
    ) -> Result<(), Problem> {
        let forbidden = |refusal: Refusal| problems::of_refusal(Kind::Forbidden, &refusal);
        match signer {
            Signer::Educator(educator) => educator.may_act(school, time).map_err(forbidden),
            Signer::Officer(officer) => {
                school.open_at(time).map_err(forbidden)?;
                let office = self.registry.office(&officer.office).await?;
                let office =
                    office.ok_or_else(|| problems::internal(&"an officer's office is not registered"))?;
                officer.may_act_for(&office, time).map_err(forbidden)
            }
        }
    }
}

/// Nobody is registered with the certificate that the request names.
pub(super) fn unknown(signed: &SignedRequest) -> Problem {
    let (code, whose) = match signed.payload.purpose {
        None => (Code::EducatorUnknown, "educator"),
        Some(_) => (Code::OfficerUnknown, "officer"),
    };
    let detail =
        format!("the request's x5t#S256 is of no registered {whose}'s certificate; have it registered first");
    problems::of_refusal(Kind::Unauthenticated, &Refusal::new(code, detail))
}
