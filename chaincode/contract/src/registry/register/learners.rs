//! Learners.

use super::{Wanted, check_each, check_single, finish, is_new, replace, unknown_school};
use crate::{
    Ledger, Refusal,
    id::{LearnerId, SchoolId},
    key,
    refusal::blame,
    registry::{Changed, Kind, Learner, WalletKey},
    snapshot::Snapshot,
};

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
