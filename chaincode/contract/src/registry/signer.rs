//! Signers: people whom an office lets sign documents.

use serde::{Deserialize, Serialize};

use super::{
    ApprovalKey, Office,
    term::{Term, TermCodes, signer},
};
use crate::{
    Code, Refusal,
    certificate::Certificate,
    id::{MspId, SignerId},
};

const CODES: TermCodes =
    TermCodes { not_yet: Code::SignerNotYet, no_longer: Code::SignerNoLonger, revoked: Code::SignerRevoked };

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

impl Signer {
    /// Checks every member, derives the thumbprint, and gives the document as the registry stores it.
    pub fn checked(mut self) -> Result<Self, Refusal> {
        self.term().check()?;
        let (certificate, thumbprint) = signer("a signer", &self.certificate, &self.thumbprint)?;
        if certificate.has_role() {
            return Err(Refusal::new(
                Code::CertificateUnsupported,
                "a signer's certificate has none of the units client, admin, peer and orderer: it is for signing \
                 documents, and makes nobody one of the office's own people",
            ));
        }
        if let Some(approval) = &self.approval
            && approval.checked_point()?.as_slice() == certificate.public_key().point
        {
            return Err(Refusal::new(
                Code::ApprovalKeyMalformed,
                "the key of approval is the person's own; it is not the certificate's, which the office holds",
            ));
        }
        self.thumbprint = thumbprint;
        self.certificate = certificate.to_pem();
        Ok(self)
    }

    /// Refuses a time before `from`, from `until` on, and from `revoked_since` on.
    pub fn stands_at(&self, time: i64) -> Result<(), Refusal> {
        self.term().holds_at(time, &format!("the signer {}", self.id), &CODES)
    }

    /// The certificate, read, and checked to be issued by the office's authority. For its validity at a time ask
    /// [`Certificate::valid_at`].
    pub fn certificate_of(&self, authority: &Certificate) -> Result<Certificate, Refusal> {
        let certificate = Certificate::from_pem(&self.certificate)?;
        certificate.issued_by(authority)?;
        Ok(certificate)
    }

    /// Everything about the signer that the ledger will check of what they sign at this time: signer standing,
    /// certificate valid and issued by their office's valid authority.
    pub fn may_act(&self, office: &Office, time: i64) -> Result<Certificate, Refusal> {
        let authority = office.authority()?;
        let certificate = self.certificate_of(&authority)?;
        self.may_act_with(&certificate, &authority, time)?;
        Ok(certificate)
    }

    /// As [`Signer::may_act`], with the signer's and the authority's certificates that have been read already; that the
    /// one issued the other ([`Certificate::issued_by`]), and that the other is their office's, is the caller's to have
    /// checked.
    pub fn may_act_with(
        &self,
        certificate: &Certificate,
        authority: &Certificate,
        time: i64,
    ) -> Result<(), Refusal> {
        self.stands_at(time)?;
        authority.valid_at(time)?;
        certificate.valid_at(time)
    }

    /// The same signer, revoked; earlier than before if revoked already.
    pub(crate) fn revoked(mut self, since: i64) -> Result<Self, Refusal> {
        self.revoked_since = Some(self.term().revoked(since)?);
        Ok(self)
    }

    fn term(&self) -> Term {
        Term { from: self.from, until: self.until, revoked_since: self.revoked_since }
    }
}
