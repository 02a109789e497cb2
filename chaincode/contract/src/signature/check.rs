//! Whether a signature is true: the checks, one by one, as the ledger and whoever verifies before it make them.

use serde::{Deserialize, Serialize};

use super::{MAX_AHEAD, MAX_BEHIND, Signature, approval};
use crate::{
    Code, Refusal,
    act::SignedAct,
    certificate::Certificate,
    registry::{OfficePerson as _, Signer},
};

/// A signature, and what it is held against.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The signature.
    pub signature: &'a Signature,
    /// The approval beside it, if there is one.
    pub approval: Option<&'a SignedAct>,
    /// Who is registered with its certificate.
    pub signer: &'a Signer,
    /// The authority of the signer's office.
    pub authority: &'a Certificate,
    /// The time of the transaction, in microseconds since the Unix epoch; before there is one, now.
    pub now: i64,
}

/// One check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The certificates are those that are registered: the signer's, and their office's authority's.
    Certificate,
    /// The authority issued the signer's certificate.
    Chain,
    /// The certificate's key made the signature.
    Signature,
    /// It was signed about now: at most 5 minutes ahead and 7 days behind.
    Time,
    /// The signer stood, and both certificates were valid, when it was signed.
    StandingThen,
    /// The same now: a key that was revoked meanwhile signs nothing any more, whatever time it says.
    StandingNow,
    /// Where an office holds the key, the person approved this use of it; elsewhere nobody approves anything.
    Approval,
}

impl Check {
    /// Every check, in the order in which they are made.
    pub const ALL: [Self; 7] = [
        Self::Certificate,
        Self::Chain,
        Self::Signature,
        Self::Time,
        Self::StandingThen,
        Self::StandingNow,
        Self::Approval,
    ];

    /// Makes it.
    pub fn of(self, case: &Case<'_>) -> Result<(), Refusal> {
        let Case { signature, approval, signer, authority, now } = *case;
        match self {
            Self::Certificate => case.check_certificates(),
            Self::Chain => signature.certificate.issued_by(authority),
            Self::Signature => signature.verify(),
            Self::Time => case.check_time(),
            Self::StandingThen => {
                signer.may_act_with(&signature.certificate, authority, signature.signed_at_latest())
            }
            Self::StandingNow => signer.may_act_with(&signature.certificate, authority, now),
            Self::Approval => approval::check(signature, approval, signer),
        }
    }
}

impl Case<'_> {
    /// Makes every check until one fails.
    pub fn check(&self) -> Result<(), Refusal> {
        Check::ALL.into_iter().try_for_each(|check| check.of(self))
    }

    fn check_certificates(&self) -> Result<(), Refusal> {
        let leaf = hex::encode(self.signature.certificate.thumbprint());
        match leaf == self.signer.thumbprint && self.signature.authority == *self.authority {
            true => Ok(()),
            false => Err(Refusal::new(
                Code::SignatureCertificate,
                "x5c is not the signer's registered certificate with that of their office's authority",
            )),
        }
    }

    fn check_time(&self) -> Result<(), Refusal> {
        let refuse = |why: &str| Err(Refusal::new(Code::SignatureTime, format!("it was signed {why}")));
        let (signed, now) = (self.signature.signed_at(), self.now);
        if signed > now.saturating_add(MAX_AHEAD) {
            return refuse("more than 5 minutes after the transaction's time");
        }
        if signed < now.saturating_sub(MAX_BEHIND) {
            return refuse("more than 7 days before the transaction's time; sign it anew");
        }
        Ok(())
    }
}
