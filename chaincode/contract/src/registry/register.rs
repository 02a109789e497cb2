//! Changing the registry. What stands there already is left alone and not called an error, so that an interrupted run
//! can simply be run again.

use std::collections::{HashMap, HashSet};

use serde::{Serialize, de::DeserializeOwned};

use super::{Changed, Educator, Kind, Learner, Office, School, SchoolChange, read};
use crate::{
    Code, Ledger, Refusal,
    certificate::Certificate,
    id::{EducatorId, LearnerId, SchoolId},
    json, key,
    refusal::blame,
    snapshot::Snapshot,
};

/// The event that a change of the registry sets; its payload is [`Changed`].
pub const EVENT: &str = "RegistryChanged";

/// A document to be written under its key, unless it stands there.
struct Wanted<T> {
    id: String,
    key: String,
    document: T,
}

pub(crate) fn register_office(ledger: &mut dyn Ledger, office: Office) -> Result<Changed, Refusal> {
    let office = office.checked()?;
    let key = key::office(&office.id);
    let snapshot = Snapshot::read(ledger, [key.clone()])?;
    let fresh = is_new(&snapshot, &key, |standing: &Office| *standing == office)?;
    let wanted = fresh.then(|| Wanted { id: office.id.to_string(), key, document: office });
    finish(ledger, Kind::Office, wanted)
}

pub(crate) fn register_school(ledger: &mut dyn Ledger, school: School) -> Result<Changed, Refusal> {
    let school = school.checked()?;
    let key = key::school(&school.id);
    let office = school.office.as_ref().map(key::office);
    let snapshot = Snapshot::read(ledger, office.iter().chain([&key]).cloned())?;
    if let Some(office) = office.filter(|office| snapshot.text(office).is_none()) {
        return Err(Refusal::new(
            Code::NotFound,
            format!("there is no {office} on the ledger; register it first"),
        ));
    }
    let fresh = is_new(&snapshot, &key, |standing: &School| *standing == school)?;
    let wanted = fresh.then(|| Wanted { id: school.id.to_string(), key, document: school });
    finish(ledger, Kind::School, wanted)
}

pub(crate) fn update_school(ledger: &mut dyn Ledger, change: SchoolChange) -> Result<Changed, Refusal> {
    let id = change.id.to_string();
    replace(ledger, Kind::School, id, key::school(&change.id), |school: School| school.changed(change))
}

pub(crate) fn register_educators(
    ledger: &mut dyn Ledger,
    educators: Vec<Educator>,
) -> Result<Changed, Refusal> {
    let educators = check_each(educators, Educator::checked)?;
    check_single(educators.iter().map(|educator| educator.id.as_str()))?;
    check_single(educators.iter().map(|educator| educator.thumbprint.as_str()))?;
    let keys = educators.iter().flat_map(|educator| {
        [key::educator(&educator.id), key::certificate(&educator.thumbprint), key::school(&educator.school)]
    });
    let snapshot = Snapshot::read(ledger, keys)?;
    let mut authorities = HashMap::new();
    let mut wanted = Vec::new();
    for (index, educator) in educators.into_iter().enumerate() {
        if check_educator(&snapshot, &mut authorities, &educator).map_err(blame(index))? {
            let (id, key) = (educator.id.to_string(), key::educator(&educator.id));
            wanted.push(Wanted { id, key, document: educator });
        }
    }
    for educator in wanted.iter().map(|wanted| &wanted.document) {
        ledger.put(&key::certificate(&educator.thumbprint), educator.id.as_str().into())?;
    }
    finish(ledger, Kind::Educator, wanted)
}

pub(crate) fn revoke_educator(
    ledger: &mut dyn Ledger,
    id: EducatorId,
    since: i64,
) -> Result<Changed, Refusal> {
    replace(ledger, Kind::Educator, id.to_string(), key::educator(&id), |educator: Educator| {
        educator.revoked(since)
    })
}

pub(crate) fn register_learners(ledger: &mut dyn Ledger, learners: Vec<Learner>) -> Result<Changed, Refusal> {
    let learners = check_each(learners, Learner::checked)?;
    check_single(learners.iter().map(|learner| learner.id.as_str()))?;
    let keys = learners.iter().flat_map(|learner| {
        let schools = learner.enrolments.iter().map(|enrolment| key::school(&enrolment.school));
        schools.chain([key::learner(&learner.id)])
    });
    let snapshot = Snapshot::read(ledger, keys)?;
    let mut wanted = Vec::new();
    for (index, learner) in learners.into_iter().enumerate() {
        if check_learner(&snapshot, &learner).map_err(blame(index))? {
            let (id, key) = (learner.id.to_string(), key::learner(&learner.id));
            wanted.push(Wanted { id, key, document: learner });
        }
    }
    finish(ledger, Kind::Learner, wanted)
}

