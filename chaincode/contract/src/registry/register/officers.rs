//! Officers, by the administrators of their own office.

use super::{
    Wanted, check_each, check_id, check_office, check_owner, check_single, finish, is_new, own_authority,
    replace,
};
use crate::{
    Ledger, Refusal,
    id::OfficerId,
    key,
    refusal::blame,
    registry::{Changed, Kind, Officer},
    snapshot::Snapshot,
};

pub(crate) fn register_officers(ledger: &mut dyn Ledger, officers: Vec<Officer>) -> Result<Changed, Refusal> {
    let msp = ledger.creator()?.msp;
    let officers = check_each(officers, Officer::checked)?;
    check_single(officers.iter().map(|officer| officer.id.as_str()))?;
    check_single(officers.iter().map(|officer| officer.thumbprint.as_str()))?;
    let keys = officers.iter().flat_map(|officer| {
        let Officer { id, thumbprint, office, .. } = officer;
        let others = [key::educator(id), key::signer(id)];
        others.into_iter().chain([key::officer(id), key::certificate(thumbprint), key::office(office)])
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
    officer.certificate_of(&own_authority(snapshot, msp, &officer.office)?)?;
    check_owner(snapshot, &officer.thumbprint, &key::officer(&officer.id))?;
    let id = &officer.id;
    let others = [(key::educator(id), "an educator's"), (key::signer(id), "a signer's")];
    check_id(snapshot, id, others)?;
    is_new(snapshot, &key::officer(&officer.id), |standing: &Officer| {
        *standing == *officer || Officer { revoked_since: None, ..standing.clone() } == *officer
    })
}
