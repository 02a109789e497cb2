//! A new school with its people, as the offices' administrators register it: what the demo and the tests begin with.
//!
//! Its educators' keys are made here. Those of real ones are made where they stay, by `sillok keys`.

use sillok_contract::{
    Refusal,
    access::{OFFICE, SCHOOL, SUPPORT},
    certificate::Certificate,
    id::{EducatorId, EducatorRole, LearnerId, MspId, SchoolId},
    registry::{self, BatchSettings, Enrolment, Learner, MAX_DOCUMENTS, Office},
};

use super::{
    LedgerError,
    consortium::{Consortium, ConsortiumError},
};
use crate::{
    clock,
    keys::{AccessToken, Asked, Authority, KeyError, PrivateKey, RequestSigner, SignedQueries, Validity},
};

/// How long the educators' certificates are good, in days.
const DAYS: u32 = 365;

/// A school as it is to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its id.
    pub id: SchoolId,
    /// Its name.
    pub name: String,
    /// When its batches close.
    pub batch: BatchSettings,
    /// Its educators.
    pub educators: Vec<EducatorId>,
    /// Its learners.
    pub learners: Vec<LearnerId>,
    /// Since when they are there, in microseconds since the Unix epoch.
    pub since: i64,
}

impl Plan {
    /// A school with so many educators, `T1.SCHOOL` and on, and learners, `L1.SCHOOL` and on, who have always been there.
    pub fn new(id: SchoolId, educators: usize, learners: usize) -> Result<Self, Refusal> {
        Ok(Self {
            name: id.to_string(),
            batch: BatchSettings::default(),
            educators: (1..=educators)
                .map(|number| EducatorId::new(format!("T{number}.{id}")))
                .collect::<Result<_, _>>()?,
            learners: (1..=learners)
                .map(|number| LearnerId::new(format!("L{number}.{id}")))
                .collect::<Result<_, _>>()?,
            since: 0,
            id,
        })
    }

    /// The registry's document of the school; `authority` (PEM) issues its educators' certificates.
    pub fn document(&self, authority: String) -> registry::School {
        registry::School {
            id: self.id.clone(),
            name: self.name.clone(),
            district: "example".to_owned(),
            office: None,
            authority,
            batch: self.batch,
            closed_since: None,
        }
    }
}

/// A registered school.
#[derive(Clone, Debug)]
pub struct School {
    /// Its id.
    pub id: SchoolId,
    /// Its educators.
    pub educators: Vec<Educator>,
    /// Its learners.
    pub learners: Vec<LearnerId>,
}

/// A registered educator with what they sign with.
#[derive(Clone, Debug)]
pub struct Educator {
    /// Their id.
    pub id: EducatorId,
    /// Their school.
    pub school: SchoolId,
    /// Their certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: PrivateKey,
    signer: RequestSigner,
    access: AccessToken,
}

impl Educator {
    /// Issues a certificate for requests and access tokens to the gateway that calls itself `audience`.
    fn new(
        authority: &Authority,
        school: SchoolId,
        id: EducatorId,
        audience: &str,
    ) -> Result<Self, KeyError> {
        let issued = authority.issue_educator(&id, Validity::days(clock::now(), DAYS))?;
        let (certificate, key) = (issued.certificate, issued.key);
        let signer = RequestSigner::new(school.clone(), audience, &certificate, key.clone())?;
        let access = AccessToken::of_certificate(&certificate, key.clone())?;
        Ok(Self { id, school, certificate, key, signer, access })
    }

    /// Signs for these queries now.
    pub fn signs(&self, asked: impl IntoIterator<Item = Asked>) -> Result<SignedQueries, KeyError> {
        self.signer.sign(asked, clock::now())
    }

    /// Signs their access tokens.
    pub fn access(&self) -> AccessToken {
        self.access.clone()
    }

    fn document(&self, role: &EducatorRole, from: i64) -> registry::Educator {
        registry::Educator {
            id: self.id.clone(),
            school: self.school.clone(),
            role: role.clone(),
            certificate: self.certificate.to_pem(),
            thumbprint: String::new(),
            from,
            until: None,
            revoked_since: None,
        }
    }
}

/// Why a school could not be registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// An administrator or an authority is not to be had.
    #[error(transparent)]
    Consortium(#[from] ConsortiumError),
    /// The ledger did not take a document.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A key or certificate could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An id is not of its form.
    #[error(transparent)]
    Id(#[from] Refusal),
}

/// Registers both offices; those that are registered already stay.
pub async fn register_offices(consortium: &Consortium) -> Result<(), RegisterError> {
    let administrator = consortium.administrator(OFFICE)?;
    for (msp, name) in [(OFFICE, "Education Office"), (SUPPORT, "Support Office")] {
        let id = MspId::new(msp)?;
        if administrator.office(&id).await?.is_none() {
            let authority = consortium.authority_certificate(msp)?;
            administrator.register_office(&Office { id, name: name.to_owned(), authority }).await?;
        }
    }
    Ok(())
}

/// Registers a school with its people, who call the gateway that calls itself `audience`.
pub async fn register(consortium: &Consortium, plan: &Plan, audience: &str) -> Result<School, RegisterError> {
    let school = plan.document(consortium.authority_certificate(SCHOOL)?);
    consortium.administrator(OFFICE)?.register_school(&school).await?;
    let educators = hire(consortium, plan, audience).await?;
    enrol(consortium, plan).await?;
    Ok(School { id: plan.id.clone(), educators, learners: plan.learners.clone() })
}

async fn hire(consortium: &Consortium, plan: &Plan, audience: &str) -> Result<Vec<Educator>, RegisterError> {
    let authority = consortium.authority(SCHOOL)?;
    let hired = |id: &EducatorId| Educator::new(&authority, plan.id.clone(), id.clone(), audience);
    let educators = plan.educators.iter().map(hired).collect::<Result<Vec<_>, _>>()?;
    let (administrator, role) = (consortium.administrator(SUPPORT)?, EducatorRole::new("teacher")?);
    let documents: Vec<_> = educators.iter().map(|educator| educator.document(&role, plan.since)).collect();
    for documents in documents.chunks(MAX_DOCUMENTS) {
        administrator.register_educators(documents).await?;
    }
    Ok(educators)
}

async fn enrol(consortium: &Consortium, plan: &Plan) -> Result<(), RegisterError> {
    let administrator = consortium.administrator(SUPPORT)?;
    let enrolments = vec![Enrolment { school: plan.id.clone(), since: plan.since }];
    let document =
        |id: &LearnerId| Learner { id: id.clone(), enrolments: enrolments.clone(), wallets: Vec::new() };
    let documents: Vec<_> = plan.learners.iter().map(document).collect();
    for documents in documents.chunks(MAX_DOCUMENTS) {
        administrator.register_learners(documents).await?;
    }
    Ok(())
}
