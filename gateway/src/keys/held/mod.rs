//! Keys that the office holds for people who have none of their own: made where they stay, and never seen outside.
//!
//! An engine is a [`HeldKeys`]: a store of files under an office key ([`SoftwareKeys`]), for trying and for small offices,
//! or a hardware security module that speaks PKCS#11 ([`Pkcs11Keys`]). That a use of a key is its owner's will is shown by
//! the owner's own signed approval, which the ledger checks; an engine signs whatever it is given.

#[cfg(test)]
mod conformance;
mod error;
mod label;
mod lazy;
mod pkcs11;
mod settings;
mod software;

pub use error::{HeldError, Result};
pub use label::Label;
pub use lazy::LazyKeys;
pub use pkcs11::Pkcs11Keys;
pub(crate) use settings::open_software;
pub use settings::{HeldEngine, Pkcs11Settings, Settings, open};
pub use software::SoftwareKeys;

use rcgen::{CertificateParams, DistinguishedName, DnType};

use super::{KeyError, PublicKey};

/// Where held keys rest. Several processes may use one at once. Its calls block, for milliseconds as a rule: asynchronous
/// code makes them where it may (`tokio::task::spawn_blocking`).
pub trait HeldKeys: Send + Sync {
    /// Whether it can sign now.
    fn ready(&self) -> Result<()>;
    /// Makes a P-256 key under a label that has none: [`HeldError::Exists`] where it has. Once this is answered the key is
    /// durable.
    fn generate(&self, label: &Label) -> Result<PublicKey>;
    /// The public half of the key under this label.
    fn public(&self, label: &Label) -> Result<Option<PublicKey>>;
    /// ES256 over the message, as two 32-byte numbers with S in the lower half: what a JWS has. [`HeldError::Unknown`] where
    /// there is no such key.
    fn sign(&self, label: &Label, message: &[u8]) -> Result<[u8; 64]>;
}

/// A held key as certificates and requests for them are signed with it.
pub struct HeldKey<'a> {
    keys: &'a dyn HeldKeys,
    label: Label,
    public: PublicKey,
}

impl<'a> HeldKey<'a> {
    /// The key under this label.
    pub fn find(keys: &'a dyn HeldKeys, label: &Label) -> Result<Self> {
        let public = keys.public(label)?.ok_or_else(|| HeldError::Unknown(label.clone()))?;
        Ok(Self { keys, label: label.clone(), public })
    }

    /// Its public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// A request for a certificate (PKCS#10, PEM), signed with it: for an authority that is elsewhere. Its common name is the
    /// label.
    pub fn certificate_request(&self) -> std::result::Result<String, KeyError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, self.label.as_str());
        let request = params.serialize_request(self).and_then(|request| request.pem());
        request.map_err(|error| KeyError::NotIssued(error.to_string()))
    }
}

impl rcgen::PublicKeyData for HeldKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.public.point()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for HeldKey<'_> {
    fn sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, rcgen::Error> {
        let fixed = self.keys.sign(&self.label, message).map_err(|_| rcgen::Error::RemoteKeyError)?;
        let signature =
            p256::ecdsa::Signature::from_slice(&fixed).map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(signature.to_der().as_bytes().to_vec())
    }
}
