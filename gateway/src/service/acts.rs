//! What learners, officers and signers sign, carried to the ledger. The gateway cannot make it; what it checks here, the ledger
//! checks anew.

use std::collections::BTreeMap;

use sillok_contract::{
    Code, Refusal,
    act::{Acted, Named, SignedAct},
};

use super::{Core, problems};
use crate::{
    ledger::{
        LedgerError, Receipt,
        contract::{Contract, answer},
    },
    problem::{Kind, Problem},
};

/// How often an act is tried that another transaction got ahead of.
const TRIES: u32 = 4;

/// What travels beside an act and is not public, by the name under which the contract looks for it.
pub(super) type Beside = BTreeMap<String, Vec<u8>>;

impl Core {
    /// An act whose form is right, and which is for this gateway.
    pub(super) fn read_act(&self, jws: &str) -> Result<SignedAct, Problem> {
        let act = SignedAct::parse(jws).map_err(refused)?;
        match act.payload.aud == self.settings.audience {
            true => Ok(act),
            false => {
                let detail = "the act is for another gateway: its aud is not this one's name";
                Err(Problem::new(Kind::Forbidden, "act.audience", detail))
            }
        }
    }

    /// Has the ledger take an act, and waits until it is in a block. The same act again gives the first one's receipt.
    pub(super) async fn record_act(&self, act: &SignedAct, beside: Beside) -> Result<Receipt, Problem> {
        let mut tries = 1;
        loop {
            match self.try_act(act, beside.clone()).await {
                // Another transaction wrote what this one had read: an earlier one of the same act, perhaps.
                Err(LedgerError::Invalid { .. }) if tries < TRIES => tries += 1,
                recorded => return recorded.map_err(of_act),
            }
        }
    }

    async fn try_act(&self, act: &SignedAct, beside: Beside) -> Result<Receipt, LedgerError> {
        let endorsed = self.ledger.endorse(Contract::record_act(act.as_str(), beside)).await?;
        let acted: Acted = answer(&endorsed.answer)?;
        if acted.repeated {
            let receipt = self.ledger.receipt(&acted.transaction).await?;
            return receipt.ok_or_else(|| LedgerError::Malformed("a recorded act has no receipt".to_owned()));
        }
        self.ledger.submit(&endorsed).await?;
        let commit = self.ledger.commit_status(&endorsed.transaction).await?;
        self.ledger.receipt_of(&endorsed, &commit)
    }
}

/// Early, and a convenience: that the act is his or hers who sends it, or whose it has to be. The ledger checks that, too.
pub(super) fn check_signer(act: &SignedAct, signer: &Named) -> Result<(), Problem> {
    match act.named == *signer {
        true => Ok(()),
        false => {
            let detail = "somebody else signed the act than the one whose it is";
            Err(Problem::new(Kind::Forbidden, "act.other_signer", detail))
        }
    }
}

/// Where an act was to be recorded.
fn of_act(error: LedgerError) -> Problem {
    match error {
        LedgerError::Refused(refusal) if refusal.code != Code::LedgerUnavailable => refused(refusal),
        LedgerError::Malformed(_) => problems::internal(&error),
        error => {
            tracing::warn!(%error, "an act could not be recorded");
            let detail = "whether the ledger took the act is not known; send the same again to learn it";
            Problem::new(Kind::Unavailable, "ledger.unavailable", detail).retry_after(2)
        }
    }
}

/// What is not taken of what somebody signed.
pub(super) fn refused(refusal: Refusal) -> Problem {
    problems::of_refusal(kind_of(refusal.code), &refusal)
}

/// What kind of failure it is when the contract refuses an act or a signature.
fn kind_of(code: Code) -> Kind {
    match code {
        Code::ActMalformed
        | Code::ActTime
        | Code::ActBeside
        | Code::ArgumentMalformed
        | Code::DocumentParties
        | Code::DocumentDigest
        | Code::DocumentPurpose
        | Code::SignatureMalformed
        | Code::SignatureTime
        | Code::SignatureSubject
        | Code::ApprovalMissing
        | Code::ApprovalUnexpected
        | Code::ApprovalMismatch
        | Code::ApprovalTime
        | Code::IdentifierMalformed
        | Code::ObjectionEntry
        | Code::ObjectionReason
        | Code::ErasureBody => Kind::Invalid,
        Code::ActTooLarge | Code::SignatureTooLarge => Kind::TooLarge,
        Code::ActSignature | Code::WalletSignature | Code::SignatureInvalid | Code::ApprovalSignature => {
            Kind::Unauthenticated
        }
        Code::ActSigner
        | Code::SignatureCertificate
        | Code::CredentialLearner
        | Code::LearnerUnknown
        | Code::OfficerUnknown
        | Code::OfficerNotYet
        | Code::OfficerNoLonger
        | Code::OfficerRevoked
        | Code::SignerUnknown
        | Code::SignerNotYet
        | Code::SignerNoLonger
        | Code::SignerRevoked
        | Code::DocumentParty
        | Code::CertificateNotYetValid
        | Code::CertificateExpired
        | Code::CertificateIssuer
        | Code::WalletNone
        | Code::WalletRevoked => Kind::Forbidden,
        Code::NotFound | Code::SignatureNotFound => Kind::NotFound,
        Code::LedgerCorrupt => Kind::Internal,
        _ => Kind::Conflict,
    }
}
