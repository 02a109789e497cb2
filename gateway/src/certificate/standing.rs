//! What the ledger says of a certificate: in the transactions that issued and countersigned it, and when it is asked.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use sillok_contract::{
    act::{Act, ActRecord, Named, SignedAct, Step},
    credential::{self, CredentialStatus, State},
    key,
};

use super::{CertificateError, CertificateId, Countersigned, SignedCredential};
use crate::{
    keys::jws,
    ledger::{
        Receipt, contract,
        receipt::{self, Roots},
    },
};

const ISSUE: &str = "the issue";
const COUNTERSIGNATURE: &str = "the countersignature";

/// What both offices answered to the question with this nonce about this certificate.
pub(super) fn told(
    id: CertificateId,
    receipt: &Receipt,
    nonce: &str,
    roots: &Roots,
) -> Result<CredentialStatus, CertificateError> {
    let endorsed = receipt::verify(receipt, roots).map_err(CertificateError::Status)?;
    let answer: CredentialStatus =
        contract::answer(&endorsed.answer).map_err(|_| CertificateError::OtherAnswer)?;
    match () {
        () if answer.transaction != receipt.transaction => Err(CertificateError::OtherAnswer),
        () if answer.certificate.as_str() != id.to_string() => Err(CertificateError::OtherStatus),
        () if answer.nonce != nonce => Err(CertificateError::Nonce),
        () => Ok(answer),
    }
}

/// The ledger took this JWT as issued, on an act of the officer who signed it.
pub(super) fn check_issued(
    signed: &SignedCredential,
    receipt: &Receipt,
    roots: &Roots,
) -> Result<(), CertificateError> {
    let moved = Moved::of(signed, receipt, roots, ISSUE)?;
    let issued = moved.credential.issued.as_ref().filter(|_| moved.credential.state == State::Issued);
    let issued = issued.ok_or(CertificateError::OtherReceipt(ISSUE))?;
    if issued.expires_at != signed.credential.valid_until.micros() {
        return Err(CertificateError::OtherReceipt(ISSUE));
    }
    let act = moved.act(&issued.step)?;
    match act.named {
        Named::Officer(thumbprint) if thumbprint == signed.officer.thumbprint() => Ok(()),
        _ => Err(CertificateError::OtherOfficer),
    }
}

/// The wallet's key signed for this JWT, and the ledger took that.
pub(super) fn check_countersigned(
    signed: &SignedCredential,
    countersigned: &Countersigned,
    roots: &Roots,
) -> Result<(), CertificateError> {
    check_countersignature(signed, &countersigned.act)?;
    let moved = Moved::of(signed, &countersigned.receipt, roots, COUNTERSIGNATURE)?;
    let step = moved.credential.countersigned.as_ref();
    let step = step.filter(|_| moved.credential.state == State::Countersigned);
    let act = moved.act(step.ok_or(CertificateError::OtherReceipt(COUNTERSIGNATURE))?)?;
    match act.as_str() == countersigned.act {
        true => Ok(()),
        false => Err(CertificateError::OtherReceipt(COUNTERSIGNATURE)),
    }
}

/// The act is the learner's agreement to this JWT, by the key that the credential names.
fn check_countersignature(signed: &SignedCredential, act: &str) -> Result<(), CertificateError> {
    let read = SignedAct::parse(act).map_err(CertificateError::CountersignatureForm)?;
    let wallet = signed.credential.cnf.jwk.key().map_err(|_| CertificateError::Countersignature)?;
    let token = jws::Unverified::<serde_json::Value, Vec<u8>>::parse_bytes(act);
    let token = token.ok_or(CertificateError::Countersignature)?;
    token.verify(&wallet).map_err(|_| CertificateError::Countersignature)?;
    let learner = Named::Learner(signed.credential.credential_subject.learner.clone());
    let agrees = match &read.payload.act {
        Act::CertificateCountersign(it) => {
            it.certificate.as_str() == signed.credential.id().to_string() && it.digest.0 == signed.digest()
        }
        _ => false,
    };
    match agrees && read.named == learner {
        true => Ok(()),
        false => Err(CertificateError::OtherCountersignature),
    }
}

/// What a transaction that moved the certificate wrote.
struct Moved {
    what: &'static str,
    credential: credential::Credential,
    transaction: String,
    writes: BTreeMap<String, Option<Vec<u8>>>,
}

impl Moved {
    /// Of a receipt, whose transaction wrote this certificate with this JWT's digest.
    fn of(
        signed: &SignedCredential,
        receipt: &Receipt,
        roots: &Roots,
        what: &'static str,
    ) -> Result<Self, CertificateError> {
        let endorsed =
            receipt::verify(receipt, roots).map_err(|error| CertificateError::Receipt { what, error })?;
        let (id, learner) = (signed.credential.id(), &signed.credential.credential_subject.learner);
        let credential: credential::Credential = written(&endorsed.writes, &key::credential(id), what)?;
        if credential.id.as_str() != id.to_string() || credential.learner != *learner {
            return Err(CertificateError::OtherReceipt(what));
        }
        if credential.issued.as_ref().is_none_or(|issued| issued.digest.0 != signed.digest()) {
            return Err(CertificateError::OtherDigest);
        }
        let transaction = receipt.transaction.clone();
        Ok(Self { what, credential, transaction, writes: endorsed.writes })
    }

    /// The act that moved it by this step, in this very transaction.
    fn act(&self, step: &Step) -> Result<SignedAct, CertificateError> {
        let other = || CertificateError::OtherReceipt(self.what);
        let record: ActRecord = written(&self.writes, &key::act(step.act), self.what)?;
        let act = SignedAct::parse(&record.jws).map_err(|_| other())?;
        match step.transaction == self.transaction && act.digest == step.act {
            true => Ok(act),
            false => Err(other()),
        }
    }
}

fn written<T: DeserializeOwned>(
    writes: &BTreeMap<String, Option<Vec<u8>>>,
    key: &str,
    what: &'static str,
) -> Result<T, CertificateError> {
    let written = writes.get(key).and_then(Option::as_ref);
    let read = written.and_then(|bytes| serde_json::from_slice(bytes).ok());
    read.ok_or(CertificateError::OtherReceipt(what))
}
