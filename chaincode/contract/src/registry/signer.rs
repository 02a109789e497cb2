//! Signers: people whom an office lets sign documents.

use serde::{Deserialize, Serialize};

use super::{
    ApprovalKey,
    person::{self, OfficePerson, TermCodes, person},
};
use crate::{
    Code, Refusal,
    id::{MspId, SignerId},
    key,
};

/// A signer: a certificate that stands for a person during some time. Its key is with the person, or the office holds it
/// for them; then each use of it has the person's approval, signed by a key of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// Their id, a pseudonym. No educator and no officer has the same.
    pub id: SignerId,
    /// The office whose authority issued the certificate; its administrators register and revoke them.
    pub office: MspId,
    /// Their certificate, PEM, with a P-256 key.
    pub certificate: String,
    /// SHA-256 of the certificate's DER, 64 hexadecimal digits. Derived: may be absent when registering.
    #[serde(default)]
    pub thumbprint: String,
    /// The person's own key, exactly where the office holds the certificate's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalKey>,
    /// From this time on they may sign.
    pub from: i64,
    /// From this time on no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// From this time on what the key signs is void; what was recorded before stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_since: Option<i64>,
}

person!(
    Signer,
    key::signer,
    "a signer",
    "the signer",
    TermCodes { not_yet: Code::SignerNotYet, no_longer: Code::SignerNoLonger, revoked: Code::SignerRevoked }
);

impl Signer {
    /// Checks every member, derives the thumbprint, and gives the document as the registry stores it.
    pub fn checked(self) -> Result<Self, Refusal> {
        let (signer, certificate) = person::checked(self)?;
        if certificate.has_role() {
            return Err(Refusal::new(
                Code::CertificateUnsupported,
                "a signer's certificate has none of the units client, admin, peer and orderer: it is for signing \
                 documents, and makes nobody one of the office's own people",
            ));
        }
        if let Some(approval) = &signer.approval
            && approval.checked_point()?.as_slice() == certificate.public_key().point
        {
            return Err(Refusal::new(
                Code::ApprovalKeyMalformed,
                "the key of approval is the person's own; it is not the certificate's, which the office holds",
            ));
        }
        Ok(signer)
    }
}

impl OfficePerson for Signer {
    fn office(&self) -> &MspId {
        &self.office
    }
}
