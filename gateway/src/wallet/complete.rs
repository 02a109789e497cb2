//! Whether a wallet holds all there is: what it is measured by are the offices' signatures alone.

use sillok_contract::{
    batch::{Position, Trail},
    id::LearnerId,
};

use super::{Wallet, WalletError};
use crate::{ledger::receipt::Roots, proof::Verified};

/// A wallet that holds every entry there was when the offices were asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Complete {
    /// What the proofs prove, in the order of the entries.
    pub entries: Vec<Verified>,
    /// What both offices attest.
    pub trail: Trail,
}

/// Checks a whole wallet. What is forged is told before what is missing.
pub(super) fn verify(wallet: &Wallet, roots: &Roots) -> Result<Complete, WalletError> {
    if wallet.roots != *roots {
        return Err(WalletError::OtherRoots);
    }
    let entries = entries(wallet)?;
    let trail = wallet.attestation.as_ref().map(|attestation| attestation.verify(&wallet.learner, roots));
    check_order(&entries, &wallet.learner)?;
    let trail = trail.transpose()?;
    check_whole(&entries, trail.as_ref())?;
    let trail = trail.ok_or(WalletError::Unattested { held: entries.len() as u64 })?;
    if let Some(last) = entries.last()
        && Some(last.position()) != trail.last
    {
        return Err(WalletError::Last);
    }
    Ok(Complete { entries, trail })
}

/// What the proofs prove, each by itself.
pub(super) fn entries(wallet: &Wallet) -> Result<Vec<Verified>, WalletError> {
    let each = (1..)
        .zip(wallet.proofs.verify(&wallet.roots))
        .map(|(number, verified)| verified.map_err(|error| WalletError::Proof { number, error }));
    each.collect()
}

/// Every entry is this learner's, and each that follows the one before it names it.
fn check_order(entries: &[Verified], learner: &LearnerId) -> Result<(), WalletError> {
    let mut before: Option<&Verified> = None;
    for entry in entries {
        let follows = before.is_none_or(|before| before.number < entry.number) && entry.number > 0;
        if !follows {
            return Err(WalletError::Order { number: entry.number });
        }
        let previous = before.filter(|before| before.number + 1 == entry.number).map(Verified::position);
        // What stands before the gap is not known.
        let is_known = previous.is_some() || entry.number == 1;
        let previous = if is_known { previous.as_ref() } else { entry.previous.as_ref() };
        check_next(entry, learner, entry.number, previous)?;
        before = Some(entry);
    }
    Ok(())
}

/// The entry is this learner's, of this number, and names the one that stands before it.
pub(super) fn check_next(
    entry: &Verified,
    learner: &LearnerId,
    number: u64,
    previous: Option<&Position>,
) -> Result<(), WalletError> {
    if entry.entry.learner != *learner {
        return Err(WalletError::OtherLearner { number, learner: entry.entry.learner.clone() });
    }
    if entry.number != number {
        return Err(WalletError::OtherNumber { number, told: entry.number });
    }
    match entry.previous.as_ref() == previous {
        true => Ok(()),
        false => Err(WalletError::Previous { number }),
    }
}

/// They are numbered from 1 without a gap, to the number that the offices attest.
fn check_whole(entries: &[Verified], trail: Option<&Trail>) -> Result<(), WalletError> {
    let held = entries.len() as u64;
    let newest = entries.last().map_or(0, |entry| entry.number);
    let count = trail.map_or(newest, |trail| trail.count);
    let gap = (1..).zip(entries).find(|(number, entry)| *number != entry.number).map(|(number, _)| number);
    match gap {
        Some(missing) => Err(WalletError::Incomplete { missing, held, count: count.max(newest) }),
        None if held < count => Err(WalletError::Incomplete { missing: held + 1, held, count }),
        None if held > count => Err(WalletError::Unattested { held }),
        None => Ok(()),
    }
}
