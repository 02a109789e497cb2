//! P-256 keys: made, kept in files, signed and verified with.

use std::{fmt, fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path, sync::Arc};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair,
        UnparsedPublicKey,
    },
};
use p256::{
    SecretKey,
    ecdsa::Signature,
    elliptic_curve::zeroize::Zeroizing,
    pkcs8::{
        DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding,
    },
};
use sillok_contract::certificate::{Certificate, Curve};

use super::{KeyError, random};

/// A P-256 private key. `Debug` shows its public half; its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct PrivateKey {
    secret: SecretKey,
    /// The same key, where it signs.
    signer: Arc<EcdsaKeyPair>,
    public: PublicKey,
}

impl PrivateKey {
    /// A new one, of the system's randomness.
    pub fn generate() -> Result<Self, KeyError> {
        loop {
            // All but a 2^-32 part of 32-byte strings are keys; the others are drawn again.
            let scalar = Zeroizing::new(random::<32>()?);
            if let Ok(secret) = SecretKey::from_slice(scalar.as_slice()) {
                return Self::of(secret);
            }
        }
    }

    /// From PKCS#8 PEM.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let secret = SecretKey::from_pkcs8_pem(pem).map_err(|_| KeyError::NotAPrivateKey)?;
        Self::of(secret)
    }

    /// One that has been read already.
    pub(crate) fn of(secret: SecretKey) -> Result<Self, KeyError> {
        let public = PublicKey::of(&secret.public_key());
        let scalar = Zeroizing::new(secret.to_bytes());
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let signer = EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar.as_slice(), &public.0)
            .map_err(|_| KeyError::NotAPrivateKey)?;
        Ok(Self { secret, signer: Arc::new(signer), public })
    }

    /// As PKCS#8 PEM, in memory that is wiped when it is dropped.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        self.secret.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::NotAPrivateKey)
    }

    /// From a PKCS#8 PEM file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let pem = fs::read_to_string(path).map_err(|error| KeyError::file(path, error))?;
        Self::from_pem(&Zeroizing::new(pem))
    }

    /// Into a new PKCS#8 PEM file that only its owner may read; refuses to overwrite.
    pub fn write_new(&self, path: &Path) -> Result<(), KeyError> {
        write_new(path, self.to_pem()?.as_bytes(), 0o600)
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// ES256 in ASN.1 DER, as certificates and endorsements have it; S in the lower half, as Fabric demands.
    pub fn sign_der(&self, message: &[u8]) -> Vec<u8> {
        self.sign(message).to_der().as_bytes().to_vec()
    }

    /// ES256 as two 32-byte numbers, as a JWS has it (RFC 7518, section 3.4).
    pub fn sign_fixed(&self, message: &[u8]) -> [u8; 64] {
        self.sign(message).to_bytes().into()
    }

    fn sign(&self, message: &[u8]) -> Signature {
        let signed = self.signer.sign(&SystemRandom::new(), message);
        let signed = signed.expect("a key that was read or made signs any message");
        let signature = Signature::from_slice(signed.as_ref());
        signature.expect("an ES256 signature is two numbers of the curve's order").normalize_s()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl rcgen::PublicKeyData for PrivateKey {
    fn der_bytes(&self) -> &[u8] {
        &self.public.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for PrivateKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.sign_der(message))
    }
}

/// A P-256 public key: the uncompressed point (SEC 1, section 2.3.3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 65]);

/// A signature is not this key's over this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not valid")]
pub struct SignatureInvalid;

impl PublicKey {
    fn of(key: &p256::PublicKey) -> Self {
        let mut point = [0; 65];
        point.copy_from_slice(&key.to_sec1_bytes());
        Self(point)
    }

    /// From a point on the curve.
    pub fn from_point(point: &[u8]) -> Result<Self, KeyError> {
        let key = p256::PublicKey::from_sec1_bytes(point).map_err(|_| KeyError::NotAPublicKey)?;
        Ok(Self::of(&key))
    }

    /// The key a certificate is for; it must be of the curve P-256.
    pub fn of_certificate(certificate: &Certificate) -> Result<Self, KeyError> {
        match certificate.public_key() {
            key if key.curve == Curve::P256 => Self::from_point(&key.point),
            _ => Err(KeyError::NotAPublicKey),
        }
    }

    /// From SubjectPublicKeyInfo, PEM.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let key = p256::PublicKey::from_public_key_pem(pem).map_err(|_| KeyError::NotAPublicKey)?;
        Ok(Self::of(&key))
    }

    /// As SubjectPublicKeyInfo, PEM.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let key = p256::PublicKey::from_sec1_bytes(&self.0).map_err(|_| KeyError::NotAPublicKey)?;
        key.to_public_key_pem(LineEnding::LF).map_err(|_| KeyError::NotAPublicKey)
    }

    /// Into a new PEM file; refuses to overwrite.
    pub fn write_new(&self, path: &Path) -> Result<(), KeyError> {
        write_new(path, self.to_pem()?.as_bytes(), 0o644)
    }

    /// The uncompressed point.
    pub fn point(&self) -> &[u8; 65] {
        &self.0
    }

    /// Checks an ES256 signature in ASN.1 DER.
    pub fn verify_der(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureInvalid> {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.0);
        key.verify(message, signature).map_err(|_| SignatureInvalid)
    }

    /// Checks an ES256 signature of a JWS.
    pub fn verify_fixed(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureInvalid> {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.0);
        key.verify(message, signature).map_err(|_| SignatureInvalid)
    }
}

