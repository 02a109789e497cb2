//! A draft: what an officer is asked to sign, with the proofs by which they check it on their own machine.

use serde::{Deserialize, Serialize};

use super::{CertificateError, Credential, record};
use crate::{ledger::receipt::Roots, proof::Proofs};

/// A credential that nobody has signed yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// What is to be signed.
    pub credential: Credential,
    /// The proofs, in the order of the credential's evidence.
    pub proofs: Proofs,
}

impl Draft {
    /// Checks it against the offices' root certificates, with nothing else at hand: every row is proven.
    pub fn check(&self, roots: &Roots) -> Result<(), CertificateError> {
        // Read anew: what comes as JSON is not what was checked when it was made.
        let credential = Credential::parse(&self.credential.to_json())?;
        let entries = record::check_evidence(&credential, &self.proofs, roots)?;
        record::check_record(&credential.credential_subject.record, &entries)
    }
}
