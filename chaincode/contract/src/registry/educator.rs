//! Educators.

use serde::{Deserialize, Serialize};

use super::{
    School,
    person::{self, Person, TermCodes, person},
};
use crate::{
    Code, Refusal,
    certificate::Certificate,
    id::{EducatorId, EducatorRole, SchoolId},
    key,
};

/// An educator: a certificate that stands for a school during some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Educator {
    /// Their id, a pseudonym.
    pub id: EducatorId,
    /// Their school.
    pub school: SchoolId,
    /// What they are there.
    pub role: EducatorRole,
    /// Their certificate, PEM, with a P-256 key.
    pub certificate: String,
    /// SHA-256 of the certificate's DER, 64 hexadecimal digits. Derived: may be absent when registering.
    #[serde(default)]
    pub thumbprint: String,
    /// From this time on they may send queries.
    pub from: i64,
    /// From this time on no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// From this time on what the key signs is void; what was executed before stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_since: Option<i64>,
}

person!(
    Educator,
    key::educator,
    "an educator",
    "the educator",
    TermCodes {
        not_yet: Code::EducatorNotYet,
        no_longer: Code::EducatorNoLonger,
        revoked: Code::EducatorRevoked
    }
);

impl Educator {
    /// Checks every member, derives the thumbprint, and gives the document as the registry stores it.
    pub fn checked(self) -> Result<Self, Refusal> {
        Ok(person::checked(self)?.0)
    }

    /// Refuses another school than theirs, and what [`Person::stands_at`] refuses.
    pub fn serves(&self, school: &SchoolId, time: i64) -> Result<(), Refusal> {
        if self.school != *school {
            return Err(Refusal::new(
                Code::EducatorElsewhere,
                format!("the educator {} is not one of the school {school}", self.id),
            ));
        }
        self.stands_at(time)
    }

    /// Everything about the educator that the ledger will check of a query executed at this time: school open,
    /// educator standing, certificate valid and issued by the school's valid authority.
    pub fn may_act(&self, school: &School, time: i64) -> Result<Certificate, Refusal> {
        let authority = school.authority()?;
        let certificate = self.certificate_of(&authority)?;
        self.may_act_with(&certificate, school, &authority, time)?;
        Ok(certificate)
    }

    /// As [`Educator::may_act`], with the educator's and the authority's certificates that have been read already; that
    /// the one issued the other ([`Certificate::issued_by`]) is the caller's to have checked.
    pub fn may_act_with(
        &self,
        certificate: &Certificate,
        school: &School,
        authority: &Certificate,
        time: i64,
    ) -> Result<(), Refusal> {
        school.open_at(time)?;
        self.serves(&school.id, time)?;
        authority.valid_at(time)?;
        certificate.valid_at(time)
    }
}
