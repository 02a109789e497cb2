//! A person's own leave for one use of the key that an office holds for them.

use super::{SECOND, Signature, Statement};
use crate::{
    Code, Refusal,
    act::{self, Act, Named, SignatureApprove, SignedAct},
    id::SignerId,
    registry::{ApprovalKey, Person as _, Signer},
};

/// Refuses an approval that is missing or uncalled for, and one that is none of this signature or was signed while the
/// signer did not stand.
pub(super) fn check(
    signature: &Signature,
    approval: Option<&SignedAct>,
    signer: &Signer,
) -> Result<(), Refusal> {
    match (&signer.approval, approval) {
        (Some(key), Some(approval)) => {
            signer.stands_at(approval.signed_at_latest())?;
            signature.statement.check_approval(approval, &signer.id, key)
        }
        (None, None) => Ok(()),
        (Some(_), None) => Err(Refusal::new(
            Code::ApprovalMissing,
            "an office holds this signer's key: their own approval travels beside the signature",
        )),
        (None, Some(_)) => Err(Refusal::new(
            Code::ApprovalUnexpected,
            "this signer holds their own key; no approval is needed",
        )),
    }
}

impl Statement {
    /// What an approval leaves to the key that an office holds. It is dated as the approval is: so whoever has that, and the
    /// certificates, knows the signature's digest before it is made, and however often it is made there is one.
    pub fn approved(approval: &SignedAct) -> Result<Self, Refusal> {
        let Act::SignatureApprove(SignatureApprove { digest, subject, purpose }) = &approval.payload.act
        else {
            let name = approval.payload.act.name();
            return Err(Refusal::new(
                Code::ApprovalMismatch,
                format!("the act is {name}, and approves no signature"),
            ));
        };
        let (hash, subject, purpose) = (*digest, subject.clone(), *purpose);
        Self { hash, subject, purpose, iat: approval.payload.iat }.check()
    }

    /// Refuses an approval of another signature or person, of another time than about when the signature is made, or
    /// that the person's own key did not sign.
    pub fn check_approval(
        &self,
        approval: &SignedAct,
        signer: &SignerId,
        key: &ApprovalKey,
    ) -> Result<(), Refusal> {
        let is_theirs = matches!(&approval.named, Named::Approver(id) if id == signer);
        let is_of_this = matches!(&approval.payload.act, Act::SignatureApprove(it) if *it == self.approval());
        if !is_theirs || !is_of_this {
            return Err(Refusal::new(
                Code::ApprovalMismatch,
                "the approval is another person's, or for another document, name or purpose than the signature's",
            ));
        }
        let signed_at = self.iat.saturating_mul(SECOND);
        if approval.signed_at() > signed_at.saturating_add(act::MAX_AHEAD)
            || approval.signed_at() < signed_at.saturating_sub(act::MAX_BEHIND)
        {
            return Err(Refusal::new(
                Code::ApprovalTime,
                "the approval is of more than a day before the signature, or of more than 5 minutes after it",
            ));
        }
        approval.verify_with(key, Code::ApprovalSignature)
    }
}
