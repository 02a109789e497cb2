//! What both offices say a learner's trail to be, when asked.

use std::fmt;

use serde::{Deserialize, Serialize};
use sillok_contract::{batch::Trail, id::LearnerId};

use super::WalletError;
use crate::{
    keys::{KeyError, random},
    ledger::{
        Receipt, contract,
        receipt::{self, Roots},
    },
};

/// What a question is marked with, so that no answer to another one will do. 32 random bytes, as text hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nonce(#[serde(with = "hex::serde")] [u8; 32]);

impl Nonce {
    /// A new one.
    pub fn draw() -> Result<Self, KeyError> {
        random().map(Self)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nonce({self})")
    }
}

/// A question's nonce and the receipt of the offices' answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The wallet's own.
    pub nonce: Nonce,
    /// Both offices' answer. It is of no block: nothing was recorded.
    pub receipt: Receipt,
}

impl Attestation {
    /// What the offices answered: to this question, about this learner.
    pub(super) fn verify(&self, learner: &LearnerId, roots: &Roots) -> Result<Trail, WalletError> {
        let endorsed = receipt::verify(&self.receipt, roots).map_err(WalletError::Attestation)?;
        let trail: Trail = contract::answer(&endorsed.answer).map_err(|_| WalletError::OtherAnswer)?;
        // Of no block, though nobody signs that.
        if trail.transaction != self.receipt.transaction || self.receipt.block != 0 {
            return Err(WalletError::OtherAnswer);
        }
        if trail.learner != *learner {
            return Err(WalletError::OtherTrail(trail.learner));
        }
        match trail.nonce == self.nonce.to_string() {
            true => Ok(trail),
            false => Err(WalletError::Nonce),
        }
    }
}
