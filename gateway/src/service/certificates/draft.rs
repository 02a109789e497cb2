//! What an officer is to sign: made by the gateway, checked and signed by the officer, and made anew to be compared.

use sillok_contract::id::{LearnerId, MspId};

use super::agreement::Agreement;
use crate::{
    certificate::{CertificateId, Credential, Draft, Issuer, Parts, Second, status_address},
    keys::{KeyError, PublicKey, random},
    problem::{Kind, Problem},
    service::{Caller, Core, problems},
};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// What of a credential does not follow from the record.
pub(super) struct Terms {
    pub(super) id: CertificateId,
    pub(super) office: MspId,
    pub(super) valid: (Second, Second),
    pub(super) salt: [u8; 16],
}

impl Core {
    /// The draft of a certificate that a learner asked for: for an officer to sign with their own key.
    pub(in crate::service) async fn certificate_draft(
        &self,
        caller: &Caller,
        id: CertificateId,
    ) -> Result<Draft, Problem> {
        let Caller::Officer { msp } = caller else {
            let detail = "a certificate is drafted for the offices' officers, who sign it";
            return Err(Problem::new(Kind::Forbidden, "access.offices_only", detail));
        };
        let learner = self.requested(id).await?;
        let roots = self.office_roots().await?;
        let agreement = self.agreement(caller, &learner, &roots).await?;
        let from = Second::of((self.clock)());
        let days = i64::from(self.settings.certificates.days);
        let until = Second::of(from.micros().saturating_add(days.saturating_mul(DAY)));
        let salt = random().map_err(|error: KeyError| problems::internal(&error))?;
        let terms = Terms { id, office: msp.clone(), valid: (from, until), salt };
        let proofs = agreement.proofs.clone();
        let credential = self.credential(terms, &learner, agreement).await?;
        Ok(Draft { credential, proofs })
    }

    /// The credential on these terms of what was agreed on.
    pub(super) async fn credential(
        &self,
        terms: Terms,
        learner: &LearnerId,
        agreement: Agreement,
    ) -> Result<Credential, Problem> {
        let Terms { id, office, valid, salt } = terms;
        let known = self.registry.office(&office).await?;
        let known = known.ok_or_else(|| problems::internal(&"an officer's office is not registered"))?;
        let root = known.certificate().map_err(|error| problems::internal(&error))?;
        let address = self.settings.certificates.address.as_deref();
        let parts = Parts {
            id,
            issuer: Issuer::new(office, root),
            valid,
            learner: learner.clone(),
            wallet: self.wallet_key(learner).await?,
            salt,
            record: agreement.record,
            evidence: agreement.evidence,
            status_address: address.map(|address| status_address(address, id)),
        };
        Ok(Credential::new(parts))
    }

    /// The key of the learner's wallet that is in force.
    async fn wallet_key(&self, learner: &LearnerId) -> Result<PublicKey, Problem> {
        let known = self.registry.learner(learner).await?.ok_or_else(|| problems::not_found("learner"))?;
        let key = known.wallet_at((self.clock)());
        let key = key.map_err(|refusal| problems::of_refusal(Kind::Unprocessable, &refusal))?;
        let point = key.point().map_err(|error| problems::internal(&error))?;
        PublicKey::from_point(&point).map_err(|error| problems::internal(&error))
    }
}
