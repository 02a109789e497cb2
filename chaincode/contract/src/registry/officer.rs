//! Officers: an office's people who restore, adopt, certify and decide.

use serde::{Deserialize, Serialize};

use super::{
    Office,
    term::{Term, TermCodes, signer},
};
use crate::{
    Code, Refusal,
    certificate::Certificate,
    id::{MspId, OfficerId},
};

const CODES: TermCodes = TermCodes {
    not_yet: Code::OfficerNotYet,
    no_longer: Code::OfficerNoLonger,
    revoked: Code::OfficerRevoked,
};

/// An officer: a certificate that stands for an office during some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    /// Their id, a pseudonym. No educator has the same.
    pub id: OfficerId,
    /// Their office: its authority issued the certificate, its administrators register and revoke them.
    pub office: MspId,
    /// Their certificate, PEM, with a P-256 key.
    pub certificate: String,
    /// SHA-256 of the certificate's DER, 64 hexadecimal digits. Derived: may be absent when registering.
    #[serde(default)]
    pub thumbprint: String,
    /// From this time on they may sign.
    pub from: i64,
    /// From this time on no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// From this time on what the key signs is void; what was done before stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_since: Option<i64>,
}

impl Officer {
    /// Checks every member, derives the thumbprint, and gives the document as the registry stores it.
    pub fn checked(mut self) -> Result<Self, Refusal> {
        self.term().check()?;
        let (certificate, thumbprint) = signer("an officer", &self.certificate, &self.thumbprint)?;
        self.thumbprint = thumbprint;
        self.certificate = certificate.to_pem();
        Ok(self)
    }

    /// Refuses a time before `from`, from `until` on, and from `revoked_since` on.
    pub fn stands_at(&self, time: i64) -> Result<(), Refusal> {
        self.term().holds_at(time, &format!("the officer {}", self.id), &CODES)
    }

    /// The certificate, read, and checked to be issued by the office's authority. For its validity at a time ask
    /// [`Certificate::valid_at`].
    pub fn certificate_of(&self, authority: &Certificate) -> Result<Certificate, Refusal> {
        let certificate = Certificate::from_pem(&self.certificate)?;
        certificate.issued_by(authority)?;
        Ok(certificate)
    }

    /// Everything about the officer that the ledger will check of what they sign at this time: officer standing,
    /// certificate valid and issued by their office's valid authority.
    pub fn may_act(&self, office: &Office, time: i64) -> Result<Certificate, Refusal> {
        let authority = office.authority()?;
        let certificate = self.certificate_of(&authority)?;
        self.may_act_with(&certificate, &authority, time)?;
        Ok(certificate)
    }

    /// As [`Officer::may_act`], with the officer's and the authority's certificates that have been read already; that
    /// the one issued the other ([`Certificate::issued_by`]), and that the other is their office's, is the caller's to
    /// have checked.
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

    /// The same officer, revoked; earlier than before if revoked already.
    pub(crate) fn revoked(mut self, since: i64) -> Result<Self, Refusal> {
        self.revoked_since = Some(self.term().revoked(since)?);
        Ok(self)
    }

    fn term(&self) -> Term {
        Term { from: self.from, until: self.until, revoked_since: self.revoked_since }
    }
}
