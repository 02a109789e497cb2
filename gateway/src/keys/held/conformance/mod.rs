//! What every holder of keys owes, run against each: the software store always, a token where `SILLOK_TEST_PKCS11` names a
//! directory with the file `held.toml` (the section `held`) and where its module finds the token.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod token;

use std::{sync::Arc, thread};

use super::{HeldError, HeldKey, HeldKeys, Label, Settings, open};
use crate::keys::PublicKey;

/// Makes each function a test on each engine.
macro_rules! on_every_holder {
    ($($test:ident),* $(,)?) => {
        mod software {
            $(#[test]
            fn $test() {
                let directory = tempfile::tempdir().unwrap();
                let another = || super::open(&super::Settings::default(), directory.path()).unwrap();
                super::$test(&another);
            })*
        }

        mod pkcs11 {
            $(#[test]
            fn $test() {
                if let Some(settings) = super::token::settings() {
                    let _undisturbed = super::token::DISTURBED.read();
                    super::$test(&|| super::open(&settings, std::path::Path::new("nowhere")).unwrap());
                }
            })*
        }
    };
}

on_every_holder!(
    a_key_signs_what_its_public_half_verifies,
    a_key_is_never_overwritten_and_one_that_is_not_there_is_not_used,
    a_key_is_there_for_who_opens_the_store_later,
    of_several_who_make_one_at_once_one_does,
    many_sign_at_once,
    a_request_for_a_certificate_is_signed_with_it,
);

type Opens<'a> = &'a dyn Fn() -> Arc<dyn HeldKeys>;

/// One of this test's own: a token is shared.
fn label() -> Label {
    format!("label-{:x}", rand::random::<u64>()).parse().unwrap()
}

fn verifies(public: &PublicKey, message: &[u8], signature: &[u8; 64]) {
    public.verify_fixed(message, signature).unwrap();
    let signature = p256::ecdsa::Signature::from_slice(signature).unwrap();
    assert_eq!(signature.normalize_s(), signature, "S is not in the lower half");
}

fn a_key_signs_what_its_public_half_verifies(open: Opens<'_>) {
    let (keys, label) = (open(), label());
    keys.ready().unwrap();
    let public = keys.generate(&label).unwrap();
    assert_eq!(keys.public(&label).unwrap(), Some(public));
    // Often enough that S would be in the upper half if nobody cared.
    for number in 0..16 {
        let message = format!("message {number}");
        verifies(&public, message.as_bytes(), &keys.sign(&label, message.as_bytes()).unwrap());
    }
    for message in [&b""[..], &[7; 100_000]] {
        verifies(&public, message, &keys.sign(&label, message).unwrap());
    }
    assert!(public.verify_fixed(b"other", &keys.sign(&label, b"message").unwrap()).is_err());
}

fn a_key_is_never_overwritten_and_one_that_is_not_there_is_not_used(open: Opens<'_>) {
    let (keys, there, not_there) = (open(), label(), label());
    let public = keys.generate(&there).unwrap();
    assert_eq!(keys.generate(&there).unwrap_err(), HeldError::Exists(there.clone()));
    verifies(&public, b"message", &keys.sign(&there, b"message").unwrap());
    assert_eq!(keys.public(&not_there).unwrap(), None);
    assert_eq!(keys.sign(&not_there, b"message").unwrap_err(), HeldError::Unknown(not_there));
}

fn a_key_is_there_for_who_opens_the_store_later(open: Opens<'_>) {
    let label = label();
    let before = open();
    let public = open().generate(&label).unwrap();
    for keys in [before, open()] {
        assert_eq!(keys.public(&label).unwrap(), Some(public));
        verifies(&public, b"message", &keys.sign(&label, b"message").unwrap());
    }
}

fn of_several_who_make_one_at_once_one_does(open: Opens<'_>) {
    let (keys, label) = (open(), label());
    let made: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(|| keys.generate(&label))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let first: Vec<_> = made.iter().filter_map(|made| made.as_ref().ok()).collect();
    assert_eq!(first.len(), 1, "{made:?}");
    assert!(made.iter().flat_map(|made| made.as_ref().err()).all(|error| error.code() == "held.exists"));
    verifies(first[0], b"message", &keys.sign(&label, b"message").unwrap());
}

fn many_sign_at_once(open: Opens<'_>) {
    let keys = open();
    let people: Vec<_> =
        (0..4).map(|_| label()).map(|label| (keys.generate(&label).unwrap(), label)).collect();
    thread::scope(|scope| {
        for number in 0..16 {
            let (keys, (public, label)) = (&keys, &people[number % people.len()]);
            scope.spawn(move || {
                for round in 0..8 {
                    let message = format!("{number} {round}");
                    verifies(public, message.as_bytes(), &keys.sign(label, message.as_bytes()).unwrap());
                }
            });
        }
    });
}

fn a_request_for_a_certificate_is_signed_with_it(open: Opens<'_>) {
    let (keys, label) = (open(), label());
    keys.generate(&label).unwrap();
    let key = HeldKey::find(keys.as_ref(), &label).unwrap();
    let request = key.certificate_request().unwrap();
    let read = rcgen::CertificateSigningRequestParams::from_pem(&request).unwrap();
    assert_eq!(rcgen::PublicKeyData::der_bytes(&read.public_key), key.public_key().point());
}
