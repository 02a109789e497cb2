//! Keys and what is signed with them: an educator's requests, a signer's signatures, acts, a caller's access tokens, an
//! authority's certificates.
//!
//! Every key is P-256. A private key's `Debug` shows nothing of it, and its memory is wiped when it goes.

mod access;
mod act;
mod authority;
pub mod held;
mod jwk;
pub(crate) mod jws;
mod office;
mod private_key;
mod reason;
mod request;
mod signature;

pub use access::{AccessError, AccessToken, Caller, Expected, LONGEST_ACCESS, Presented};
pub use act::ActSigner;
pub use authority::{Authority, Issued, Validity};
pub use jwk::Jwk;
pub use office::{OfficeDocument, OfficeSignatureError, OfficeSigner};
pub use private_key::{PrivateKey, PublicKey, SignatureInvalid};
pub use reason::{new_id, salted_reason};
pub use request::{Asked, RequestSigner, SignedQueries};
pub use signature::{DocumentSigner, Unsigned};

use std::{
    fs,
    path::{Path, PathBuf},
};

use sillok_contract::certificate::Certificate;

/// Why a key or certificate cannot be had. Nothing secret is in the text.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file of that name is there, and keys are never overwritten.
    #[error("{0} exists already; a key is never overwritten: choose another name or move it away")]
    Exists(PathBuf),
    /// The file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The text is not a P-256 private key in PKCS#8 PEM.
    #[error("this is not a P-256 private key in PKCS#8 PEM")]
    NotAPrivateKey,
    /// The bytes are not a P-256 public key.
    #[error("this is not a P-256 public key")]
    NotAPublicKey,
    /// The bytes are not an X.509 certificate of a P-256 key.
    #[error("this is not an X.509 certificate of a P-256 key: {0}")]
    NotACertificate(String),
    /// Key and certificate are not a pair.
    #[error("this certificate is not for this private key")]
    NotAPair,
    /// The certificate may not issue others.
    #[error("this certificate is not an authority's: it may not issue certificates")]
    NotAnAuthority,
    /// A certificate could not be issued.
    #[error("the certificate could not be issued: {0}")]
    NotIssued(String),
    /// The system gave no randomness.
    #[error("the system gave no randomness")]
    NoRandomness,
}

impl KeyError {
    /// Of a file.
    pub(crate) fn file(path: impl Into<PathBuf>, error: std::io::Error) -> Self {
        Self::File { path: path.into(), error }
    }

    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists(_) => "key.exists",
            Self::File { .. } => "key.file",
            Self::NotAPrivateKey => "key.private_malformed",
            Self::NotAPublicKey => "key.public_malformed",
            Self::NotACertificate(_) => "key.certificate_malformed",
            Self::NotAPair => "key.not_a_pair",
            Self::NotAnAuthority => "key.not_an_authority",
            Self::NotIssued(_) => "key.not_issued",
            Self::NoRandomness => "key.no_randomness",
        }
    }
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| KeyError::NoRandomness)?;
    Ok(bytes)
}

/// Writes a new file that only its owner may read, and sees to it that it is on disk; refuses to overwrite.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    private_key::write_new(path, bytes, 0o600)
}

/// A certificate from a PEM file.
pub fn read_certificate(path: &Path) -> Result<Certificate, KeyError> {
    let pem = fs::read_to_string(path).map_err(|error| KeyError::file(path, error))?;
    Certificate::from_pem(&pem).map_err(|refusal| KeyError::NotACertificate(refusal.message))
}

/// A certificate into a new PEM file; refuses to overwrite.
pub fn write_certificate(certificate: &Certificate, path: &Path) -> Result<(), KeyError> {
    private_key::write_new(path, certificate.to_pem().as_bytes(), 0o644)
}
