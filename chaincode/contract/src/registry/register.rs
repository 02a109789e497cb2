//! Changing the registry. What stands there already is left alone and not called an error, so that an interrupted run
//! can simply be run again.

mod learners;
mod people;

use std::collections::HashSet;

use serde::{Serialize, de::DeserializeOwned};

pub(crate) use learners::{move_learner, register_learners, register_wallet_key, revoke_wallet_key};
pub(crate) use people::{
    register_educators, register_officers, register_signers, revoke_educator, revoke_officer, revoke_signer,
};

use super::{Changed, Kind, Office, School, SchoolChange, read};
use crate::{Code, Ledger, Refusal, id::SchoolId, json, key, refusal::blame, snapshot::Snapshot};

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
