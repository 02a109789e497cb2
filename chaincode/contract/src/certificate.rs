//! X.509 certificates (RFC 5280) with elliptic-curve keys: what the rules need of them, read once.

mod encoding;
mod issued;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    EcdsaVerificationAlgorithm, ParsedPublicKey, UnparsedPublicKey,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use x509_parser::{
    certificate::X509Certificate,
    extensions::{KeyUsage, ParsedExtension},
    oid_registry::{
        OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_SIG_ECDSA_WITH_SHA256,
        OID_SIG_ECDSA_WITH_SHA384, Oid,
    },
    pem::parse_x509_pem,
    prelude::FromDer,
    x509::SubjectPublicKeyInfo,
};

use crate::{Code, Refusal, digest::sha256};

/// The longest certificate, in bytes of DER.
pub const MAX_CERTIFICATE: usize = 16 * 1024;
const MICROS: i64 = 1_000_000;

/// The role that Fabric's NodeOUs give an identity, by an organisational unit of its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Uses the channel.
    Client,
    /// Administers its organisation.
    Admin,
    /// Runs a peer.
    Peer,
    /// Runs an orderer.
    Orderer,
}

impl Role {
    fn of_unit(unit: &str) -> Option<Self> {
        match unit {
            "client" => Some(Self::Client),
            "admin" => Some(Self::Admin),
            "peer" => Some(Self::Peer),
            "orderer" => Some(Self::Orderer),
            _ => None,
        }
    }
}

/// A curve that is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
}

/// A public key: a point of its curve, as SEC 1 encodes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Its curve.
    pub curve: Curve,
    /// The point.
    pub point: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
}

/// A certificate that has been read. Nothing about it has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    thumbprint: [u8; 32],
    subject: Vec<u8>,
    issuer: Vec<u8>,
    /// First and last second of validity, since the Unix epoch.
    validity: (i64, i64),
    key: PublicKey,
    authority: bool,
    signer: bool,
    units: Vec<String>,
    signed: Vec<u8>,
    hash: Hash,
    signature: Vec<u8>,
}

impl Certificate {
    /// Reads one PEM certificate; text around it is ignored, a second certificate refused.
    pub fn from_pem(pem: &str) -> Result<Self, Refusal> {
        if pem.len() > 2 * MAX_CERTIFICATE {
            return Err(malformed(format!("a certificate has at most {MAX_CERTIFICATE} bytes")));
        }
        let (rest, block) = parse_x509_pem(pem.as_bytes()).map_err(|_| malformed("it is not PEM"))?;
        if block.label != "CERTIFICATE" || rest.windows(10).any(|window| window == b"-----BEGIN") {
            return Err(malformed("give one CERTIFICATE in PEM"));
        }
        Self::from_der(&block.contents)
    }

    /// Reads a DER certificate with an elliptic-curve key and an ECDSA signature.
    pub fn from_der(der: &[u8]) -> Result<Self, Refusal> {
        if der.len() > MAX_CERTIFICATE {
            return Err(malformed(format!("a certificate has at most {MAX_CERTIFICATE} bytes")));
        }
        let (rest, parsed) =
            X509Certificate::from_der(der).map_err(|_| malformed("it is not X.509 in DER"))?;
        if !rest.is_empty() {
            return Err(malformed("there are bytes after it"));
        }
        check_critical(&parsed)?;
        let tbs = &parsed.tbs_certificate;
        let (hash, signature) = (hash_of(&tbs.signature.algorithm)?, &parsed.signature_value.data);
        if encoding::certificate(tbs.as_ref(), hash, signature) != der {
            return Err(malformed("its encoding is not the one of DER"));
        }
        Ok(Self {
            thumbprint: sha256(&[der]),
            der: der.to_owned(),
            subject: tbs.subject.as_raw().to_owned(),
            issuer: tbs.issuer.as_raw().to_owned(),
            validity: (tbs.validity.not_before.timestamp(), tbs.validity.not_after.timestamp()),
            key: PublicKey::of(&tbs.subject_pki)?,
            authority: may_issue(&parsed)?,
            signer: usage_allows(&parsed, KeyUsage::digital_signature)?,
            units: units(&parsed)?,
            signed: tbs.as_ref().to_owned(),
            hash,
            signature: signature.to_vec(),
        })
    }

