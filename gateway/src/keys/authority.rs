//! An organisation's certificate authority: a school's issues its educators' certificates, an office's its officers' and
//! signers'.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use sillok_contract::{
    certificate::Certificate,
    id::{EducatorId, OfficerId, SignerId},
};

use super::{KeyError, PrivateKey, PublicKey, random, read_certificate, write_certificate};

/// From when until when a certificate is good: microseconds since the Unix epoch, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first instant.
    pub from: i64,
    /// The last instant.
    pub until: i64,
}

/// The extended key usage of who signs documents: id-kp-documentSigning (RFC 9336).
const DOCUMENT_SIGNING: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 3, 36];
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

impl Validity {
    /// From a day before `now`, for clocks that differ, and for so many days after it.
    pub fn days(now: i64, days: u32) -> Self {
        Self { from: now.saturating_sub(DAY), until: now.saturating_add(DAY.saturating_mul(i64::from(days))) }
    }

    fn apply(self, params: &mut CertificateParams) -> Result<(), KeyError> {
        let second = |micros: i64| {
            u64::try_from(micros / 1_000_000)
                .ok()
                .filter(|&seconds| seconds < 253_402_300_800)
                .map(|seconds| date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds))
                .ok_or_else(|| KeyError::NotIssued("its time is not between 1970 and 9999".to_owned()))
        };
        params.not_before = second(self.from)?;
        params.not_after = second(self.until)?;
        Ok(())
    }
}

/// A certificate with its key, as an authority hands it out.
#[derive(Debug)]
pub struct Issued {
    /// The certificate.
    pub certificate: Certificate,
    /// Its private key.
    pub key: PrivateKey,
}

impl Issued {
    /// Into two new PEM files; refuses to overwrite either. The key's only its owner may read.
    pub fn write_new(&self, certificate: &Path, key: &Path) -> Result<(), KeyError> {
        if certificate.exists() {
            return Err(KeyError::Exists(certificate.to_owned()));
        }
        self.key.write_new(key)?;
        write_certificate(&self.certificate, certificate)
    }
}

/// A certificate authority.
#[derive(Debug)]
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, PrivateKey>,
}

impl Authority {
    /// A new one with a certificate signed by itself.
    pub fn generate(common_name: &str, organisation: &str, validity: Validity) -> Result<Self, KeyError> {
        let key = PrivateKey::generate()?;
        let mut params = params(common_name, organisation, None, validity)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let certificate = parse(params.self_signed(&key).map_err(not_issued)?.der())?;
        Ok(Self { certificate, issuer: Issuer::new(params, key) })
    }

    /// From its certificate and key; checks that they are a pair and that it may issue.
    pub fn new(certificate: Certificate, key: PrivateKey) -> Result<Self, KeyError> {
        if PublicKey::of_certificate(&certificate)? != *key.public_key() {
            return Err(KeyError::NotAPair);
        }
        if !certificate.is_authority() {
            return Err(KeyError::NotAnAuthority);
        }
        let issuer = Issuer::from_ca_cert_der(&certificate.der().into(), key).map_err(not_issued)?;
        Ok(Self { certificate, issuer })
    }

    /// From PEM files, such as those cryptogen leaves in an organisation's `ca` directory.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, KeyError> {
        Self::new(read_certificate(certificate)?, PrivateKey::read(key)?)
    }

    /// Its own certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its private key, to keep it.
    pub fn key(&self) -> &PrivateKey {
        self.issuer.key()
    }

    /// A certificate with a new key. `unit` is the role: `client`, `admin` or `peer` (Fabric's NodeOUs).
    pub fn issue(&self, common_name: &str, unit: &str, validity: Validity) -> Result<Issued, KeyError> {
        let key = PrivateKey::generate()?;
        let mut params = params(common_name, "", Some(unit), validity)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(Issued { certificate: self.certify(params, &key)?, key })
    }

    /// An educator's certificate with a new key: common name their pseudonym, role `client`.
    pub fn issue_educator(&self, educator: &EducatorId, validity: Validity) -> Result<Issued, KeyError> {
        self.issue(educator.as_str(), "client", validity)
    }

    /// An officer's certificate with a new key: common name their pseudonym, role `client`.
    pub fn issue_officer(&self, officer: &OfficerId, validity: Validity) -> Result<Issued, KeyError> {
        self.issue(officer.as_str(), "client", validity)
    }

    /// A signer's certificate with a new key: see [`Authority::certify_signer`].
    pub fn issue_signer(&self, signer: &SignerId, validity: Validity) -> Result<Issued, KeyError> {
        let key = PrivateKey::generate()?;
        Ok(Issued { certificate: self.certify_signer(signer, key.public_key(), validity)?, key })
    }

    /// A signer's certificate for a key that they, or who holds it for them, have: common name their pseudonym, for the
    /// signing of documents, and without a role, so that it makes nobody one of the office's own people.
    pub fn certify_signer(
        &self,
        signer: &SignerId,
        key: &PublicKey,
        validity: Validity,
    ) -> Result<Certificate, KeyError> {
        let mut params = params(signer.as_str(), "", None, validity)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(DOCUMENT_SIGNING.to_vec())];
        self.certify(params, key)
    }

    fn certify(
        &self,
        mut params: CertificateParams,
        key: &impl rcgen::PublicKeyData,
    ) -> Result<Certificate, KeyError> {
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        let issued = params.signed_by(key, &self.issuer).map_err(not_issued)?;
        parse(issued.der())
    }
}

