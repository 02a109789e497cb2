//! Officers, by the administrators of their own office.

use super::{Wanted, check_each, check_owner, check_single, finish, is_new, replace};
use crate::{
    Code, Ledger, Refusal,
    id::{MspId, OfficerId},
    key,
    refusal::blame,
    registry::{Changed, Kind, Office, Officer},
    snapshot::Snapshot,
};

pub(crate) fn register_officers(ledger: &mut dyn Ledger, officers: Vec<Officer>) -> Result<Changed, Refusal> {
    let msp = ledger.creator()?.msp;
    let officers = check_each(officers, Officer::checked)?;
    check_single(officers.iter().map(|officer| officer.id.as_str()))?;
    check_single(officers.iter().map(|officer| officer.thumbprint.as_str()))?;
    let keys = officers.iter().flat_map(|officer| {
        let Officer { id, thumbprint, office, .. } = officer;
        [key::officer(id), key::educator(id), key::certificate(thumbprint), key::office(office)]
    });
    let snapshot = Snapshot::read(ledger, keys)?;
    let mut wanted = Vec::new();
    for (index, officer) in officers.into_iter().enumerate() {
        if check_officer(&snapshot, &msp, &officer).map_err(blame(index))? {
            let (id, key) = (officer.id.to_string(), key::officer(&officer.id));
            wanted.push(Wanted { id, key, document: officer });
        }
    }
    for officer in wanted.iter().map(|wanted| &wanted.document) {
        ledger.put(&key::certificate(&officer.thumbprint), key::officer(&officer.id).into())?;
    }
    finish(ledger, Kind::Officer, wanted)
}

pub(crate) fn revoke_officer(ledger: &mut dyn Ledger, id: OfficerId, since: i64) -> Result<Changed, Refusal> {
    let msp = ledger.creator()?.msp;
    replace(ledger, Kind::Officer, id.to_string(), key::officer(&id), |officer: Officer| {
        check_office(&msp, &officer.office)?;
        officer.revoked(since)
    })
}

/// Whether the officer is to be written. One that was registered so and revoked since stands.
fn check_officer(snapshot: &Snapshot, msp: &str, officer: &Officer) -> Result<bool, Refusal> {
    check_office(msp, &officer.office)?;
    let key = key::office(&officer.office);
    let office: Option<Office> = snapshot.document(&key)?;
    let office = office.ok_or_else(|| {
        Refusal::new(Code::NotFound, format!("there is no {key} on the ledger; register it first"))
    })?;
    officer.certificate_of(&office.authority()?)?;
    check_owner(snapshot, &officer.thumbprint, &key::officer(&officer.id))?;
    if snapshot.text(&key::educator(&officer.id)).is_some() {
        return Err(Refusal::new(Code::AlreadyExists, format!("{} is an educator's id", officer.id)));
    }
    is_new(snapshot, &key::officer(&officer.id), |standing: &Officer| {
        *standing == *officer || Officer { revoked_since: None, ..standing.clone() } == *officer
    })
}

/// Nobody but an office itself says who acts for it.
fn check_office(msp: &str, office: &MspId) -> Result<(), Refusal> {
    match msp == office.as_str() {
        true => Ok(()),
        false => Err(Refusal::new(
            Code::CreatorForbidden,
            format!("this is for administrators of {office}; the creator is of {msp}"),
        )),
    }
}