impl rcgen::PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", hex::encode(self.0))
    }
}

/// Writes a file that must not be there yet, and sees to it that it is on disk.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), KeyError> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(
        |error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => KeyError::Exists(path.to_owned()),
            _ => KeyError::file(path, error),
        },
    )?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| KeyError::file(path, error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use std::os::unix::fs::PermissionsExt as _;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_survives_its_file_which_only_its_owner_reads_and_nothing_overwrites() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("educator.key");
        let key = PrivateKey::generate().unwrap();
        key.write_new(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(PrivateKey::read(&path).unwrap().public_key(), key.public_key());
        let before = fs::read(&path).unwrap();
        assert_eq!(PrivateKey::generate().unwrap().write_new(&path).unwrap_err().code(), "key.exists");
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn debug_shows_nothing_secret() {
        let key = PrivateKey::generate().unwrap();
        let scalar = hex::encode(key.secret.to_bytes());
        let shown = format!("{key:?}").to_lowercase();
        assert!(!shown.contains(&scalar));
        assert!(shown.contains(&hex::encode(key.public_key().point())));
    }

    #[test]
    fn a_public_key_survives_pem() {
        let public = *PrivateKey::generate().unwrap().public_key();
        assert_eq!(PublicKey::from_pem(&public.to_pem().unwrap()).unwrap(), public);
        assert!(PublicKey::from_point(&[4; 65]).is_err());
        assert!(PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_signature_is_valid_for_its_message_alone(message: Vec<u8>, other: Vec<u8>) {
            let key = PrivateKey::generate().unwrap();
            let (der, fixed) = (key.sign_der(&message), key.sign_fixed(&message));
            prop_assert!(Signature::from_slice(&fixed).is_ok_and(|signature| signature.normalize_s() == signature));
            prop_assert!(Signature::from_der(&der).is_ok_and(|signature| signature.normalize_s() == signature));
            prop_assert_eq!(key.public_key().verify_der(&message, &der), Ok(()));
            prop_assert_eq!(key.public_key().verify_fixed(&message, &fixed), Ok(()));
            prop_assert_eq!(key.public_key().verify_der(&other, &der).is_ok(), other == message);
            prop_assert_eq!(key.public_key().verify_fixed(&other, &fixed).is_ok(), other == message);
        }
    }
}
