//! How acts move a certificate from state to state.

use super::{Credential, Issued, Refused, Revoked, State};
use crate::{
    Code, Ledger, Refusal,
    act::{
        CertificateCountersign, CertificateIssue, CertificateRefuse, CertificateRequest, CertificateRevoke,
        Step,
    },
    id::{CertificateId, LearnerId, OfficerId},
    json, key,
    registry::{self, check_time},
};

pub(crate) fn request(
    ledger: &mut dyn Ledger,
    act: &CertificateRequest,
    learner: LearnerId,
    requested: Step,
) -> Result<(), Refusal> {
    let id = act.certificate.clone();
    let key = key::credential(&id);
    if ledger.get(&key)?.is_some() {
        return Err(Refusal::new(Code::AlreadyExists, format!("{key} stands already; draw another id")));
    }
    ledger.put(&key::credential_of(&learner, &id), id.as_str().into())?;
    ledger.put(&key::credential_waiting(requested.at, &id), id.as_str().into())?;
    let credential = Credential {
        id,
        learner,
        state: State::Requested,
        requested,
        refused: None,
        issued: None,
        countersigned: None,
        revoked: None,
    };
    put(ledger, &credential)
}

pub(crate) fn refuse(
    ledger: &mut dyn Ledger,
    act: &CertificateRefuse,
    by: OfficerId,
    step: Step,
) -> Result<(), Refusal> {
    let mut credential = standing(ledger, &act.certificate, &[State::Requested])?;
    credential.state = State::Refused;
    credential.refused = Some(Refused { by, digest: act.digest, step });
    decided(ledger, &credential)
}

pub(crate) fn issue(
    ledger: &mut dyn Ledger,
    act: &CertificateIssue,
    by: OfficerId,
    step: Step,
) -> Result<(), Refusal> {
    check_time("expires_at", act.expires_at)?;
    if act.expires_at <= step.at {
        return Err(Refusal::new(Code::CredentialExpired, "expires_at is later than now"));
    }
    let mut credential = standing(ledger, &act.certificate, &[State::Requested])?;
    credential.state = State::Issued;
    credential.issued = Some(Issued { by, digest: act.digest, expires_at: act.expires_at, step });
    decided(ledger, &credential)
}

pub(crate) fn countersign(
    ledger: &mut dyn Ledger,
    act: &CertificateCountersign,
    learner: &LearnerId,
    step: Step,
) -> Result<(), Refusal> {
    let mut credential = standing(ledger, &act.certificate, &[State::Issued])?;
    if credential.learner != *learner {
        return Err(Refusal::new(Code::CredentialLearner, "the certificate is another learner's"));
    }
    if credential.issued.as_ref().is_none_or(|issued| issued.digest != act.digest) {
        return Err(Refusal::new(Code::CredentialDigest, "another certificate was issued under this id"));
    }
    if credential.state_at(step.at) == State::Expired {
        return Err(Refusal::new(Code::CredentialExpired, "the certificate has expired; ask for another"));
    }
    credential.state = State::Countersigned;
    credential.countersigned = Some(step);
    put(ledger, &credential)
}

pub(crate) fn revoke(
    ledger: &mut dyn Ledger,
    act: &CertificateRevoke,
    by: OfficerId,
    step: Step,
) -> Result<(), Refusal> {
    let mut credential = standing(ledger, &act.certificate, &[State::Issued, State::Countersigned])?;
    credential.state = State::Revoked;
    credential.revoked = Some(Revoked { by, reason: act.reason, step });
    put(ledger, &credential)
}

/// The certificate, if it is in one of these states.
fn standing(ledger: &mut dyn Ledger, id: &CertificateId, states: &[State]) -> Result<Credential, Refusal> {
    let credential: Credential = registry::get(ledger, &key::credential(id))?;
    match states.contains(&credential.state) {
        true => Ok(credential),
        false => Err(Refusal::new(
            Code::CredentialState,
            format!("the certificate {id} is {}", json::word(&credential.state)),
        )),
    }
}

/// An office has refused or issued it: it waits no more.
fn decided(ledger: &mut dyn Ledger, credential: &Credential) -> Result<(), Refusal> {
    ledger.delete(&key::credential_waiting(credential.requested.at, &credential.id))?;
    put(ledger, credential)
}

fn put(ledger: &mut dyn Ledger, credential: &Credential) -> Result<(), Refusal> {
    ledger.put(&key::credential(&credential.id), json::canonical(credential))
}
