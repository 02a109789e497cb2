//! Officers: an office's people who restore, adopt, certify and decide.

use serde::{Deserialize, Serialize};

use super::person::{self, OfficePerson, TermCodes, person};
use crate::{
    Code, Refusal,
    id::{MspId, OfficerId},
    key,
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

person!(
    Officer,
    key::officer,
    "an officer",
    "the officer",
    TermCodes {
        not_yet: Code::OfficerNotYet,
        no_longer: Code::OfficerNoLonger,
        revoked: Code::OfficerRevoked
    }
);

impl Officer {
    /// Checks every member, derives the thumbprint, and gives the document as the registry stores it.
    pub fn checked(self) -> Result<Self, Refusal> {
        Ok(person::checked(self)?.0)
    }
}

impl OfficePerson for Officer {
    fn office(&self) -> &MspId {
        &self.office
    }
}
