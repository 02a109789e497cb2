//! Blanking a learner's entries in a body.

use std::collections::{BTreeSet, HashSet};

use sillok_proto::ledger::BatchBody;

use super::{Erasure, Erasures, MAX_PLACES};
use crate::{
    Code, Ledger, Refusal,
    act::{Erase, Place, Step},
    batch::{self, read_body},
    id::{LearnerId, OfficerId, SchoolId},
    json, key,
    refusal::blame,
};

/// The body with these entries blank, beside those that are blank already: what a redacted body must be.
pub fn redacted(mut body: BatchBody, indices: &[u32]) -> BatchBody {
    for &index in indices {
        if let Some(entry) = body.entries.get_mut(index as usize) {
            entry.clear();
        }
    }
    let erased: BTreeSet<_> = body.erased.iter().chain(indices).copied().collect();
    body.erased = erased.into_iter().collect();
    body
}

/// Erases a learner's entries in each place, all or none. The transient value by the name of each body's key
/// ([`key::body`]) is the redacted body.
pub(crate) fn erase(
    ledger: &mut dyn Ledger,
    act: &Erase,
    by: &OfficerId,
    step: &Step,
) -> Result<(), Refusal> {
    let single: HashSet<_> = act.places.iter().collect();
    if !(1..=MAX_PLACES).contains(&act.places.len()) || single.len() != act.places.len() {
        return Err(Refusal::new(
            Code::ActMalformed,
            format!("an erasure names 1 to {MAX_PLACES} batches, each once; name more in several acts"),
        ));
    }
    for (index, place) in act.places.iter().enumerate() {
        erase_in(ledger, act, place, by, step).map_err(blame(index))?;
    }
    Ok(())
}

fn erase_in(
    ledger: &mut dyn Ledger,
    act: &Erase,
    place: &Place,
    by: &OfficerId,
    step: &Step,
) -> Result<(), Refusal> {
    let Place { school, sequence } = place;
    let indices = indices_of(ledger, &act.learner, school, *sequence)?;
    let mut erasures = get(ledger, school, *sequence)?;
    let standing_key = key::revised_body(school, *sequence, erasures.revision);
    let body = check(ledger, &standing_key, &key::body(school, *sequence), &indices)?;
    erasures.revision += 1;
    ledger.private_put(key::BODIES, &key::revised_body(school, *sequence, erasures.revision), body)?;
    ledger.private_purge(key::BODIES, &standing_key)?;
    let (learner, grounds, by, step) = (act.learner.clone(), act.grounds, by.clone(), step.clone());
    erasures.erasures.push(Erasure { learner, indices, by, grounds, step });
    ledger.put(&key::erasures(school, *sequence), json::canonical(&erasures))
}

/// What was erased of a batch's body; of most, nothing.
pub(crate) fn get(ledger: &mut dyn Ledger, school: &SchoolId, sequence: u64) -> Result<Erasures, Refusal> {
    let key = key::erasures(school, sequence);
    match ledger.get(&key)? {
        Some(bytes) => json::stored(&key, &bytes),
        None => Ok(Erasures { school: school.clone(), sequence, revision: 0, erasures: Vec::new() }),
    }
}

/// Which of the batch's leaves are the learner's.
fn indices_of(
    ledger: &mut dyn Ledger,
    learner: &LearnerId,
    school: &SchoolId,
    sequence: u64,
) -> Result<Vec<u32>, Refusal> {
    let batch = batch::get_batch(ledger, school, sequence)?;
    let leaves = (0..).zip(&batch.leaves);
    let indices: Vec<u32> =
        leaves.filter(|(_, leaf)| leaf.learner == *learner).map(|(index, _)| index).collect();
    match indices.is_empty() {
        true => Err(nothing(&format!("the batch {sequence} of {school} has no entry of the learner"))),
        false => Ok(indices),
    }
}

/// The bytes that travel beside the act, which must be the standing body with exactly these entries blank as well.
fn check(
    ledger: &mut dyn Ledger,
    standing_key: &str,
    transient: &str,
    indices: &[u32],
) -> Result<Vec<u8>, Refusal> {
    let standing = ledger.private_get(key::BODIES, standing_key)?.ok_or_else(|| {
        Refusal::new(Code::NotFound, format!("this peer has no body {standing_key}; ask the other office's"))
    })?;
    let standing = read_body(&standing)?;
    if indices.iter().all(|index| standing.erased.contains(index)) {
        return Err(nothing("the learner's entries in the batch are erased already"));
    }
    let given = ledger.transient(transient).ok_or_else(|| {
        Refusal::new(Code::ErasureBody, format!("the transient value {transient} is missing"))
    })?;
    match read_body(&given)? == redacted(standing, indices) {
        true => Ok(given),
        false => Err(Refusal::new(
            Code::ErasureBody,
            "the redacted body is not the standing one with exactly the learner's entries blank",
        )),
    }
}

fn nothing(why: &str) -> Refusal {
    Refusal::new(Code::ErasureNothing, why)
}
