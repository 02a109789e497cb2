//! Documents that several parties sign: in an order or not, until a deadline, for one purpose. Their bytes are elsewhere.
//!
//! ```text
//! open ──▶ complete    every party has signed
//!   ├────▶ refused     a party declined
//!   ├────▶ withdrawn   who opened it took it back
//!   └────▶ expired     its deadline is over; never stored
//! ```

mod moves;
mod read;
mod signing;

use serde::{Deserialize, Serialize};

pub(crate) use moves::{decline, open, withdraw};
pub(crate) use read::{get, list};
pub(crate) use signing::Documents;

use crate::{
    act::Step,
    digest::Digest,
    id::{DocumentId, SignerId},
    signature::Commitment,
};

/// The most parties of a document.
pub const MAX_PARTIES: usize = 50;

/// A document on the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// Who opened it.
    pub opened_by: SignerId,
    /// What who signs it commits to.
    pub purpose: Commitment,
    /// Whether the parties sign in their order, each after the one before.
    pub ordered: bool,
    /// From this time on nobody signs it any more, in microseconds since the Unix epoch. The time of the transaction
    /// counts, not the signer's clock.
    pub deadline: i64,
    /// Where it stands. Whether it has expired follows from the time: [`Document::state_at`].
    pub state: State,
    /// Who is to sign, and who has.
    pub parties: Vec<Part>,
    /// When it was opened.
    pub opened: Step,
    /// How it was refused, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<Declined>,
    /// When it was withdrawn, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Step>,
}

/// Where a document stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Parties have yet to sign.
    Open,
    /// Every party has signed.
    Complete,
    /// A party declined.
    Refused,
    /// Who opened it took it back.
    Withdrawn,
    /// It was open, and its deadline is over. Never stored.
    Expired,
}

/// A party of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Who.
    pub signer: SignerId,
    /// How they signed, if they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

/// A party's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The signature: see [`crate::signature::Signature::digest`].
    pub digest: Digest,
    /// The transaction's time, in microseconds since the Unix epoch.
    pub at: i64,
    /// The transaction.
    pub transaction: String,
}

/// A party would not sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    /// Who.
    pub by: SignerId,
    /// When.
    #[serde(flatten)]
    pub step: Step,
}

impl Document {
    /// Where it stands at a time, in microseconds since the Unix epoch.
    pub fn state_at(&self, time: i64) -> State {
        match self.state {
            State::Open if time >= self.deadline => State::Expired,
            state => state,
        }
    }

    /// Whose turn it is: of an ordered document the first party that has not signed, of another every such.
    pub fn awaited(&self) -> impl Iterator<Item = &SignerId> {
        let most = if self.ordered { 1 } else { self.parties.len() };
        self.parties.iter().filter(|part| part.signed.is_none()).map(|part| &part.signer).take(most)
    }

    /// The party that this signer is, if one.
    fn part(&mut self, signer: &SignerId) -> Option<&mut Part> {
        self.parties.iter_mut().find(|part| part.signer == *signer)
    }
}
