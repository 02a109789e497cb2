//! Claims of first existence: who first showed, and when, that a work was theirs to show; by its hash alone.

use serde::{Deserialize, Serialize};

use crate::{
    Code, Ledger, Refusal,
    act::{Step, WorkClaim},
    digest::Digest,
    id::SignerId,
    json, key, registry,
};

/// A claim on the ledger. The first stands, and there is no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// SHA-256 of the work's bytes.
    pub digest: Digest,
    /// Who claimed it.
    pub by: SignerId,
    /// When.
    #[serde(flatten)]
    pub step: Step,
}

pub(crate) fn claim(
    ledger: &mut dyn Ledger,
    act: &WorkClaim,
    by: SignerId,
    step: Step,
) -> Result<(), Refusal> {
    let key = key::claim(act.digest);
    if let Some(standing) = ledger.get(&key)? {
        let standing: Claim = json::stored(&key, &standing)?;
        return Err(Refusal::new(
            Code::ClaimExists,
            format!("claim already exists: {} claimed this work at {}", standing.by, standing.step.at),
        ));
    }
    ledger.put(&key, json::canonical(&Claim { digest: act.digest, by, step }))
}

pub(crate) fn get(ledger: &mut dyn Ledger, digest: &Digest) -> Result<Claim, Refusal> {
    registry::get(ledger, &key::claim(digest))
}
