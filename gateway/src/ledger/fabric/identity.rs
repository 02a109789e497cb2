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

/// An MSP's member with its key.
pub(super) struct Identity {
    /// The serialised identity: MSP id and certificate.
    pub(super) creator: Bytes,
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
        let signing = SigningKey::from(secret);
        if signing.verifying_key().to_sec1_point(false).as_bytes() != parsed.public_key().point {
            return Err(ConnectError::new(
                key.display(),
                format!("it is not the key of {}", certificate.display()),
            ));
        }
        let identity = msp::SerializedIdentity { mspid: msp.to_owned(), id_bytes: pem.into() };
        Ok(Self { creator: identity.encode_to_vec().into(), key: signing })
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
