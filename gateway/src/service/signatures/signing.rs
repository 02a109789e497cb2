//! A signature that its signer approved, and that the office which holds their key is to make. What there is to be made follows
//! from the approval and the ledger's registry alone: who takes the approval in and who uses the key each work it out, and
//! neither believes the other.

use std::sync::Arc;

use serde_json::json;
use sillok_contract::{
    Code, Refusal,
    act::{Named, SignedAct},
    digest::Digest,
    signature::Statement,
};

use super::{
    SignatureRequested, SignatureStatus, SigningRequest,
    carried::told,
    intake::{again, stored},
};
use crate::{
    events::{Effect, SignatureChange, Topic},
    keys::Unsigned,
    problem::{Kind, Problem},
    records::SignatureState,
    service::{Caller, Core, acts, problems, registry::KnownSigner},
};

/// A signature that is to be made.
pub(super) struct Signing {
    /// Whose key is to make it.
    pub(super) signer: Arc<KnownSigner>,
    /// What it states.
    pub(super) statement: Statement,
    /// What it will be named by.
    pub(super) digest: Digest,
    /// What is to be signed.
    pub(super) unsigned: Unsigned,
    /// By what its signer approved it.
    pub(super) approval: SignedAct,
}

impl Core {
    /// What an approval, for this gateway, lets the office sign: its signer is registered with the key that signed it, and
    /// stands, then and now.
    pub(super) async fn signing(&self, approval: &str) -> Result<Signing, Problem> {
        let approval = self.read_act(approval)?;
        let statement = Statement::approved(&approval).map_err(acts::refused)?;
        let signer = self.approver_of(&approval).await?;
        let key = signer.approval.as_ref().ok_or_else(|| {
            let why = "this signer holds their own key: what they sign is made with that, and handed in";
            acts::refused(Refusal::new(Code::ApprovalUnexpected, why))
        })?;
        statement.check_approval(&approval, &signer.id, key).map_err(acts::refused)?;
        let office = self.office_of(&signer).await?;
        for time in [approval.signed_at_latest(), (self.clock)()] {
            signer.may_act_for(&office, time).map_err(acts::refused)?;
        }
        let certificate = signer.certificate().map_err(|refusal| problems::internal(&refusal))?;
        let authority = office.certificate().map_err(|refusal| problems::internal(&refusal))?;
        let unsigned = Unsigned::new(&statement, certificate, authority);
        let digest = Digest::of(unsigned.as_bytes());
        Ok(Signing { signer, statement, digest, unsigned, approval })
    }

    /// Takes an approval in: the office that holds the signer's key is asked to make the signature. The same again is
    /// answered with where it stands.
    pub(in crate::service) async fn request_signing(
        &self,
        caller: &Caller,
        sent: SigningRequest,
    ) -> Result<SignatureStatus, Problem> {
        let signing = self.signing(&sent.approval).await?;
        let Signing { signer, statement, digest, .. } = &signing;
        let known = self.stored_signature(digest).await?;
        let change = match known {
            // Somebody handed in what is not its signer's own.
            Some(known) if known.state == SignatureState::Invalid => None,
            Some(known) => return Ok(known.into()),
            None => Some(()),
        };
        self.check_fresh(&signing.approval)?;
        self.check_subject(&statement.subject, signer).await?;
        let (now, state) = ((self.clock)(), SignatureState::Requested);
        let change = match change {
            Some(()) => SignatureChange::New(stored((*digest, statement), &signer.id, state, now)),
            None => SignatureChange::Move(again(*digest, state, now)),
        };
        let requested = SignatureRequested {
            signature: digest.to_string(),
            hash: statement.hash.to_string(),
            subject: statement.subject.to_string(),
            signer: signer.id.to_string(),
            approval: sent.approval,
            source: caller.to_string(),
            received_at: now,
        };
        let told = told(Topic::SignaturesRequested, (*digest, statement), now, now, json!(requested));
        self.taken_in(digest, &Effect::default().change(change).tell(told)).await
    }

    /// Who is registered under the id that an approval names.
    async fn approver_of(&self, approval: &SignedAct) -> Result<Arc<KnownSigner>, Problem> {
        let found = match &approval.named {
            Named::Approver(id) => self.registry.approver(id).await?,
            Named::Learner(_) | Named::Officer(_) | Named::Signer(_) => None,
        };
        found.ok_or_else(|| {
            let why = "the approval names no registered signer; have them registered first";
            acts::refused(Refusal::new(Code::SignerUnknown, why))
        })
    }

    /// An approval is for now, as a request is.
    fn check_fresh(&self, approval: &SignedAct) -> Result<(), Problem> {
        match self.settings.requests.times(approval.payload.iat).contains(&(self.clock)()) {
            true => Ok(()),
            false => {
                let detail =
                    "the approval's iat is too old or ahead of this gateway's clock; approve it anew";
                Err(Problem::new(Kind::Invalid, Code::ApprovalTime.as_str(), detail))
            }
        }
    }
}
