//! Proofs that rest on the same receipts, which are written and verified once.

use std::{collections::HashMap, ops::Deref, sync::Arc};

use serde::{Deserialize, Serialize, Serializer};
use sillok_contract::digest::sha256;

use super::{Body, Hash, Proof, ProofError, Recorded, VERSION, Verified, canonical, verified};
use crate::ledger::{Receipt, receipt::Roots};

/// A receipt that several proofs may have in common. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Shared(Arc<(Hash, Receipt)>);

impl Shared {
    pub(super) fn new(receipt: Receipt) -> Self {
        Self(Arc::new((Hash(sha256(&[&canonical(&receipt)])), receipt)))
    }

    /// SHA-256 of its canonical JSON.
    pub(super) fn name(&self) -> Hash {
        self.0.0
    }
}

impl Deref for Shared {
    type Target = Receipt;
    fn deref(&self) -> &Receipt {
        &self.0.1
    }
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Shared {}

impl Serialize for Shared {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.1.serialize(serializer)
    }
}

/// Proofs in one file, in an order. The proofs of one batch have its receipt in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Content", into = "Content")]
pub struct Proofs(Vec<Proof>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    proofs: Vec<Body<Hash>>,
    receipts: Vec<Receipt>,
}

impl Proofs {
    /// The proofs.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Proof> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The last one.
    pub fn last(&self) -> Option<&Proof> {
        self.0.last()
    }

    /// Puts one at the end.
    pub fn push(&mut self, mut proof: Proof) {
        let same = self.0.iter().rev().find(|known| known.body.receipt == proof.body.receipt);
        if let Some(known) = same {
            proof.body.receipt = known.body.receipt.clone();
        }
        self.0.push(proof);
    }

    /// What each of them proves, as [`Proof::verify`] tells it; a receipt that several rest on is verified once.
    pub fn verify<'a>(&'a self, roots: &'a Roots) -> impl Iterator<Item = Result<Verified, ProofError>> + 'a {
        let mut recorded = Recorded::by(roots);
        self.0.iter().map(move |proof| verified::verify(&proof.body, &mut recorded))
    }
}

impl FromIterator<Proof> for Proofs {
    fn from_iter<I: IntoIterator<Item = Proof>>(proofs: I) -> Self {
        let mut all = Self::default();
        proofs.into_iter().for_each(|proof| all.push(proof));
        all
    }
}

impl From<Proofs> for Content {
    fn from(proofs: Proofs) -> Self {
        let receipts = first_named(&proofs.0).into_iter().map(|receipt| Receipt::clone(receipt)).collect();
        Self { proofs: proofs.0.iter().map(Proof::named).collect(), receipts }
    }
}

/// One form alone is taken: each receipt once, in the order in which it is named first, and none that is not.
impl TryFrom<Content> for Proofs {
    type Error = &'static str;

    fn try_from(Content { proofs, receipts }: Content) -> Result<Self, Self::Error> {
        let receipts: Vec<_> = receipts.into_iter().map(Shared::new).collect();
        let by_name: HashMap<_, _> = receipts.iter().map(|receipt| (receipt.name(), receipt)).collect();
        let joined = proofs.into_iter().map(|body| {
            if body.version != VERSION {
                return Err("a proof is of a version that is not read");
            }
            let receipt = *by_name.get(&body.receipt).ok_or("a proof names a receipt that is not there")?;
            Ok(Proof { body: body.with(receipt.clone()) })
        });
        let joined = joined.collect::<Result<Vec<_>, Self::Error>>()?;
        match first_named(&joined).into_iter().eq(&receipts) {
            true => Ok(Self(joined)),
            false => Err("the receipts are not those that the proofs name, each once and in their order"),
        }
    }
}

fn first_named(proofs: &[Proof]) -> Vec<&Shared> {
    let mut seen = std::collections::HashSet::new();
    proofs.iter().map(|proof| &proof.body.receipt).filter(|receipt| seen.insert(receipt.name())).collect()
}
