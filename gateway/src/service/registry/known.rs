//! The registry's documents as they are remembered: with their certificates read once, not for each request.

use std::ops::Deref;

use sillok_contract::{
    Refusal,
    certificate::Certificate,
    registry::{Educator, Office, OfficePerson, Officer, School, Signer},
};

/// A document of the registry, and what was read of its certificate.
pub(in crate::service) struct Certified<D> {
    document: D,
    certificate: Result<Certificate, Refusal>,
}

/// An educator with the certificate their key is in.
pub(in crate::service) type KnownEducator = Certified<Educator>;

/// An officer with the certificate their key is in.
pub(in crate::service) type KnownOfficer = Certified<Officer>;

/// A signer with the certificate that they sign documents with.
pub(in crate::service) type KnownSigner = Certified<Signer>;

/// A school with its authority's certificate.
pub(in crate::service) type KnownSchool = Certified<School>;

/// An office with its authority's certificate.
pub(in crate::service) type KnownOffice = Certified<Office>;

impl<D> Deref for Certified<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.document
    }
}

impl<D> Certified<D> {
    fn new(document: D, certificate: Result<Certificate, Refusal>) -> Self {
        Self { document, certificate }
    }

    /// The certificate, or why it cannot be read.
    pub(in crate::service) fn certificate(&self) -> Result<&Certificate, Refusal> {
        self.certificate.as_ref().map_err(Refusal::clone)
    }
}

impl From<Educator> for KnownEducator {
    fn from(educator: Educator) -> Self {
        let certificate = Certificate::from_pem(&educator.certificate);
        Self::new(educator, certificate)
    }
}

impl From<Officer> for KnownOfficer {
    fn from(officer: Officer) -> Self {
        let certificate = Certificate::from_pem(&officer.certificate);
        Self::new(officer, certificate)
    }
}

impl From<Signer> for KnownSigner {
    fn from(signer: Signer) -> Self {
        let certificate = Certificate::from_pem(&signer.certificate);
        Self::new(signer, certificate)
    }
}

impl From<School> for KnownSchool {
    fn from(school: School) -> Self {
        let authority = school.authority();
        Self::new(school, authority)
    }
}

impl From<Office> for KnownOffice {
    fn from(office: Office) -> Self {
        let authority = Certificate::from_pem(&office.authority);
        Self::new(office, authority)
    }
}

impl KnownEducator {
    /// As [`Educator::may_act`], without reading the certificates again.
    pub(in crate::service) fn may_act(&self, school: &KnownSchool, time: i64) -> Result<(), Refusal> {
        let authority = school.certificate()?;
        let certificate = self.certificate()?;
        certificate.issued_by(authority)?;
        self.may_act_with(certificate, school, authority, time)
    }
}

impl<P: OfficePerson> Certified<P> {
    /// As [`OfficePerson::may_act`], without reading the certificates again.
    pub(in crate::service) fn may_act_for(&self, office: &KnownOffice, time: i64) -> Result<(), Refusal> {
        let authority = office.certificate()?;
        let certificate = self.certificate()?;
        certificate.issued_by(authority)?;
        self.may_act_with(certificate, authority, time)
    }
}

/// The document, if there is one, with its certificate read.
pub(super) fn certified<D>(document: Option<D>) -> Option<Certified<D>>
where
    Certified<D>: From<D>,
{
    document.map(Certified::from)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use sillok_contract::{
        Code,
        id::{EducatorId, SchoolId},
    };

    use super::*;
    use crate::{
        clock::now,
        keys::{Authority, Validity},
        ledger::school::Plan,
    };

    fn authority() -> Authority {
        Authority::generate("authority", "school", Validity::days(now(), 1)).unwrap()
    }

    fn school(authority: &Authority) -> KnownSchool {
        let plan = Plan::new(SchoolId::new("school").unwrap(), 1, 1).unwrap();
        plan.document(authority.certificate().to_pem()).into()
    }

    fn educator(authority: &Authority) -> KnownEducator {
        let id = EducatorId::new("E1").unwrap();
        let issued = authority.issue_educator(&id, Validity::days(now(), 1)).unwrap();
        let educator = serde_json::json!({
            "id": id, "school": "school", "role": "teacher", "certificate": issued.certificate.to_pem(), "from": 0
        });
        serde_json::from_value::<Educator>(educator).unwrap().into()
    }

    #[test]
    fn an_educator_acts_under_the_authority_that_issued_their_certificate_and_no_other_however_often_they_did()
     {
        let (own, other) = (authority(), authority());
        let educator = educator(&own);
        let may_act =
            |under: &Authority| educator.may_act(&school(under), now()).map_err(|refusal| refusal.code);
        for _ in 0..2 {
            assert_eq!(may_act(&other), Err(Code::CertificateIssuer));
            assert_eq!(may_act(&own), Ok(()));
        }
    }

    #[test]
    fn what_was_verified_once_does_not_outlive_the_certificate() {
        let authority = authority();
        let (educator, school) = (educator(&authority), school(&authority));
        let day = 86_400_000_000;
        assert_eq!(educator.may_act(&school, now()), Ok(()));
        let later = educator.may_act(&school, now() + 2 * day).unwrap_err();
        assert_eq!(later.code, Code::CertificateExpired);
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_refused_each_time() {
        let authority = authority();
        let document = Educator { certificate: "?".to_owned(), ..educator(&authority).document };
        let (educator, school) = (KnownEducator::from(document), school(&authority));
        for _ in 0..2 {
            let refused = educator.may_act(&school, now()).unwrap_err();
            assert_eq!(refused.code, Code::CertificateMalformed);
        }
    }
}
