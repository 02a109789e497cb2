//! Who plays: schools with their educators and learners, registered on the ledger by the offices' administrators.

use std::{fmt::Display, path::Path};

use sillok_contract::id::{EducatorId, SchoolId};

use super::{pupils::Pupil, stage::Stage, year};
use crate::{
    cli::{Failure, private_file},
    client::Client,
    clock,
    keys::Issued,
    ledger::school::{self, Educator, Plan},
};

/// A school of the demo.
pub(super) struct Cast {
    pub(super) id: SchoolId,
    pub(super) name: String,
    pub(super) pupils: Vec<Pupil>,
    /// One a class.
    pub(super) educators: Vec<Teacher>,
}

/// An educator, and the gateway as they see it.
#[derive(Clone)]
pub(super) struct Teacher {
    pub(super) educator: Educator,
    pub(super) client: Client,
}

/// Registers a school, an educator for each class, and the learners; gives the educators their keys.
pub(super) async fn school(
    stage: &Stage,
    name: &str,
    run: &str,
    pupils: Vec<Pupil>,
) -> Result<Cast, Failure> {
    let id = SchoolId::new(format!("{name}.{run}"))?;
    let classes = 1..=year::classes(&pupils).len();
    let plan = Plan {
        name: name.to_owned(),
        educators: classes
            .map(|class| EducatorId::new(format!("{id}.T{class}")))
            .collect::<Result<_, _>>()?,
        learners: pupils.iter().map(|pupil| pupil.id.clone()).collect(),
        since: clock::now(),
        ..Plan::new(id, 0, 0)?
    };
    let registered = school::register(&stage.consortium, &plan, &stage.audience).await?;
    let teacher = |educator: Educator| {
        let client = stage.client.with_access(educator.access());
        Teacher { educator, client }
    };
    let educators = registered.educators.into_iter().map(teacher).collect();
    Ok(Cast { id: registered.id, name: plan.name, pupils, educators })
}

/// Writes the educators' certificates and keys into a directory, each `ID.pem` and `ID.key`.
pub(super) fn write_keys(directory: &Path, cast: &Cast) -> Result<(), Failure> {
    private_file::make_directory(directory)?;
    for Educator { id, certificate, key, .. } in cast.educators.iter().map(|teacher| &teacher.educator) {
        let issued = Issued { certificate: certificate.clone(), key: key.clone() };
        issued.write_new(&directory.join(format!("{id}.pem")), &directory.join(format!("{id}.key")))?;
    }
    Ok(())
}

pub(super) fn failed(error: impl Display) -> Failure {
    Failure::failed("demo.failed", error.to_string())
}
