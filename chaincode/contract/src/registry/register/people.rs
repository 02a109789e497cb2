//! Educators, officers and signers. Those of an office are changed by its own administrators: nobody else says who acts for
//! it.

use std::collections::{HashMap, hash_map::Entry};

use super::{Wanted, check_each, check_single, finish, is_new, replace, unknown_school};
use crate::{
    Code, Ledger, Refusal,
    certificate::Certificate,
    id::{EducatorId, MspId, OfficerId, SignerId},
    key,
    refusal::blame,
    registry::{
        Changed, Educator, Kind, Office, OfficePerson, Officer, Person, School, Signer,
        person::{revoked, stands_so},
    },
    snapshot::Snapshot,
};

/// Every kind of people. An id is one person's among all of them.
const KINDS: [People; 3] = [People::of::<Educator>(), People::of::<Officer>(), People::of::<Signer>()];

/// A kind of people: the keys of their documents, and what each is called.
struct People {
    kind: Kind,
    key: fn(&str) -> String,
    who: &'static str,
}

impl People {
    const fn of<P: Person>() -> Self {
        Self { kind: P::KIND, key: P::KEY, who: P::NAMES.indefinite }
    }
}

pub(crate) fn register_educators(
    ledger: &mut dyn Ledger,
    educators: Vec<Educator>,
) -> Result<Changed, Refusal> {
    let school = |educator: &Educator| key::school(&educator.school);
    register(ledger, check_each(educators, Educator::checked)?, school, |snapshot, educator| {
        let school: Option<School> = snapshot.document(&school(educator))?;
        school.ok_or_else(|| unknown_school(&educator.school))?.authority()
    })
}

pub(crate) fn revoke_educator(
    ledger: &mut dyn Ledger,
    id: EducatorId,
    since: i64,
) -> Result<Changed, Refusal> {
    revoke(ledger, id.as_str(), |educator: Educator| revoked(educator, since))
}

pub(crate) fn register_officers(ledger: &mut dyn Ledger, officers: Vec<Officer>) -> Result<Changed, Refusal> {
    register_own(ledger, check_each(officers, Officer::checked)?)
}

pub(crate) fn revoke_officer(ledger: &mut dyn Ledger, id: OfficerId, since: i64) -> Result<Changed, Refusal> {
    revoke_own::<Officer>(ledger, id.as_str(), since)
}

pub(crate) fn register_signers(ledger: &mut dyn Ledger, signers: Vec<Signer>) -> Result<Changed, Refusal> {
    register_own(ledger, check_each(signers, Signer::checked)?)
}

pub(crate) fn revoke_signer(ledger: &mut dyn Ledger, id: SignerId, since: i64) -> Result<Changed, Refusal> {
    revoke_own::<Signer>(ledger, id.as_str(), since)
}

/// People of the creator's own office.
fn register_own<P: OfficePerson>(ledger: &mut dyn Ledger, people: Vec<P>) -> Result<Changed, Refusal> {
    let msp = ledger.creator()?.msp;
    let office = |person: &P| key::office(person.office());
    register(ledger, people, office, |snapshot, person| {
        check_office(&msp, person.office())?;
        let key = office(person);
        let office: Option<Office> = snapshot.document(&key)?;
        let unknown = || format!("there is no {key} on the ledger; register it first");
        office.ok_or_else(|| Refusal::new(Code::NotFound, unknown()))?.authority()
    })
}

fn revoke_own<P: OfficePerson>(ledger: &mut dyn Ledger, id: &str, since: i64) -> Result<Changed, Refusal> {
    let msp = ledger.creator()?.msp;
    revoke(ledger, id, |person: P| {
        check_office(&msp, person.office())?;
        revoked(person, since)
    })
}

/// Registers people whose members have been checked. `under` is the key of the school or office they are of, and `authority`
/// who issues certificates there.
fn register<P: Person>(
    ledger: &mut dyn Ledger,
    people: Vec<P>,
    under: impl Fn(&P) -> String,
    authority: impl Fn(&Snapshot, &P) -> Result<Certificate, Refusal>,
) -> Result<Changed, Refusal> {
    check_single(people.iter().map(P::id))?;
    check_single(people.iter().map(P::thumbprint))?;
    let keys = people.iter().flat_map(|person| {
        let ids = KINDS.map(|kind| (kind.key)(person.id()));
        ids.into_iter().chain([key::certificate(person.thumbprint()), under(person)])
    });
    let snapshot = Snapshot::read(ledger, keys)?;
    let mut authorities = HashMap::new();
    let mut wanted = Vec::new();
    for (index, person) in people.into_iter().enumerate() {
        let of = authority_of(&mut authorities, under(&person), || authority(&snapshot, &person));
        let fresh = of.and_then(|authority| is_fresh(&snapshot, authority, &person)).map_err(blame(index))?;
        if fresh {
            let (id, key) = (person.id().to_owned(), key_of(&person));
            wanted.push(Wanted { id, key, document: person });
        }
    }
    for person in wanted.iter().map(|wanted| &wanted.document) {
        ledger.put(&key::certificate(person.thumbprint()), owner(person).into())?;
    }
    finish(ledger, P::KIND, wanted)
}

fn revoke<P: Person>(
    ledger: &mut dyn Ledger,
    id: &str,
    change: impl FnOnce(P) -> Result<P, Refusal>,
) -> Result<Changed, Refusal> {
    replace(ledger, P::KIND, id.to_owned(), P::KEY(id), change)
}

/// An authority, which many people share and which is read once.
fn authority_of(
    known: &mut HashMap<String, Certificate>,
    under: String,
    read: impl FnOnce() -> Result<Certificate, Refusal>,
) -> Result<&Certificate, Refusal> {
    match known.entry(under) {
        Entry::Occupied(known) => Ok(known.into_mut()),
        Entry::Vacant(unknown) => Ok(unknown.insert(read()?)),
    }
}

/// Whether the person is to be written: neither their certificate nor their id may be somebody else's. One who was
/// registered so and revoked since stands.
fn is_fresh<P: Person>(snapshot: &Snapshot, authority: &Certificate, person: &P) -> Result<bool, Refusal> {
    let taken = |what: String| Err(Refusal::new(Code::AlreadyExists, what));
    person.certificate_of(authority)?;
    let standing = snapshot.text(&key::certificate(person.thumbprint()));
    if standing.is_some_and(|standing| standing != owner(person)) {
        return taken("the certificate is registered for somebody else".to_owned());
    }
    let id = person.id();
    let mut others = KINDS.iter().filter(|others| others.kind != P::KIND);
    if let Some(other) = others.find(|others| snapshot.text(&(others.key)(id)).is_some()) {
        return taken(format!("{id} is {}'s id", other.who));
    }
    is_new(snapshot, &key_of(person), |standing: &P| stands_so(standing, person))
}

fn key_of<P: Person>(person: &P) -> String {
    P::KEY(person.id())
}

/// Whose certificate it is, as the key of certificates has it.
fn owner<P: Person>(person: &P) -> String {
    match P::KIND {
        Kind::Educator => person.id().to_owned(),
        _ => key_of(person),
    }
}

fn check_office(msp: &str, office: &MspId) -> Result<(), Refusal> {
    match msp == office.as_str() {
        true => Ok(()),
        false => Err(Refusal::new(
            Code::CreatorForbidden,
            format!("this is for administrators of {office}; the creator is of {msp}"),
        )),
    }
}