    /// The bytes it was read from.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// PEM (RFC 7468) with lines of 64 characters: the form the registry stores.
    pub fn to_pem(&self) -> String {
        let text = BASE64_STANDARD.encode(&self.der);
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for line in text.as_bytes().chunks(64) {
            pem.extend(line.iter().map(|&byte| char::from(byte)));
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    /// SHA-256 of the DER: what `x5t#S256` names it by (RFC 7515, section 4.1.8).
    pub fn thumbprint(&self) -> [u8; 32] {
        self.thumbprint
    }

    /// The subject's key.
    pub fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// Whether it may issue certificates: basic constraints say CA, and key usage, if there, allows it.
    pub fn is_authority(&self) -> bool {
        self.authority
    }

    /// Whether its key may sign what is neither a certificate nor a revocation list: key usage, if there, allows it.
    pub fn is_signer(&self) -> bool {
        self.signer
    }

    /// Refuses a time (microseconds since the Unix epoch) outside the validity; both ends belong to it.
    pub fn valid_at(&self, time: i64) -> Result<(), Refusal> {
        let second = time.div_euclid(MICROS);
        if second < self.validity.0 {
            return Err(Refusal::new(
                Code::CertificateNotYetValid,
                "the certificate is not valid yet at that time",
            ));
        }
        if second > self.validity.1 {
            return Err(Refusal::new(
                Code::CertificateExpired,
                "the certificate has expired at that time; register one that is valid",
            ));
        }
        Ok(())
    }

    /// Checks that `authority` may issue certificates and issued this one, by name and signature. Times are not
    /// looked at: ask both with [`Certificate::valid_at`].
    ///
    /// What was found to be so once is remembered: the same two certificates always get the same answer.
    pub fn issued_by(&self, authority: &Certificate) -> Result<(), Refusal> {
        let pair = issued::Pair { authority: authority.thumbprint, certificate: self.thumbprint };
        if issued::is_known(&pair) {
            return Ok(());
        }
        self.check_issued_by(authority)?;
        issued::remember(pair);
        Ok(())
    }

    fn check_issued_by(&self, authority: &Certificate) -> Result<(), Refusal> {
        let algorithm = match (authority.key.curve, self.hash) {
            (Curve::P256, Hash::Sha256) => &ECDSA_P256_SHA256_ASN1,
            (Curve::P256, Hash::Sha384) => &ECDSA_P256_SHA384_ASN1,
            (Curve::P384, Hash::Sha256) => &ECDSA_P384_SHA256_ASN1,
            (Curve::P384, Hash::Sha384) => &ECDSA_P384_SHA384_ASN1,
        };
        let key = UnparsedPublicKey::new(algorithm, &authority.key.point);
        if authority.authority
            && self.issuer == authority.subject
            && key.verify(&self.signed, &self.signature).is_ok()
        {
            return Ok(());
        }
        Err(Refusal::new(Code::CertificateIssuer, "the authority did not issue the certificate"))
    }

    /// Whether any of its organisational units gives a role.
    pub fn has_role(&self) -> bool {
        self.units.iter().any(|unit| Role::of_unit(unit).is_some())
    }

    /// The role its organisational units give; refuses none or more than one.
    pub fn role(&self) -> Result<Role, Refusal> {
        let mut roles = self.units.iter().filter_map(|unit| Role::of_unit(unit));
        match (roles.next(), roles.next()) {
            (Some(role), None) => Ok(role),
            _ => Err(Refusal::new(
                Code::CreatorForbidden,
                "the creator's certificate does not have one of the units client, admin, peer and orderer",
            )),
        }
    }
}

impl PublicKey {
    fn of(info: &SubjectPublicKeyInfo<'_>) -> Result<Self, Refusal> {
        if info.algorithm.algorithm != OID_KEY_TYPE_EC_PUBLIC_KEY {
            return Err(unsupported("the key is not of an elliptic curve"));
        }
        let curve = info.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
        let (curve, algorithm): (_, &'static EcdsaVerificationAlgorithm) = match curve {
            Some(oid) if oid == OID_EC_P256 => (Curve::P256, &ECDSA_P256_SHA256_ASN1),
            Some(oid) if oid == OID_NIST_EC_P384 => (Curve::P384, &ECDSA_P384_SHA384_ASN1),
            _ => return Err(unsupported("the key is not of the curve P-256 or P-384")),
        };
        let point = info.subject_public_key.data.to_vec();
        ParsedPublicKey::new(algorithm, &point)
            .map_err(|_| malformed("its key is not a point of the curve"))?;
        Ok(Self { curve, point })
    }
}

fn hash_of(algorithm: &Oid<'_>) -> Result<Hash, Refusal> {
    if *algorithm == OID_SIG_ECDSA_WITH_SHA256 {
        return Ok(Hash::Sha256);
    }
    if *algorithm == OID_SIG_ECDSA_WITH_SHA384 {
        return Ok(Hash::Sha384);
    }
    Err(unsupported("it is not signed by ECDSA with SHA-256 or SHA-384"))
}

fn may_issue(certificate: &X509Certificate<'_>) -> Result<bool, Refusal> {
    let constraints =
        certificate.basic_constraints().map_err(|_| malformed("it has basic constraints twice"))?;
    Ok(constraints.is_some_and(|constraints| constraints.value.ca)
        && usage_allows(certificate, KeyUsage::key_cert_sign)?)
}

/// A certificate that says nothing of its key's usage allows any (RFC 5280, section 4.2.1.3).
fn usage_allows(certificate: &X509Certificate<'_>, usage: fn(&KeyUsage) -> bool) -> Result<bool, Refusal> {
    let stated = certificate.key_usage().map_err(|_| malformed("it has key usage twice"))?;
    Ok(stated.is_none_or(|stated| usage(stated.value)))
}

/// Refuses a critical extension that is not one of those whose meaning is known here (RFC 5280, section 4.2).
fn check_critical(certificate: &X509Certificate<'_>) -> Result<(), Refusal> {
    let is_known = |extension: &ParsedExtension<'_>| {
        matches!(
            extension,
            ParsedExtension::BasicConstraints(_)
                | ParsedExtension::KeyUsage(_)
                | ParsedExtension::ExtendedKeyUsage(_)
                | ParsedExtension::SubjectAlternativeName(_)
                | ParsedExtension::CertificatePolicies(_)
        )
    };
    let mut critical = certificate.extensions().iter().filter(|extension| extension.critical);
    match critical.all(|extension| is_known(extension.parsed_extension())) {
        true => Ok(()),
        false => Err(unsupported("it has a critical extension that is not known here")),
    }
}

fn units(certificate: &X509Certificate<'_>) -> Result<Vec<String>, Refusal> {
    let units = certificate.subject().iter_organizational_unit();
    units
        .map(|unit| {
            unit.as_str().map(str::to_owned).map_err(|_| malformed("a unit of its subject is not text"))
        })
        .collect()
}

fn malformed(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::CertificateMalformed, format!("the certificate cannot be read: {why}"))
}

fn unsupported(why: &str) -> Refusal {
    Refusal::new(Code::CertificateUnsupported, format!("the certificate is not of an allowed kind: {why}"))
}
