//! A learner's story as the ledger tells it, and nothing of it believed: the trail is walked down to its first entry,
//! each batch's root is computed anew and its header found in the next one, each body hashed to its leaves, each query
//! found under a signature of the one whom the entry names. What does not hold is a [`Fault`], and what rests on it is
//! not told.

mod chapter;
mod fault;
mod reading;
mod signature;

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

use sillok_contract::{
    batch::{Head, Position},
    entry::{Entry, EntryId},
    erasure::Erasure,
    registry::Learner,
    request::SignedRequest,
};

pub use chapter::{Chapter, Content, asks_for};
pub use fault::{Fault, FaultCode};
pub use reading::{read, read_chapter};
pub use signature::{Signer, Signers, Verifier};

/// What the ledger holds about one learner, in the order in which it took effect.
#[derive(Clone, Debug)]
pub struct Story {
    /// The learner, as registered.
    pub learner: Learner,
    /// How many entries the ledger says there are.
    pub count: u64,
    /// The last batch of each of the learner's schools, as it was before anything else was read.
    pub heads: Vec<Head>,
    /// The entries. Within a school they are in the order of its batches; of two schools, the one where the learner was
    /// first goes first.
    pub entries: Vec<Told>,
    /// What does not hold.
    pub faults: Vec<Fault>,
}

/// One entry of a story.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its id.
    pub id: EntryId,
    /// Which of the learner's entries it is, from 1.
    pub number: u64,
    /// Where it stands.
    pub position: Position,
    /// The transaction that recorded it.
    pub transaction: String,
    /// What it holds.
    pub content: Content,
    /// Who erased it, if it was erased.
    pub erasure: Option<Erasure>,
}

impl Told {
    /// The entry and its request, where they were proved.
    pub fn entry(&self) -> Option<(&Entry, &Arc<SignedRequest>)> {
        match &self.content {
            Content::Entry(entry, request) => Some((entry, request)),
            Content::Erased | Content::Unproven => None,
        }
    }
}

impl Story {
    /// Whose certificates the requests name, by the SHA-256 of their DER.
    pub fn thumbprints(&self) -> BTreeSet<[u8; 32]> {
        self.entries.iter().filter_map(Told::entry).map(|(_, request)| request.thumbprint).collect()
    }

    /// The same story without what these signers have not signed.
    pub fn verified(mut self, signers: &Signers) -> Self {
        let mut verifier = Verifier::new(signers);
        for told in &mut self.entries {
            if told.entry().is_some_and(|(entry, request)| !verifier.is_signed(entry, request)) {
                let why = "the request's signature is not that of the one whom the entry names";
                let Position { school, sequence, index } = told.position.clone();
                let fault = Fault::of_batch(FaultCode::Signature, &school, sequence, why);
                self.faults.push(Fault { index: Some(index), entry: Some(told.id), ..fault });
                told.content = Content::Unproven;
            }
        }
        self
    }
}