pub(crate) fn move_learner(
    ledger: &mut dyn Ledger,
    id: LearnerId,
    school: SchoolId,
    since: i64,
) -> Result<Changed, Refusal> {
    if ledger.get(&key::school(&school))?.is_none() {
        return Err(unknown_school(&school));
    }
    replace(ledger, Kind::Learner, id.to_string(), key::learner(&id), |learner: Learner| {
        learner.moved(school, since)
    })
}

/// Whether the educator is to be written. One that was registered so and revoked since stands.
fn check_educator(
    snapshot: &Snapshot,
    authorities: &mut HashMap<SchoolId, Certificate>,
    educator: &Educator,
) -> Result<bool, Refusal> {
    if !authorities.contains_key(&educator.school) {
        let school: Option<School> = snapshot.document(&key::school(&educator.school))?;
        let authority = school.ok_or_else(|| unknown_school(&educator.school))?.authority()?;
        authorities.insert(educator.school.clone(), authority);
    }
    educator.certificate_of(&authorities[&educator.school])?;
    let owner = snapshot.text(&key::certificate(&educator.thumbprint));
    if owner.is_some_and(|owner| owner != educator.id.as_str()) {
        return Err(Refusal::new(Code::AlreadyExists, "the certificate is registered for another educator"));
    }
    is_new(snapshot, &key::educator(&educator.id), |standing: &Educator| {
        *standing == *educator || Educator { revoked_since: None, ..standing.clone() } == *educator
    })
}

/// Whether the learner is to be written. One that was registered so and moved since stands.
fn check_learner(snapshot: &Snapshot, learner: &Learner) -> Result<bool, Refusal> {
    for enrolment in &learner.enrolments {
        if snapshot.text(&key::school(&enrolment.school)).is_none() {
            return Err(unknown_school(&enrolment.school));
        }
    }
    is_new(snapshot, &key::learner(&learner.id), |standing: &Learner| {
        standing.enrolments.starts_with(&learner.enrolments)
    })
}

fn check_each<T>(documents: Vec<T>, check: fn(T) -> Result<T, Refusal>) -> Result<Vec<T>, Refusal> {
    documents.into_iter().enumerate().map(|(index, document)| check(document).map_err(blame(index))).collect()
}

fn check_single<'a>(ids: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    let mut seen = HashSet::new();
    for (index, id) in ids.enumerate() {
        if !seen.insert(id) {
            return Err(blame(index)(Refusal::new(Code::ArgumentMalformed, format!("{id} is there twice"))));
        }
    }
    Ok(())
}

/// Whether nothing stands under the key; refuses if what stands there is not the same.
fn is_new<T: DeserializeOwned>(
    snapshot: &Snapshot,
    key: &str,
    same: impl FnOnce(&T) -> bool,
) -> Result<bool, Refusal> {
    match snapshot.document(key)? {
        None => Ok(true),
        Some(standing) if same(&standing) => Ok(false),
        Some(_) => Err(Refusal::new(Code::AlreadyExists, format!("{key} is registered already, otherwise"))),
    }
}

/// Changes the document under a key, which must be there.
fn replace<T: Serialize + DeserializeOwned + Clone + PartialEq>(
    ledger: &mut dyn Ledger,
    kind: Kind,
    id: String,
    key: String,
    change: impl FnOnce(T) -> Result<T, Refusal>,
) -> Result<Changed, Refusal> {
    let standing: T = read::get(ledger, &key)?;
    let document = change(standing.clone())?;
    let wanted = (document != standing).then_some(Wanted { id, key, document });
    finish(ledger, kind, wanted)
}

fn finish<T: Serialize>(
    ledger: &mut dyn Ledger,
    kind: Kind,
    wanted: impl IntoIterator<Item = Wanted<T>>,
) -> Result<Changed, Refusal> {
    let mut ids = Vec::new();
    for wanted in wanted {
        ledger.put(&wanted.key, json::canonical(&wanted.document))?;
        ids.push(wanted.id);
    }
    let changed = Changed { kind, ids };
    if !changed.ids.is_empty() {
        ledger.set_event(EVENT, json::canonical(&changed))?;
    }
    Ok(changed)
}

fn unknown_school(school: &SchoolId) -> Refusal {
    Refusal::new(Code::SchoolUnknown, format!("the school {school} is not registered; register it first"))
}
