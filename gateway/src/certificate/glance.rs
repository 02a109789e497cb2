//! What whoever holds the paper can learn: whether the certificate of its number and digest is in force.

use sillok_contract::credential::{CredentialStatus, State};

use super::{Asked, CertificateId, Outcome, standing};
use crate::ledger::receipt::Roots;

/// What both offices say of the certificate with a number and a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// The one word: of those of a verdict. It is never [`Outcome::Valid`] without both offices' answer.
    pub outcome: Outcome,
    /// What they answered, if it holds and is about this certificate.
    pub status: Option<CredentialStatus>,
}

impl Glance {
    /// Judges what they answered against their root certificates. An answer that does not hold tells nothing.
    pub fn of(id: CertificateId, digest: [u8; 32], asked: &Asked, roots: &Roots) -> Self {
        let told = match asked {
            Asked::Answered { receipt, nonce } => standing::told(id, receipt, nonce, roots).ok(),
            Asked::Unanswered { .. } => None,
        };
        let Some(status) = told else { return Self { outcome: Outcome::CannotTell, status: None } };
        if status.digest.map(|digest| digest.0) != Some(digest) {
            return Self { outcome: Outcome::Refuted, status: None };
        }
        let outcome = match status.state {
            State::Countersigned => Outcome::Valid,
            State::Revoked => Outcome::Revoked,
            State::Expired => Outcome::Expired,
            State::Requested | State::Refused | State::Issued => Outcome::NotCountersigned,
        };
        Self { outcome, status: Some(status) }
    }
}