fn params(
    common_name: &str,
    organisation: &str,
    unit: Option<&str>,
    validity: Validity,
) -> Result<CertificateParams, KeyError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    if !organisation.is_empty() {
        params.distinguished_name.push(DnType::OrganizationName, organisation);
    }
    if let Some(unit) = unit {
        params.distinguished_name.push(DnType::OrganizationalUnitName, unit);
    }
    params.distinguished_name.push(DnType::CommonName, common_name);
    let mut serial = random::<16>()?;
    // Positive and not zero (RFC 5280, section 4.1.2.2).
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    validity.apply(&mut params)?;
    Ok(params)
}

fn parse(der: &[u8]) -> Result<Certificate, KeyError> {
    Certificate::from_der(der).map_err(|refusal| KeyError::NotIssued(refusal.message))
}

fn not_issued(error: rcgen::Error) -> KeyError {
    KeyError::NotIssued(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use sillok_contract::certificate::Role;
    use x509_parser::prelude::{FromDer as _, X509Certificate};

    use super::*;

    const NOW: i64 = 1_790_000_000_000_000;

    fn school() -> Authority {
        Authority::generate("School CA", "School", Validity::days(NOW, 3650)).unwrap()
    }

    #[test]
    fn an_educators_certificate_names_them_and_their_role_and_chains_to_the_school() {
        let school = school();
        let issued =
            school.issue_educator(&EducatorId::new("T0042").unwrap(), Validity::days(NOW, 365)).unwrap();
        assert_eq!(PublicKey::of_certificate(&issued.certificate).unwrap(), *issued.key.public_key());
        issued.certificate.issued_by(school.certificate()).unwrap();
        issued.certificate.issued_by(&issued.certificate).unwrap_err();
        issued.certificate.valid_at(NOW + 365 * DAY).unwrap();
        issued.certificate.valid_at(NOW + 366 * DAY).unwrap_err();
        assert_eq!(issued.certificate.role().unwrap(), Role::Client);
        assert!(!issued.certificate.is_authority());
        let (_, parsed) = X509Certificate::from_der(issued.certificate.der()).unwrap();
        assert_eq!(parsed.subject().iter_common_name().next().unwrap().as_str().unwrap(), "T0042");
    }

    #[test]
    fn an_authority_survives_its_files_and_issues_on() {
        let directory = tempfile::tempdir().unwrap();
        let (certificate, key) = (directory.path().join("ca.pem"), directory.path().join("ca.key"));
        let school = school();
        let pair = Issued { certificate: school.certificate().clone(), key: school.key().clone() };
        pair.write_new(&certificate, &key).unwrap();
        assert_eq!(pair.write_new(&certificate, &key).unwrap_err().code(), "key.exists");
        let again = Authority::read(&certificate, &key).unwrap();
        let issued = again.issue("T1", "client", Validity::days(NOW, 1)).unwrap();
        issued.certificate.issued_by(school.certificate()).unwrap();
    }

    #[test]
    fn who_is_no_authority_cannot_issue() {
        let issued = school().issue("T1", "client", Validity::days(NOW, 1)).unwrap();
        let other = PrivateKey::generate().unwrap();
        assert_eq!(Authority::new(issued.certificate.clone(), other).unwrap_err().code(), "key.not_a_pair");
        assert_eq!(
            Authority::new(issued.certificate, issued.key).unwrap_err().code(),
            "key.not_an_authority"
        );
    }

    #[test]
    fn a_validity_outside_the_calendar_is_refused() {
        let school = school();
        for (from, until) in [(-1_000_000, NOW), (0, i64::MAX)] {
            assert_eq!(
                school.issue("T1", "client", Validity { from, until }).unwrap_err().code(),
                "key.not_issued"
            );
        }
    }
}
