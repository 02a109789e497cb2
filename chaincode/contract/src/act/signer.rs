//! Whether an act is signed by whom it names, and whether they stand.

use super::{By, Named, SignedAct};
use crate::{
    Code, Ledger, Refusal,
    certificate::Certificate,
    id::{LearnerId, SignerId},
    key,
    registry::{self, Learner, Office, OfficePerson as _, Officer, Signer},
    snapshot::Snapshot,
};

/// Who did the act. They must stand both when they signed it, by their own clock, and now: a key that was revoked
/// meanwhile signs nothing any more, whatever time it says.
pub(super) fn verify(ledger: &mut dyn Ledger, act: &SignedAct) -> Result<By, Refusal> {
    match &act.named {
        Named::Learner(learner) => by_learner(ledger, act, learner),
        Named::Officer(thumbprint) => by_officer(ledger, act, thumbprint),
        Named::Signer(thumbprint) => by_signer(ledger, act, thumbprint),
        Named::Approver(signer) => by_approver(ledger, act, signer),
    }
}

fn by_learner(ledger: &mut dyn Ledger, act: &SignedAct, id: &LearnerId) -> Result<By, Refusal> {
    let key = key::learner(id);
    let learner: Option<Learner> = Snapshot::read(ledger, [key.clone()])?.document(&key)?;
    let learner = learner
        .ok_or_else(|| Refusal::new(Code::LearnerUnknown, format!("the learner {id} is not registered")))?;
    let wallet = learner.wallet_at(act.signed_at_latest())?;
    wallet.verify(act.signed.input.as_bytes(), &act.signed.signature)?;
    match wallet.revoked_since {
        Some(revoked) if revoked <= ledger.timestamp() => Err(Refusal::new(
            Code::WalletRevoked,
            format!("the wallet key of the learner {id} that signed is revoked; sign with the one in force"),
        )),
        _ => Ok(By::Learner(learner.id)),
    }
}

fn by_officer(ledger: &mut dyn Ledger, act: &SignedAct, thumbprint: &[u8; 32]) -> Result<By, Refusal> {
    let officer: Officer =
        registry::find_officer(ledger, &hex::encode(thumbprint)).map_err(|refusal| match refusal.code {
            Code::NotFound => Refusal::new(
                Code::OfficerUnknown,
                "the act's x5t#S256 is of no registered officer's certificate; have it registered first",
            ),
            _ => refusal,
        })?;
    let office: Office = registry::get(ledger, &key::office(&officer.office))?;
    let certificate = officer.may_act(&office, act.signed_at_latest())?;
    officer.may_act(&office, ledger.timestamp())?;
    act.signed.verify(&certificate, Code::ActSignature)?;
    Ok(By::Officer(officer.id))
}

fn by_signer(ledger: &mut dyn Ledger, act: &SignedAct, thumbprint: &[u8; 32]) -> Result<By, Refusal> {
    let signer: Signer =
        registry::find_signer(ledger, &hex::encode(thumbprint)).map_err(|refusal| match refusal.code {
            Code::NotFound => Refusal::new(
                Code::SignerUnknown,
                "the act's x5t#S256 is of no registered signer's certificate; have it registered first",
            ),
            _ => refusal,
        })?;
    if signer.approval.is_some() {
        return Err(Refusal::new(
            Code::ActSigner,
            format!(
                "an office holds that key of {0}; sign with your own, under the kid signer/{0}",
                signer.id
            ),
        ));
    }
    let certificate = standing(ledger, act, &signer)?;
    act.signed.verify(&certificate, Code::ActSignature)?;
    Ok(By::Signer(signer.id))
}

fn by_approver(ledger: &mut dyn Ledger, act: &SignedAct, id: &SignerId) -> Result<By, Refusal> {
    let key = key::signer(id);
    let signer: Option<Signer> = Snapshot::read(ledger, [key.clone()])?.document(&key)?;
    let signer = signer
        .ok_or_else(|| Refusal::new(Code::SignerUnknown, format!("the signer {id} is not registered")))?;
    let Some(approval) = &signer.approval else {
        return Err(Refusal::new(
            Code::ActSigner,
            format!("{id} holds their own key; sign with it, under its certificate's x5t#S256"),
        ));
    };
    standing(ledger, act, &signer)?;
    act.verify_with(approval, Code::ActSignature)?;
    Ok(By::Signer(signer.id))
}

/// The certificate of a signer who stands then and now.
fn standing(ledger: &mut dyn Ledger, act: &SignedAct, signer: &Signer) -> Result<Certificate, Refusal> {
    let office: Office = registry::get(ledger, &key::office(&signer.office))?;
    signer.may_act(&office, act.signed_at_latest())?;
    signer.may_act(&office, ledger.timestamp())
}
