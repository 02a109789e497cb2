//! Educators and learners.

use std::collections::HashMap;

use super::{
    Wanted, check_each, check_id, check_owner, check_single, finish, is_new, replace, unknown_school,
};
use crate::{
    Ledger, Refusal,
    certificate::Certificate,
    id::{EducatorId, LearnerId, SchoolId},
    key,
    refusal::blame,
    registry::{Changed, Educator, Kind, Learner, School, WalletKey},
    snapshot::Snapshot,
};

pub(crate) fn register_educators(
    ledger: &mut dyn Ledger,
    educators: Vec<Educator>,
) -> Result<Changed, Refusal> {
    let educators = check_each(educators, Educator::checked)?;
    check_single(educators.iter().map(|educator| educator.id.as_str()))?;
    check_single(educators.iter().map(|educator| educator.thumbprint.as_str()))?;
    let keys = educators.iter().flat_map(|educator| {
        let Educator { id, thumbprint, school, .. } = educator;
        let others = [key::officer(id), key::signer(id)];
        others.into_iter().chain([key::educator(id), key::certificate(thumbprint), key::school(school)])
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

pub(crate) fn register_wallet_key(
    ledger: &mut dyn Ledger,
    id: LearnerId,
    wallet: WalletKey,
) -> Result<Changed, Refusal> {
    replace(ledger, Kind::Learner, id.to_string(), key::learner(&id), |learner: Learner| {
        learner.with_wallet(wallet)
    })
}

pub(crate) fn revoke_wallet_key(
    ledger: &mut dyn Ledger,
    id: LearnerId,
    since: i64,
) -> Result<Changed, Refusal> {
    replace(ledger, Kind::Learner, id.to_string(), key::learner(&id), |learner: Learner| {
        learner.without_wallet(since)
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
    check_owner(snapshot, &educator.thumbprint, educator.id.as_str())?;
    let id = &educator.id;
    let others = [(key::officer(id), "an officer's"), (key::signer(id), "a signer's")];
    check_id(snapshot, id, others)?;
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
