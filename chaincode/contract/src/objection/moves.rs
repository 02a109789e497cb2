//! How acts move an objection from state to state.

use super::{Dismissed, Objection, State, TIME_TO_DECIDE, Upheld, reason};
use crate::{
    Code, Ledger, Refusal,
    act::{ObjectionDismiss, ObjectionFile, ObjectionUphold, Step},
    batch::{self, BatchLeaf, Position},
    entry::EntryId,
    id::{LearnerId, ObjectionId, OfficerId},
    json, key, registry,
};

pub(crate) fn file(
    ledger: &mut dyn Ledger,
    act: &ObjectionFile,
    learner: LearnerId,
    filed: Step,
) -> Result<(), Refusal> {
    let ObjectionFile { objection: id, entry, school, sequence, index, digest } = act.clone();
    let key = key::objection(&id);
    if ledger.get(&key)?.is_some() {
        return Err(Refusal::new(Code::AlreadyExists, format!("{key} stands already; draw another id")));
    }
    let position = Position { school, sequence, index };
    let leaf = leaf_of(ledger, &learner, &entry, &position)?;
    let reason = reason::beside(ledger, &digest)?;
    ledger.private_put(key::BODIES, &key::objection_reason(&id), reason)?;
    ledger.put(&key::objection_of(&learner, &id), id.as_str().into())?;
    let due_at = filed.at.saturating_add(TIME_TO_DECIDE);
    ledger.put(&key::objection_due(due_at, &id), id.as_str().into())?;
    let objection = Objection {
        id,
        learner,
        entry,
        number: leaf.number,
        position,
        state: State::Filed,
        digest,
        filed,
        due_at,
        upheld: None,
        dismissed: None,
    };
    put(ledger, &objection)
}

pub(crate) fn uphold(
    ledger: &mut dyn Ledger,
    act: &ObjectionUphold,
    by: OfficerId,
    step: Step,
) -> Result<(), Refusal> {
    let ObjectionUphold { objection, entry, school, sequence, index } = act.clone();
    let mut objection = open(ledger, &objection)?;
    let position = Position { school, sequence, index };
    let leaf = leaf_of(ledger, &objection.learner, &entry, &position)?;
    if leaf.number <= objection.number {
        return Err(mismatch("what puts an entry right comes after it on the learner's trail"));
    }
    objection.state = State::Upheld;
    objection.upheld = Some(Upheld { by, entry, position, step });
    decided(ledger, &objection)
}

pub(crate) fn dismiss(
    ledger: &mut dyn Ledger,
    act: &ObjectionDismiss,
    by: OfficerId,
    step: Step,
) -> Result<(), Refusal> {
    let mut objection = open(ledger, &act.objection)?;
    let reason = reason::beside(ledger, &act.digest)?;
    ledger.private_put(key::BODIES, &key::objection_answer(&act.objection), reason)?;
    objection.state = State::Dismissed;
    objection.dismissed = Some(Dismissed { by, digest: act.digest, step });
    decided(ledger, &objection)
}

/// The objection, if nobody has decided it.
fn open(ledger: &mut dyn Ledger, id: &ObjectionId) -> Result<Objection, Refusal> {
    let objection: Objection = registry::get(ledger, &key::objection(id))?;
    match objection.state {
        State::Filed => Ok(objection),
        decided => Err(Refusal::new(
            Code::ObjectionState,
            format!("the objection {id} is {} already", json::word(&decided)),
        )),
    }
}

/// The leaf at a position, which must be this entry and this learner's.
fn leaf_of(
    ledger: &mut dyn Ledger,
    learner: &LearnerId,
    entry: &EntryId,
    at: &Position,
) -> Result<BatchLeaf, Refusal> {
    let batch = batch::get_batch(ledger, &at.school, at.sequence)?;
    let leaf = usize::try_from(at.index).ok().and_then(|index| batch.leaves.into_iter().nth(index));
    leaf.filter(|leaf| leaf.learner == *learner && leaf.entry == *entry)
        .ok_or_else(|| mismatch(&format!("{at} is not this entry of the learner {learner}")))
}

fn mismatch(why: &str) -> Refusal {
    Refusal::new(Code::ObjectionEntry, why)
}

fn decided(ledger: &mut dyn Ledger, objection: &Objection) -> Result<(), Refusal> {
    ledger.delete(&key::objection_due(objection.due_at, &objection.id))?;
    put(ledger, objection)
}

fn put(ledger: &mut dyn Ledger, objection: &Objection) -> Result<(), Refusal> {
    ledger.put(&key::objection(&objection.id), json::canonical(objection))
}
