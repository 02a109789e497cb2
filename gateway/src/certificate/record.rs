//! The record against the proofs: each row must be the last image that the proven entries hold of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sillok_proto::ledger::{RowImage, entry::Result as Outcome};

use super::{CertificateError, Credential, Evidence, credential::Record};
use crate::{
    ledger::receipt::Roots,
    proof::{Proof, ProofError, Proofs, Verified},
};

/// The proofs, verified: as many as the credential names, of the entries that it names, about its learner.
pub(super) fn check_evidence(
    credential: &Credential,
    proofs: &Proofs,
    roots: &Roots,
) -> Result<Vec<Verified>, CertificateError> {
    let (named, given) = (credential.evidence.len(), proofs.len());
    if named != given {
        return Err(CertificateError::Proofs { named, given });
    }
    let each = credential.evidence.iter().zip(proofs.iter().zip(proofs.verify(roots)));
    let verified = each.map(|(evidence, (proof, verified))| check_one(credential, evidence, proof, verified));
    let verified = verified.collect::<Result<Vec<_>, _>>()?;
    match verified.is_sorted_by(|one, next| one.number < next.number) {
        true => Ok(verified),
        false => Err(CertificateError::EvidenceOrder),
    }
}

fn check_one(
    credential: &Credential,
    evidence: &Evidence,
    proof: &Proof,
    verified: Result<Verified, ProofError>,
) -> Result<Verified, CertificateError> {
    let entry = evidence.entry;
    let verified = verified.map_err(|error| CertificateError::Proof { entry, error })?;
    if Evidence::new(&verified, proof) != *evidence {
        return Err(CertificateError::OtherProof(entry));
    }
    match verified.entry.learner == credential.credential_subject.learner {
        true => Ok(verified),
        false => Err(CertificateError::OtherLearner(entry)),
    }
}

/// Every row of the record is the last image of it in these entries, and every entry holds one of them.
pub(super) fn check_record(record: &Record, entries: &[Verified]) -> Result<(), CertificateError> {
    let mut standing = standing(entries);
    let mut used = BTreeSet::new();
    for (table, rows) in record {
        for row in rows {
            let json = serde_json_canonicalizer::to_vec(row).expect("a row that was read has a JSON form");
            let rest = standing.get_mut(table.as_str()).and_then(|images| images.remove(json.as_slice()));
            let place = rest.ok_or_else(|| CertificateError::Row {
                table: table.clone(),
                row: Value::from(row.clone()).to_string(),
            })?;
            used.insert(place);
        }
    }
    match (0..entries.len()).find(|place| !used.contains(place)) {
        None => Ok(()),
        Some(place) => Err(CertificateError::Superfluous(entries[place].id)),
    }
}

/// By table, the last image of each row that is not deleted, and the place of the entry that holds it.
fn standing(entries: &[Verified]) -> BTreeMap<&str, BTreeMap<&[u8], usize>> {
    let mut last: BTreeMap<(&str, &[u8]), (usize, &RowImage)> = BTreeMap::new();
    for (place, verified) in entries.iter().enumerate() {
        for image in images(&verified.entry.result) {
            let row = (image.table.as_str(), image.key.as_slice());
            let before = last.get(&row).map(|(place, _)| &entries[*place]);
            if before.is_none_or(|before| is_after(verified, before)) {
                last.insert(row, (place, image));
            }
        }
    }
    let mut standing: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for ((table, _), (place, image)) in last.into_iter().filter(|(_, (_, image))| !image.deleted) {
        standing.entry(table).or_default().insert(image.image.as_slice(), place);
    }
    standing
}

/// Whether an entry took effect after another: in one school they are recorded in the order of their effects, of two
/// schools one may be recorded later that was first.
fn is_after(one: &Verified, other: &Verified) -> bool {
    match one.entry.school == other.entry.school {
        true => (one.sequence, one.index) >= (other.sequence, other.index),
        false => one.entry.executed_at > other.entry.executed_at,
    }
}

/// The rows that a result wrote.
fn images(result: &Outcome) -> &[RowImage] {
    match result {
        Outcome::Written(written) => &written.images,
        Outcome::Adopted(adopted) => &adopted.images,
        Outcome::Read(_) => &[],
    }
}
