//! Held keys in a token that speaks PKCS#11, by the module that its maker ships. A key is made in the token, marked
//! sensitive and not to be extracted, and found by its label.

mod failure;
mod module;
mod pool;

use std::sync::Mutex;

use cryptoki::{
    mechanism::Mechanism,
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use sillok_contract::digest::sha256;

use self::{failure::Failure, pool::Pool};
use super::{HeldError, HeldKeys, Label, Pkcs11Settings, Result};
use crate::keys::PublicKey;

/// The curve P-256 as an object identifier in DER (1.2.840.10045.3.1.7).
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// A token.
pub struct Pkcs11Keys {
    pool: Pool,
    /// A token takes any number of keys under one label. So within this process one at a time is made.
    making: Mutex<()>,
}

impl Pkcs11Keys {
    /// Loads the module and logs in to the token.
    pub fn open(settings: &Pkcs11Settings) -> Result<Self> {
        let keys = Self { pool: Pool::open(settings)?, making: Mutex::new(()) };
        keys.ready()?;
        Ok(keys)
    }
}

impl HeldKeys for Pkcs11Keys {
    fn ready(&self) -> Result<()> {
        self.pool.run(|session| session.get_session_info().map(drop).map_err(Failure::from))
    }

    fn generate(&self, label: &Label) -> Result<PublicKey> {
        let _one = self.making.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.public(label)?.is_some() {
            return Err(HeldError::Exists(label.clone()));
        }
        // Not tried anew by itself: a first try that was not answered may have made the key.
        self.pool.run_once(|session| make(session, label))
    }

    fn public(&self, label: &Label) -> Result<Option<PublicKey>> {
        self.pool.run(|session| {
            let Some(key) = find(session, label, ObjectClass::PUBLIC_KEY)? else { return Ok(None) };
            point(session, label, key).map(Some)
        })
    }

    fn sign(&self, label: &Label, message: &[u8]) -> Result<[u8; 64]> {
        let digest = sha256(&[message]);
        self.pool.run(|session| {
            let key = find(session, label, ObjectClass::PRIVATE_KEY)?
                .ok_or_else(|| Failure::Final(HeldError::Unknown(label.clone())))?;
            let signature = session.sign(&Mechanism::Ecdsa, key, &digest)?;
            let signature = p256::ecdsa::Signature::from_slice(&signature)
                .map_err(|_| damaged(label, "the token gave no ES256 signature"))?;
            Ok(signature.normalize_s().to_bytes().into())
        })
    }
}

fn make(session: &Session, label: &Label) -> std::result::Result<PublicKey, Failure> {
    let named = [Attribute::Label(label.as_str().into()), Attribute::Id(label.as_str().into())];
    let public = [
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::KeyType(KeyType::EC),
        Attribute::Verify(true),
        Attribute::EcParams(P256.to_vec()),
    ];
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
    ];
    let (public, private) = session.generate_key_pair(
        &Mechanism::EccKeyPairGen,
        &[&named[..], &public].concat(),
        &[&named[..], &private].concat(),
    )?;
    // Another process may have made one at the same moment: then neither stays.
    match find(session, label, ObjectClass::PRIVATE_KEY) {
        Err(Failure::Final(HeldError::Ambiguous(_))) => {
            session.destroy_object(private)?;
            session.destroy_object(public)?;
            Err(Failure::Final(HeldError::Exists(label.clone())))
        }
        found => found.and_then(|_| point(session, label, public)),
    }
}

fn find(
    session: &Session,
    label: &Label,
    class: ObjectClass,
) -> std::result::Result<Option<ObjectHandle>, Failure> {
    let found = session.find_objects(&[
        Attribute::Class(class),
        Attribute::KeyType(KeyType::EC),
        Attribute::Label(label.as_str().into()),
    ])?;
    match found[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => Err(Failure::Final(HeldError::Ambiguous(label.clone()))),
    }
}

/// The point of a public key. PKCS#11 has it as an OCTET STRING in DER; some tokens give the bare point.
fn point(session: &Session, label: &Label, key: ObjectHandle) -> std::result::Result<PublicKey, Failure> {
    for attribute in session.get_attributes(key, &[AttributeType::EcPoint])? {
        if let Attribute::EcPoint(bytes) = attribute {
            let bare = bytes.strip_prefix(&[0x04, 0x41]).filter(|bare| bare.len() == 0x41).unwrap_or(&bytes);
            return PublicKey::from_point(bare).map_err(|_| damaged(label, "its curve is not P-256"));
        }
    }
    Err(damaged(label, "the token does not give its public half"))
}

fn damaged(label: &Label, reason: &str) -> Failure {
    Failure::Final(HeldError::Damaged { label: label.clone(), reason: reason.to_owned() })
}
