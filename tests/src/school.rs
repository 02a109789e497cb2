//! Schools, their educators and learners, registered on the ledger by the offices' administrators.

use sillok_contract::{
    certificate::Certificate,
    id::{EducatorId, EducatorRole, LearnerId, MspId, SchoolId},
    registry::{BatchSettings, Educator, Enrolment, Learner, Office, School as Registered},
};
use sillok_gateway::{
    keys::{AccessToken, Asked, Issued, PrivateKey, RequestSigner, SignedQueries, Validity},
    ledger::consortium::Consortium,
    service::system_clock,
};

use crate::call::AUDIENCE;

const HOUR: i64 = 3_600_000_000;

/// A school as it is to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its id before the scenario's mark.
    pub name: &'static str,
    /// How many educators.
    pub educators: usize,
    /// How many learners.
    pub learners: usize,
    /// When its batches close.
    pub batch: BatchSettings,
}

impl Plan {
    /// A small school whose batches close soon.
    pub fn new(name: &'static str) -> Self {
        let batch = BatchSettings { max_entries: 40, max_age_ms: 200 };
        Self { name, educators: 2, learners: 5, batch }
    }

    /// The same with so many learners.
    pub fn learners(self, learners: usize) -> Self {
        Self { learners, ..self }
    }

    /// The same, its batches closing at so many entries or when the oldest is so many milliseconds old.
    pub fn batches(self, max_entries: u32, max_age_ms: u32) -> Self {
        Self { batch: BatchSettings { max_entries, max_age_ms }, ..self }
    }
}

/// A school of a scenario.
#[derive(Clone, Debug)]
pub struct School {
    /// Its id.
    pub id: SchoolId,
    /// Its educators.
    pub educators: Vec<Teacher>,
    /// Its learners.
    pub learners: Vec<LearnerId>,
}

/// An educator with what they sign with.
#[derive(Clone, Debug)]
pub struct Teacher {
    /// Their id.
    pub id: EducatorId,
    /// Their school.
    pub school: SchoolId,
    /// Their certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: PrivateKey,
    signer: RequestSigner,
}

impl Teacher {
    fn new(id: EducatorId, school: SchoolId, issued: Issued) -> Self {
        let Issued { certificate, key } = issued;
        let signer = RequestSigner::new(school.clone(), AUDIENCE, &certificate, key.clone()).unwrap();
        Self { id, school, certificate, key, signer }
    }

    /// Signs for these queries now.
    pub fn signs(&self, asked: impl IntoIterator<Item = Asked>) -> SignedQueries {
        self.signer.sign(asked, now()).unwrap()
    }

    /// Signs their access tokens.
    pub fn access(&self) -> AccessToken {
        AccessToken::of_certificate(&self.certificate, self.key.clone()).unwrap()
    }
}

/// The time.
pub fn now() -> i64 {
    (system_clock())()
}

/// Registers both offices; those that are registered stay.
pub async fn register_offices(consortium: &Consortium) {
    let administrator = consortium.administrator("OfficeMSP").unwrap();
    for (msp, name) in [("OfficeMSP", "Education Office"), ("SupportMSP", "Support Office")] {
        let id = MspId::new(msp).unwrap();
        if administrator.office(&id).await.unwrap().is_none() {
            let authority = consortium.authority_certificate(msp).unwrap();
            let office = Office { id, name: name.to_owned(), authority };
            administrator.register_office(&office).await.unwrap();
        }
    }
}

/// Somebody of an office, who may see everything.
pub fn auditor(consortium: &Consortium) -> AccessToken {
    let authority = consortium.authority("OfficeMSP").unwrap();
    let Issued { certificate, key } = authority.issue("Auditor", "client", Validity::days(now(), 1)).unwrap();
    AccessToken::of_officer(&certificate, key).unwrap()
}

/// Registers a school with its people. Every id ends in the scenario's mark, because a ledger forgets nothing.
pub async fn register(consortium: &Consortium, plan: &Plan, tag: &str) -> School {
    let id = SchoolId::new(format!("{}.{tag}", plan.name)).unwrap();
    let school = Registered {
        id: id.clone(),
        name: plan.name.to_owned(),
        district: "scenarios".to_owned(),
        office: None,
        authority: consortium.authority_certificate("SchoolMSP").unwrap(),
        batch: plan.batch,
        closed_since: None,
    };
    consortium.administrator("OfficeMSP").unwrap().register_school(&school).await.unwrap();
    let educators = hire(consortium, &id, plan.educators).await;
    let learners = enrol(consortium, &id, plan.learners).await;
    School { id, educators, learners }
}

async fn hire(consortium: &Consortium, school: &SchoolId, count: usize) -> Vec<Teacher> {
    let authority = consortium.authority("SchoolMSP").unwrap();
    let issue = |number| {
        let id = EducatorId::new(format!("T{number}.{school}")).unwrap();
        let issued = authority.issue_educator(&id, Validity::days(now(), 30)).unwrap();
        Teacher::new(id, school.clone(), issued)
    };
    let teachers: Vec<_> = (1..=count).map(issue).collect();
    let document = |teacher: &Teacher| Educator {
        id: teacher.id.clone(),
        school: school.clone(),
        role: EducatorRole::new("teacher").unwrap(),
        certificate: teacher.certificate.to_pem(),
        thumbprint: String::new(),
        from: now() - HOUR,
        until: None,
        revoked_since: None,
    };
    let documents: Vec<_> = teachers.iter().map(document).collect();
    consortium.administrator("SupportMSP").unwrap().register_educators(&documents).await.unwrap();
    teachers
}

async fn enrol(consortium: &Consortium, school: &SchoolId, count: usize) -> Vec<LearnerId> {
    let ids: Vec<_> =
        (1..=count).map(|number| LearnerId::new(format!("L{number}.{school}")).unwrap()).collect();
    let document = |id: &LearnerId| Learner {
        id: id.clone(),
        enrolments: vec![Enrolment { school: school.clone(), since: now() - HOUR }],
        wallet_key: None,
    };
    let documents: Vec<_> = ids.iter().map(document).collect();
    consortium.administrator("SupportMSP").unwrap().register_learners(&documents).await.unwrap();
    ids
}
