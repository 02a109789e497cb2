//! Authorities, and the people they give certificates to.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SignatureAlgorithm, date_time_ymd,
};
use sillok_contract::{
    certificate::Certificate,
    registry::WalletKey,
    request::{Payload, compact},
};

/// An authority that issues certificates valid during 2026.
pub struct Authority {
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        Self::with(name, &PKCS_ECDSA_P256_SHA256)
    }

    pub fn with(name: &str, algorithm: &'static SignatureAlgorithm) -> Self {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self::of(params, algorithm)
    }

    pub fn of(params: CertificateParams, algorithm: &'static SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub fn issue(&self, name: &str, units: &[&str]) -> Person {
        self.issue_with(params(name, units), &PKCS_ECDSA_P256_SHA256)
    }

    pub fn issue_with(&self, params: CertificateParams, algorithm: &'static SignatureAlgorithm) -> Person {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Person { pem, key }
    }
}

/// A subject with units, valid during 2026.
pub fn params(name: &str, units: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    for unit in units {
        // A name holds one value of each type; the second unit is given by its object identifier.
        let kind = match params.distinguished_name.get(&DnType::OrganizationalUnitName) {
            None => DnType::OrganizationalUnitName,
            Some(_) => DnType::CustomDnType(vec![2, 5, 4, 11]),
        };
        params.distinguished_name.push(kind, *unit);
    }
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

/// Someone with a certificate and its key.
pub struct Person {
    pub pem: String,
    key: KeyPair,
}

impl Person {
    pub fn certificate(&self) -> Certificate {
        Certificate::from_pem(&self.pem).unwrap()
    }

    /// The key as that of a learner's wallet.
    pub fn wallet(&self, since: i64) -> WalletKey {
        let point: [u8; 65] = self.certificate().public_key().point.as_slice().try_into().unwrap();
        WalletKey::new(&point, since)
    }

    pub fn sign(&self, payload: &Payload) -> String {
        self.sign_input(&payload.signing_input(&self.certificate().thumbprint()))
    }

    pub fn sign_input(&self, signing_input: &str) -> String {
        compact(signing_input, &self.sign_bytes(signing_input.as_bytes()))
    }

    pub fn sign_bytes(&self, bytes: &[u8]) -> [u8; 64] {
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, self.key.serialized_der()).unwrap();
        key.sign(&SystemRandom::new(), bytes).unwrap().as_ref().try_into().unwrap()
    }
}
