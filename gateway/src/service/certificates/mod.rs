//! Certificates: a learner asks, an officer signs what database, ledger and wallet agree on, the learner countersigns. What
//! each of them decides is an act of their own key, which the ledger verifies; the gateway carries it, and cannot make it.

mod agreement;
mod draft;
mod face;
mod moves;
mod print;
mod status;
mod waiting;

use serde::{Deserialize, Serialize};
use sillok_contract::{
    credential::{Credential, State},
    entry::EntryId,
    id::LearnerId,
};
use utoipa::ToSchema;

pub use waiting::{WaitingCertificate, WaitingCertificates};

use super::{Caller, Core, problems};
use crate::{
    certificate::CertificateId,
    ledger::receipt::Roots,
    problem::{Kind, Problem},
    records::StoredCertificate,
};

/// A learner asks for a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateRequest {
    /// The act `certificate.request`, signed with the wallet's key: a compact JWS, `typ` `sillok-act+jws`.
    #[schema(example = "eyJ0eXAiOiJzaWxsb2stYWN0K2p3cyJ9.eyJhY3QiOiJjZXJ0aWZpY2F0ZS5yZXF1ZXN0In0.c2ln")]
    pub act: String,
    /// The wallet: the ids of all its entries, in the order of their numbers. An id is its entry's hash, so that they say
    /// all that the wallet holds.
    #[schema(value_type = Vec<String>)]
    pub wallet: Vec<EntryId>,
}

/// What somebody decides about a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateAct {
    /// The act, signed with their own key: a compact JWS, `typ` `sillok-act+jws`, its `act` `certificate.refuse`, `.issue`,
    /// `.countersign` or `.revoke`.
    #[schema(example = "eyJ0eXAiOiJzaWxsb2stYWN0K2p3cyJ9.eyJhY3QiOiJjZXJ0aWZpY2F0ZS5yZXZva2UifQ.c2ln")]
    pub act: String,
    /// With `certificate.issue`: the credential that the officer signed, a JWT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub credential: Option<String>,
}

/// Where a certificate stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateState {
    /// Its id.
    #[schema(value_type = String)]
    pub certificate: CertificateId,
    /// Whose record.
    #[schema(value_type = String)]
    pub learner: LearnerId,
    /// `requested`, `refused`, `issued`, `countersigned`, `revoked` or `expired`.
    #[schema(value_type = String)]
    pub state: State,
    /// Whether database and ledger agreed when it was asked for.
    pub agrees: bool,
    /// What came of comparing them then: the report, a compact JWS of the office, `typ` `sillok-report+jws`.
    pub report: String,
    /// SHA-256 of the credential's JWT, once it is issued: 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// From when on it is worth nothing, in microseconds since the Unix epoch, once it is issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// The transaction that brought it into its state.
    pub transaction: String,
}

impl Core {
    /// Where a certificate stands, for its learner and the offices.
    pub(super) async fn certificate(
        &self,
        caller: &Caller,
        id: CertificateId,
    ) -> Result<CertificateState, Problem> {
        let stored = self.certificate_seen_by(caller, id).await?;
        let credential = self.on_ledger(id).await?;
        state(stored, credential, (self.clock)())
    }

    /// The certificate's file, once it is issued.
    pub(super) async fn certificate_file(
        &self,
        caller: &Caller,
        id: CertificateId,
    ) -> Result<String, Problem> {
        let stored = self.certificate_seen_by(caller, id).await?;
        let absent =
            || Problem::new(Kind::NotFound, "certificate.not_issued", "the certificate is not issued yet");
        let file = stored.file.ok_or_else(absent)?;
        String::from_utf8(file).map_err(|error| problems::internal(&error))
    }

    async fn certificate_seen_by(
        &self,
        caller: &Caller,
        id: CertificateId,
    ) -> Result<StoredCertificate, Problem> {
        let stored = self.records.certificate(&id).await.map_err(problems::of_records)?;
        let stored = stored.filter(|stored| caller.check_learner(&stored.learner).is_ok());
        stored.ok_or_else(|| problems::not_found("certificate"))
    }

    /// The certificate as it stands on the ledger.
    async fn on_ledger(&self, id: CertificateId) -> Result<Credential, Problem> {
        let credential = self.contract().certificate(&id.named()).await.map_err(problems::of_ledger)?;
        credential.ok_or_else(|| problems::not_found("certificate"))
    }

    /// Whose certificate this is, which is asked for and neither refused nor issued.
    async fn requested(&self, id: CertificateId) -> Result<LearnerId, Problem> {
        let credential = self.on_ledger(id).await?;
        match credential.state {
            State::Requested => Ok(credential.learner),
            _ => {
                let detail = "the certificate is refused or issued already: it is not to be signed again";
                Err(Problem::new(Kind::Conflict, "certificate.not_requested", detail))
            }
        }
    }

    /// The offices' root certificates, as the ledger's registry has them.
    async fn office_roots(&self) -> Result<Roots, Problem> {
        let mut authorities = Vec::new();
        for msp in &self.settings.offices {
            let office = self.registry.office(msp).await?;
            authorities.extend(office.map(|office| (msp.to_string(), office.authority.clone().into_bytes())));
        }
        Roots::new(authorities).map_err(|error| problems::internal(&error))
    }
}

fn state(stored: StoredCertificate, credential: Credential, now: i64) -> Result<CertificateState, Problem> {
    let state = credential.state_at(now);
    let issued = credential.issued.as_ref();
    let steps = [
        credential.revoked.as_ref().map(|revoked| &revoked.step),
        credential.countersigned.as_ref(),
        issued.map(|issued| &issued.step),
        credential.refused.as_ref().map(|refused| &refused.step),
    ];
    let step = steps.into_iter().flatten().next().unwrap_or(&credential.requested);
    Ok(CertificateState {
        certificate: stored.id,
        learner: stored.learner,
        state,
        agrees: stored.agrees,
        report: stored.report,
        digest: issued.map(|issued| issued.digest.to_string()),
        expires_at: issued.map(|issued| issued.expires_at),
        transaction: step.transaction.clone(),
    })
}
