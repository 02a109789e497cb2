//! Why a wallet is not what it should be.

use sillok_contract::id::LearnerId;

use crate::{ledger::receipt::ReceiptError, proof::ProofError};

/// Why a wallet cannot be read, is not true, or is not complete.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WalletError {
    /// The content is not of its form.
    #[error("this is not a wallet: {0}")]
    Malformed(String),
    /// It was made with other root certificates than those it is measured by.
    #[error(
        "the wallet was made with other root certificates than these; take those of the offices themselves"
    )]
    OtherRoots,
    /// A proof does not verify.
    #[error("the proof in place {number} does not hold: {error} ({})", error.code())]
    Proof {
        /// Its place, from 1.
        number: u64,
        /// Why not.
        error: ProofError,
    },
    /// A proof is of another learner's entry.
    #[error("entry {number} is not about this learner but about {learner}")]
    OtherLearner {
        /// Which.
        number: u64,
        /// Whose it is.
        learner: LearnerId,
    },
    /// Another entry came in the place of the next.
    #[error("in the place of entry {number} stands entry {told}")]
    OtherNumber {
        /// Which it should be.
        number: u64,
        /// Which it is.
        told: u64,
    },
    /// The entries are not in order, or one is there twice.
    #[error("entry {number} is there twice or not in its place")]
    Order {
        /// Which.
        number: u64,
    },
    /// An entry names another one before it than stands there.
    #[error(
        "entry {number} follows another entry than the one that the wallet has before it: one of both is of another ledger"
    )]
    Previous {
        /// Which.
        number: u64,
    },
    /// The offices' answer does not verify.
    #[error("what the offices are said to attest does not hold: {0} ({code})", code = .0.code())]
    Attestation(ReceiptError),
    /// The offices signed something else than a trail.
    #[error("what the offices attest is not a learner's trail")]
    OtherAnswer,
    /// It is the trail of another learner.
    #[error("what the offices attest is the trail of another learner, {0}")]
    OtherTrail(LearnerId),
    /// It answers another question.
    #[error(
        "what the offices attest answers another question than this wallet's: it may be old, or another's"
    )]
    Nonce,
    /// The offices' last entry is another than the wallet's.
    #[error("the last entry that the offices attest stands elsewhere than the wallet's")]
    Last,
    /// The offices attest fewer entries than the wallet has proofs of.
    #[error(
        "the offices attest {attested} entries, and the wallet has proofs of {held}: entries were taken off the ledger"
    )]
    RolledBack {
        /// What they attest.
        attested: u64,
        /// What the wallet has.
        held: u64,
    },
    /// An entry is missing.
    #[error("entry {missing} is missing: there are {count}, and the wallet has {held} of them")]
    Incomplete {
        /// The first that is.
        missing: u64,
        /// How many the wallet has.
        held: u64,
        /// How many there are.
        count: u64,
    },
    /// Nothing says how many entries there are.
    #[error(
        "the wallet has {held} entries, and no answer of the offices says that these are all; synchronise it"
    )]
    Unattested {
        /// How many it has.
        held: u64,
    },
}

impl WalletError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "wallet.malformed",
            Self::OtherRoots => "wallet.other_roots",
            Self::Proof { .. } => "wallet.proof",
            Self::OtherLearner { .. } => "wallet.other_learner",
            Self::OtherNumber { .. } => "wallet.other_number",
            Self::Order { .. } => "wallet.order",
            Self::Previous { .. } => "wallet.previous",
            Self::Attestation(_) => "wallet.attestation",
            Self::OtherAnswer => "wallet.other_answer",
            Self::OtherTrail(_) => "wallet.other_trail",
            Self::Nonce => "wallet.nonce",
            Self::Last => "wallet.last",
            Self::RolledBack { .. } => "wallet.rolled_back",
            Self::Incomplete { .. } => "wallet.incomplete",
            Self::Unattested { .. } => "wallet.unattested",
        }
    }

    /// Whether nothing is false and something is missing: synchronising may help, and a gateway that gives no more
    /// withholds it.
    pub fn is_gap(&self) -> bool {
        matches!(self, Self::Incomplete { .. } | Self::Unattested { .. })
    }
}
