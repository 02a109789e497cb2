//! The client's identity: what it signs with.

use std::{fmt, fs, path::Path};

use fabric_protos::{
    msp,
    prost::{Message as _, bytes::Bytes},
};
use p256::{
    SecretKey,
    ecdsa::{DerSignature, Signature, SigningKey, signature::Signer as _},
    pkcs8::DecodePrivateKey as _,
};
use sillok_contract::certificate::Certificate;

use super::ConnectError;
use crate::keys::{OfficeSigner, PrivateKey};

/// An MSP's member with its key.
pub(super) struct Identity {
    /// The serialised identity: MSP id and certificate.
    pub(super) creator: Bytes,
    /// What signs an office's documents.
    pub(super) signer: OfficeSigner,
    key: SigningKey,
}

impl Identity {
    /// From PEM files: a certificate, and its P-256 key as PKCS#8 or SEC 1. Checks that they are a pair.
    pub(super) fn read(msp: &str, certificate: &Path, key: &Path) -> Result<Self, ConnectError> {
        let pem = read(certificate)?;
        let parsed = Certificate::from_pem(&pem)
            .map_err(|refusal| ConnectError::new(certificate.display(), refusal.message))?;
        let secret = secret_key(&read(key)?).ok_or_else(|| {
            ConnectError::new(key.display(), "it is not a P-256 private key in PEM, neither PKCS#8 nor SEC 1")
        })?;
        let signing = SigningKey::from(&secret);
        let signer = PrivateKey::of(secret).and_then(|key| OfficeSigner::new(parsed, key));
        let signer = signer.map_err(|_| {
            ConnectError::new(key.display(), format!("it is not the key of {}", certificate.display()))
        })?;
        let identity = msp::SerializedIdentity { mspid: msp.to_owned(), id_bytes: pem.into() };
        Ok(Self { creator: identity.encode_to_vec().into(), signer, key: signing })
    }

    /// ES256 in ASN.1 DER, with the lower of the two values of S: Fabric refuses the other.
    pub(super) fn sign(&self, message: &[u8]) -> Bytes {
        let signature: Signature = self.key.sign(message);
        let signature: DerSignature = signature.normalize_s().to_der();
        Bytes::copy_from_slice(signature.as_bytes())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

fn secret_key(pem: &str) -> Option<SecretKey> {
    SecretKey::from_pkcs8_pem(pem).or_else(|_| SecretKey::from_sec1_pem(pem)).ok()
}

fn read(path: &Path) -> Result<String, ConnectError> {
    fs::read_to_string(path).map_err(|error| ConnectError::new(path.display(), error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use p256::{
        ecdsa::signature::Verifier as _,
        pkcs8::{DecodePrivateKey as _, LineEnding},
    };

    use super::{super::fixture::Organisation, *};

    #[test]
    fn every_signature_is_of_the_form_fabric_takes() {
        let member = Organisation::new("SupportMSP").member("client");
        let directory = tempfile::tempdir().unwrap();
        let (certificate, key) = (directory.path().join("c.pem"), directory.path().join("k.pem"));
        fs::write(&certificate, &member.certificate).unwrap();
        let pkcs8 = member.key.serialize_pem();
        let sec1 =
            SecretKey::from_pkcs8_pem(&pkcs8).unwrap().to_sec1_pem(LineEnding::LF).unwrap().to_string();
        for pem in [pkcs8, sec1] {
            fs::write(&key, pem).unwrap();
            let identity = Identity::read("SupportMSP", &certificate, &key).unwrap();
            for message in 0..32_u8 {
                let signature = Signature::from_der(&identity.sign(&[message])).unwrap();
                assert_eq!(signature, signature.normalize_s());
                member.signing_key().verifying_key().verify(&[message], &signature).unwrap();
            }
        }
    }

    #[test]
    fn what_is_no_pair_is_refused_and_no_key_is_told() {
        let office = Organisation::new("OfficeMSP");
        let (member, other) = (office.member("client"), office.member("client"));
        let directory = tempfile::tempdir().unwrap();
        let (certificate, key) = (directory.path().join("c.pem"), directory.path().join("k.pem"));
        fs::write(&certificate, &member.certificate).unwrap();
        let read = || Identity::read("OfficeMSP", &certificate, &key);
        assert!(read().unwrap_err().subject.ends_with("k.pem"));
        for text in [other.key.serialize_pem(), member.certificate.clone(), "secret words".to_owned()] {
            fs::write(&key, text).unwrap();
            let refused = read().unwrap_err();
            assert!(
                refused.subject.ends_with("k.pem") && !refused.reason.contains("secret words"),
                "{refused}"
            );
        }
        fs::write(&key, member.key.serialize_pem()).unwrap();
        assert_eq!(format!("{:?}", read().unwrap()), "Identity { .. }");
    }
}
