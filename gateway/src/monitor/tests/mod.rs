//! The rules together: each raises on its cause, once, and an ordinary school year raises nothing.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod bus;
mod causes;
mod year;

use std::collections::BTreeMap;

use sillok_contract::{
    entry::EntryId,
    id::{EducatorId, LearnerId, SchoolId},
};

use super::*;
use crate::{
    events::Topic,
    records::{Alert, Finding},
};

const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Monday, 2 March 2026, 00:00 in Korea.
const MONDAY: i64 = 1_772_377_200 * SECOND;
/// The same day at ten.
const TEN: i64 = MONDAY + 10 * HOUR;

/// What an educator did to a learner's record, one row of it.
fn entry(educator: &str, learner: &str, action: Action, at: i64) -> RecordedEntry {
    let written = action != Action::Read;
    RecordedEntry {
        entry: EntryId::of(format!("{educator} {learner} {at}").as_bytes()),
        educator: EducatorId::new(educator).unwrap(),
        learner: LearnerId::new(learner).unwrap(),
        executed_at: at,
        action,
        rows: written.then(|| ("grades".to_owned(), 1)).into_iter().collect::<BTreeMap<_, _>>(),
    }
}

/// A batch of the school.
fn batch(school: &str, sequence: u64, entries: Vec<RecordedEntry>) -> Seen {
    let at = entries.last().map_or(TEN, |entry| entry.executed_at) + 2 * SECOND;
    let recorded = EntriesRecorded {
        school: SchoolId::new(school).unwrap(),
        sequence,
        transaction: format!("tx-{sequence}"),
        block: sequence,
        entries,
    };
    Seen { id: format!("{}/{school}/{sequence}", Topic::RecordsEntries), at, what: What::Recorded(recorded) }
}

/// A signature that is valid.
fn signature(number: usize, signer: &str, source: &str, at: i64) -> SignatureVerified {
    SignatureVerified {
        signature: format!("{number:064x}"),
        hash: format!("{number:064x}"),
        subject: format!("urn:sillok:document:{number}"),
        signer: signer.to_owned(),
        certificate: format!("certificate-of-{signer}"),
        source: source.to_owned(),
        signed_at: at - 20 * SECOND,
        received_at: at,
        verified_at: at + SECOND,
        failure: None,
        revoked_since: None,
    }
}

/// The same, and it does not verify.
fn failed(signature: SignatureVerified, code: &str) -> SignatureVerified {
    let failure = Failure { code: code.to_owned(), detail: "it does not stand".to_owned() };
    SignatureVerified { failure: Some(failure), ..signature }
}

fn verified(signature: SignatureVerified) -> Seen {
    let at = signature.verified_at;
    Seen {
        id: format!("{}/{}", Topic::SignaturesVerified, signature.signature),
        at,
        what: What::Verified(signature),
    }
}

fn alerted(number: i64, kind: &str, at: i64) -> Seen {
    let alert = Alert::new(number, at, Finding::new(kind));
    Seen { id: format!("{}/{number}", Topic::Alerts), at, what: What::Alerted(Box::new(alert)) }
}

fn put_aside(number: usize, at: i64) -> Seen {
    let letter = DeadLetterTold {
        id: number as i64,
        group: "recorder".to_owned(),
        event: format!("signatures.verified/{number}"),
        topic: "signatures.verified".to_owned(),
        reason: "its data is not of its form".to_owned(),
        tries: 5,
        discarded: None,
    };
    Seen { id: format!("{}/{number}", Topic::DeadLetters), at, what: What::PutAside(letter) }
}

/// What a monitor with the defaults raises, by kind.
fn kinds(events: &[Seen]) -> Vec<String> {
    raised(&Settings::default(), events).into_iter().map(|alert| alert.finding.kind).collect()
}

fn raised(settings: &Settings, events: &[Seen]) -> Vec<NewAlert> {
    let mut monitor = Monitor::new(settings);
    events.iter().flat_map(|seen| monitor.look(seen, i64::MAX)).collect()
}
