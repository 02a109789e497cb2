//! Who plays: schools with their educators and learners, registered on the ledger by the offices' administrators.

use std::{fmt::Display, path::Path, sync::Arc};

use sillok_contract::{
    id::{EducatorId, EducatorRole, MspId, SchoolId},
    registry::{BatchSettings, Educator, Enrolment, Learner, MAX_DOCUMENTS, Office, School},
};

use super::{pupils::Pupil, year};
use crate::{
    cli::{Failure, private_file},
    client::Client,
    clock,
    keys::{AccessToken, Issued, RequestSigner, Validity},
    ledger::{consortium::Consortium, contract::Contract},
};

/// How long the educators' certificates are good, in days.
const DAYS: u32 = 365;

/// A school of the demo.
pub(super) struct Cast {
    pub(super) id: SchoolId,
    pub(super) name: String,
    pub(super) pupils: Vec<Pupil>,
    /// One a class.
    pub(super) educators: Vec<Teacher>,
}

/// An educator with what they sign with.
#[derive(Clone)]
pub(super) struct Teacher {
    pub(super) id: EducatorId,
    pub(super) issued: Arc<Issued>,
    pub(super) signer: RequestSigner,
    pub(super) client: Client,
}

/// Registers both offices; those that are registered already stay.
pub(super) async fn offices(consortium: &Consortium) -> Result<(), Failure> {
    let administrator = consortium.administrator("OfficeMSP")?;
    for (msp, name) in [("OfficeMSP", "Education Office"), ("SupportMSP", "Support Office")] {
        let id = MspId::new(msp)?;
        if administrator.office(&id).await?.is_none() {
            let authority = consortium.authority_certificate(msp)?;
            administrator.register_office(&Office { id, name: name.to_owned(), authority }).await?;
        }
    }
    Ok(())
}

/// Registers a school, an educator for each class, and the learners; gives the educators their keys.
pub(super) async fn school(
    consortium: &Consortium,
    client: &Client,
    audience: &str,
    name: &str,
    run: &str,
    pupils: Vec<Pupil>,
) -> Result<Cast, Failure> {
    let now = clock::now();
    let id = SchoolId::new(format!("{name}.{run}"))?;
    let school = School {
        id: id.clone(),
        name: name.to_owned(),
        district: "demo".to_owned(),
        office: None,
        authority: consortium.authority_certificate("SchoolMSP")?,
        batch: BatchSettings::default(),
        closed_since: None,
    };
    let office = consortium.administrator("OfficeMSP")?;
    office.register_school(&school).await?;
    let support = consortium.administrator("SupportMSP")?;
    let teachers = year::classes(&pupils).enumerate().map(|(number, _)| format!("{id}.T{}", number + 1));
    let educators = hire(consortium, &support, &id, teachers, now).await?;
    let educators = educators
        .into_iter()
        .map(|(educator, issued)| equip(client, audience, &id, educator, issued))
        .collect::<Result<_, _>>()?;
    enrol(&support, &id, &pupils, now).await?;
    Ok(Cast { id, name: name.to_owned(), pupils, educators })
}

/// Issues the educators' certificates and registers them.
async fn hire(
    consortium: &Consortium,
    support: &Contract,
    school: &SchoolId,
    names: impl Iterator<Item = String>,
    now: i64,
) -> Result<Vec<(EducatorId, Issued)>, Failure> {
    let authority = consortium.authority("SchoolMSP")?;
    let validity = Validity::days(now, DAYS);
    let hired = names
        .map(|name| {
            let id = EducatorId::new(name)?;
            let issued = authority.issue_educator(&id, validity)?;
            Ok((id, issued))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let role = EducatorRole::new("teacher")?;
    let documents: Vec<_> = hired
        .iter()
        .map(|(id, issued)| Educator {
            id: id.clone(),
            school: school.clone(),
            role: role.clone(),
            certificate: issued.certificate.to_pem(),
            thumbprint: String::new(),
            from: now,
            until: None,
            revoked_since: None,
        })
        .collect();
    for documents in documents.chunks(MAX_DOCUMENTS) {
        support.register_educators(documents).await?;
    }
    Ok(hired)
}

fn equip(
    client: &Client,
    audience: &str,
    school: &SchoolId,
    id: EducatorId,
    issued: Issued,
) -> Result<Teacher, Failure> {
    let (certificate, key) = (&issued.certificate, &issued.key);
    let access = AccessToken::of_certificate(certificate, key.clone())?;
    let signer = RequestSigner::new(school.clone(), audience, certificate, key.clone())?;
    Ok(Teacher { id, issued: Arc::new(issued), signer, client: client.with_access(access) })
}

/// Writes the educators' certificates and keys into a directory, each `ID.pem` and `ID.key`.
pub(super) fn write_keys(directory: &Path, cast: &Cast) -> Result<(), Failure> {
    private_file::make_directory(directory)?;
    for Teacher { id, issued, .. } in &cast.educators {
        issued.write_new(&directory.join(format!("{id}.pem")), &directory.join(format!("{id}.key")))?;
    }
    Ok(())
}

async fn enrol(support: &Contract, school: &SchoolId, pupils: &[Pupil], now: i64) -> Result<(), Failure> {
    let learners: Vec<_> = pupils
        .iter()
        .map(|pupil| Learner {
            id: pupil.id.clone(),
            enrolments: vec![Enrolment { school: school.clone(), since: now }],
            wallet_key: None,
        })
        .collect();
    for learners in learners.chunks(MAX_DOCUMENTS) {
        support.register_learners(learners).await?;
    }
    Ok(())
}

pub(super) fn failed(error: impl Display) -> Failure {
    Failure::failed("demo.failed", error.to_string())
}
