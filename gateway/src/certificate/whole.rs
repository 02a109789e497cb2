//! Whole credentials, made of anything: what was signed is read back, and nothing else than what was signed.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::LazyLock;

use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value};
use sillok_contract::id::{LearnerId, MspId};

use super::*;
use crate::keys::{Authority, Issued, PrivateKey, Validity};

const NOW: i64 = 1_790_000_000_000_000;
const DAY: i64 = 86_400_000_000;

static OFFICE: LazyLock<(Authority, Issued)> = LazyLock::new(|| {
    let office = Authority::generate("Office CA", "Office", Validity::days(NOW, 36_500)).unwrap();
    let officer = office.issue("han", "client", Validity::days(NOW, 36_500)).unwrap();
    (office, officer)
});

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1_i64 << 53) + 1..1 << 53).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let row = prop::collection::btree_map("\\PC{0,12}", value(), 0..5);
    let row = row.prop_map(|row| row.into_iter().collect::<Map<_, _>>());
    prop::collection::btree_map("\\PC{1,12}", prop::collection::vec(row, 0..4), 0..4)
}

/// A credential of any record, of any length, with an address or without.
fn credential() -> impl Strategy<Value = Credential> {
    let learner = "[A-Za-z0-9][A-Za-z0-9._-]{0,30}";
    (record(), 1..36_000_i64, any::<[u8; 16]>(), any::<bool>(), learner).prop_map(
        |(record, days, salt, is_public, learner)| {
            let id = CertificateId::draw().unwrap();
            Credential::new(Parts {
                id,
                issuer: Issuer::new(MspId::new("OfficeMSP").unwrap(), OFFICE.0.certificate()),
                valid: (Second::of(NOW), Second::of(NOW + days * DAY)),
                learner: LearnerId::new(&*learner).unwrap(),
                wallet: *PrivateKey::generate().unwrap().public_key(),
                salt,
                record,
                evidence: Vec::new(),
                status_address: is_public.then(|| status_address("https://sillok.example/", id)),
            })
        },
    )
}

fn signed(credential: &Credential) -> String {
    let (_, officer) = &*OFFICE;
    SignedCredential::sign(credential, &officer.certificate, &officer.key).unwrap()
}

/// What a verifier takes it for.
fn taken(jwt: &str) -> Option<Credential> {
    let signed = SignedCredential::parse(jwt).ok()?;
    signed.check_signature().ok().map(|()| signed.credential)
}

/// The places in a value where a change can be made.
fn leaves(value: &mut Value) -> Vec<&mut Value> {
    let has_more = match &*value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    };
    match value {
        leaf if !has_more => vec![leaf],
        Value::Array(items) => items.iter_mut().flat_map(leaves).collect(),
        Value::Object(members) => members.values_mut().flat_map(leaves).collect(),
        _ => Vec::new(),
    }
}

fn other_than(value: &Value) -> Value {
    match value {
        Value::Bool(is) => (!is).into(),
        Value::Number(_) | Value::Null => "0".into(),
        Value::String(text) => format!("{text}x").into(),
        _ => Value::Null,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_signed_is_read_back(credential in credential()) {
        let jwt = signed(&credential);
        prop_assert_eq!(Credential::parse(&credential.to_json()), Ok(credential.clone()));
        prop_assert_eq!(taken(&jwt), Some(credential));
    }

    #[test]
    fn with_one_letter_changed_it_is_nobodys(credential in credential(), place: Index, letter in 1_u8..128) {
        let jwt = signed(&credential);
        let mut bytes = jwt.clone().into_bytes();
        bytes[place.index(jwt.len())] ^= letter;
        if let Ok(changed) = String::from_utf8(bytes) {
            prop_assert_eq!(taken(&changed), None, "{}", changed);
        }
    }

    /// Changed and signed by another key, or under the old signature; and signed again by its officer it has another digest.
    #[test]
    fn with_one_member_changed_it_is_another(credential in credential(), place: Index) {
        let mut json = serde_json::to_value(&credential).unwrap();
        let mut leaves = leaves(&mut json);
        let place = place.index(leaves.len());
        *leaves[place] = other_than(leaves[place]);
        let Ok(changed) = Credential::parse(&serde_json_canonicalizer::to_vec(&json).unwrap()) else {
            return Ok(());
        };
        prop_assert_ne!(&changed, &credential);
        let (jwt, other) = (signed(&credential), signed(&changed));
        prop_assert_ne!(
            SignedCredential::parse(&jwt).unwrap().digest(),
            SignedCredential::parse(&other).unwrap().digest()
        );
        let [own, others] = [&jwt, &other].map(|jwt| jwt.split('.').collect::<Vec<_>>());
        prop_assert_eq!(taken(&[own[0], others[1], own[2]].join(".")), None);
        prop_assert_eq!(taken(&[own[0], own[1], others[2]].join(".")), None);
        let (office, _) = &*OFFICE;
        let stranger = office.issue("kim", "client", Validity::days(NOW, 30)).unwrap();
        let foreign = SignedCredential::sign(&changed, &stranger.certificate, &stranger.key).unwrap();
        let foreign: Vec<_> = foreign.split('.').collect();
        prop_assert_eq!(taken(&[own[0], foreign[1], foreign[2]].join(".")), None, "under the officer's certificate");
    }
}
