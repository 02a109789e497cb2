//! The verifier: holds each signature that came in against the ledger's registry, and tells what it found.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use sillok_contract::{
    Refusal,
    act::SignedAct,
    signature::{Case, Presented, Signature},
};

use super::{
    SignatureCreated, SignatureForwarded, SignatureVerdict,
    carried::{Fault, named, read, told},
};
use crate::{
    events::{Effect, Event, Group, HandleError, Handler, SignatureChange, SignatureMove, Topic},
    monitor::{Failure, SignatureVerified},
    problem::Problem,
    records::SignatureState,
    service::{
        Core, problems,
        registry::{KnownOffice, KnownSigner},
    },
};

/// Handles `signatures.created`.
pub(in crate::service) struct Verifier {
    pub(in crate::service) core: Arc<Core>,
    pub(in crate::service) group: Group,
}

#[async_trait]
impl Handler for Verifier {
    async fn handle(&self, events: &[Event]) -> Result<(), HandleError> {
        let mut effects = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            effects.push(self.core.verified(&self.group, event).await.map_err(|fault| fault.at(index))?);
        }
        self.core.records.commit_all(&effects).await?;
        Ok(())
    }
}

impl Core {
    /// What comes of a signature that came in: a verdict, and an event that carries it on.
    async fn verified(&self, group: &Group, event: &Event) -> Result<Effect, Fault> {
        let SignatureCreated { presented, source, received_at } = read(event)?;
        let poison = |refusal: Refusal| Fault::Poison(refusal.to_string());
        let (signature, approval) = parse(&presented).map_err(poison)?;
        let signer = self.signer_of(&signature).await?;
        let now = (self.clock)();
        let verdict = self.examine(&signature, approval.as_ref(), &signer, now).await?;
        let failure = verdict
            .failure()
            .map(|(code, detail)| Failure { code: code.to_owned(), detail: detail.to_owned() });
        let verified = SignatureVerified {
            signature: signature.digest.to_string(),
            hash: signature.statement.hash.to_string(),
            subject: signature.statement.subject.to_string(),
            signer: signer.id.to_string(),
            certificate: signer.thumbprint.clone(),
            source,
            signed_at: signature.signed_at(),
            received_at,
            verified_at: now,
            failure,
            revoked_since: signer.revoked_since,
        };
        let to = if verdict.holds { SignatureState::Valid } else { SignatureState::Invalid };
        let change = SignatureMove {
            verdict: Some(json!(verdict)),
            ..SignatureMove::new(signature.digest.0, SignatureState::Created, to, now)
        };
        let data = json!(SignatureForwarded { verified, presented });
        let told = told(Topic::SignaturesVerified, named(&signature), received_at, now, data);
        Ok(Effect::of(group, &event.id).change(SignatureChange::Move(change)).tell(told))
    }

    /// Holds a signature against who stands now.
    pub(super) async fn examine(
        &self,
        signature: &Signature,
        approval: Option<&SignedAct>,
        signer: &KnownSigner,
        now: i64,
    ) -> Result<SignatureVerdict, Problem> {
        let office = self.office_of(signer).await?;
        let authority = office.certificate().map_err(|refusal| problems::internal(&refusal))?;
        Ok(SignatureVerdict::of(&Case { signature, approval, signer, authority, now }))
    }
}

impl Core {
    /// The office whose authority issued a signer's certificate.
    pub(super) async fn office_of(&self, signer: &KnownSigner) -> Result<Arc<KnownOffice>, Problem> {
        let office = self.registry.office(&signer.office).await?;
        office.ok_or_else(|| problems::internal(&"a signer's office is not registered"))
    }
}

/// A signature and the approval beside it, of their forms.
pub(super) fn parse(presented: &Presented) -> Result<(Signature, Option<SignedAct>), Refusal> {
    let approval = presented.approval.as_deref().map(SignedAct::parse).transpose()?;
    Ok((Signature::parse(&presented.jws)?, approval))
}
