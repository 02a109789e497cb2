//! Signers, by the administrators of the office whose authority gave them their certificates.

use super::{
    Wanted, check_each, check_id, check_office, check_owner, check_single, finish, is_new, own_authority,
    replace,
};
use crate::{
    Ledger, Refusal,
    id::SignerId,
    key,
    refusal::blame,
    registry::{Changed, Kind, Signer},
    snapshot::Snapshot,
};

pub(crate) fn register_signers(ledger: &mut dyn Ledger, signers: Vec<Signer>) -> Result<Changed, Refusal> {
    let msp = ledger.creator()?.msp;
    let signers = check_each(signers, Signer::checked)?;
    check_single(signers.iter().map(|signer| signer.id.as_str()))?;
    check_single(signers.iter().map(|signer| signer.thumbprint.as_str()))?;
    let keys = signers.iter().flat_map(|signer| {
        let Signer { id, thumbprint, office, .. } = signer;
        let others = [key::educator(id), key::officer(id)];
        others.into_iter().chain([key::signer(id), key::certificate(thumbprint), key::office(office)])
    });
    let snapshot = Snapshot::read(ledger, keys)?;
    let mut wanted = Vec::new();
    for (index, signer) in signers.into_iter().enumerate() {
        if check_signer(&snapshot, &msp, &signer).map_err(blame(index))? {
            let (id, key) = (signer.id.to_string(), key::signer(&signer.id));
            wanted.push(Wanted { id, key, document: signer });
        }
    }
    for signer in wanted.iter().map(|wanted| &wanted.document) {
        ledger.put(&key::certificate(&signer.thumbprint), key::signer(&signer.id).into())?;
    }
    finish(ledger, Kind::Signer, wanted)
}

pub(crate) fn revoke_signer(ledger: &mut dyn Ledger, id: SignerId, since: i64) -> Result<Changed, Refusal> {
    let msp = ledger.creator()?.msp;
    replace(ledger, Kind::Signer, id.to_string(), key::signer(&id), |signer: Signer| {
        check_office(&msp, &signer.office)?;
        signer.revoked(since)
    })
}

/// Whether the signer is to be written. One that was registered so and revoked since stands.
fn check_signer(snapshot: &Snapshot, msp: &str, signer: &Signer) -> Result<bool, Refusal> {
    signer.certificate_of(&own_authority(snapshot, msp, &signer.office)?)?;
    check_owner(snapshot, &signer.thumbprint, &key::signer(&signer.id))?;
    let id = &signer.id;
    let others = [(key::educator(id), "an educator's"), (key::officer(id), "an officer's")];
    check_id(snapshot, id, others)?;
    is_new(snapshot, &key::signer(&signer.id), |standing: &Signer| {
        *standing == *signer || Signer { revoked_since: None, ..standing.clone() } == *signer
    })
}
