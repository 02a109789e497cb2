//! The way from an entry to the offices' roots, step by step.

use sillok_contract::{
    batch::Position,
    certificate::Certificate,
    entry::{Entry, EntryId},
    id::SchoolId,
    key, merkle, message,
    purpose::Purpose,
    request::{SignedRequest, query_hash},
};
use sillok_proto::ledger::{self, BatchHeader, BatchRecord, Leaf};

use super::{Body, ProofError};
use crate::ledger::{
    Engine,
    receipt::{self, EndorsedWrites, Roots},
};

/// What a proof proves: who asked what about whom, when, with what result, and that both offices recorded it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// The entry's id.
    pub id: EntryId,
    /// Who asked what about whom, when, with what result.
    pub entry: Entry,
    /// SHA-256 of the certificate whose key signed the request.
    pub thumbprint: [u8; 32],
    /// What the request is for, if an officer signed it and no educator.
    pub purpose: Option<Purpose>,
    /// When who signed it did, by their own clock, in seconds since the Unix epoch.
    pub signed_at: i64,
    /// The number of the school's batch.
    pub sequence: u64,
    /// The entry's place in the batch, from 0.
    pub index: u32,
    /// How many entries the batch has.
    pub count: u32,
    /// Which of the learner's entries it is, from 1, over all schools.
    pub number: u64,
    /// Where the learner's entry before it stands; none before the first.
    pub previous: Option<Position>,
    /// The transaction that recorded the batch.
    pub transaction: String,
    /// The MSPs of the offices that endorsed it.
    pub endorsed_by: Vec<String>,
    /// The block's number. The ledger told it; no office signed it.
    pub block: u64,
    /// Which engine's receipt it is: one of the embedded ledger rests on development certificates.
    pub engine: Engine,
}

/// Checks a proof from its leaf to the roots.
pub(super) fn verify(proof: &Body, roots: &Roots) -> Result<Verified, ProofError> {
    let entry = Entry::parse(&proof.entry).map_err(ProofError::Entry)?;
    let header = check_batch(proof, &entry)?;
    let endorsed = receipt::verify(&proof.receipt, roots)?;
    let leaf = check_record(proof, &entry, &header, &endorsed)?;
    let request = check_request(proof, &entry)?;
    Ok(Verified {
        id: entry.id,
        entry,
        thumbprint: request.thumbprint,
        purpose: request.payload.purpose,
        signed_at: request.payload.iat,
        sequence: header.sequence,
        index: proof.index,
        count: header.count,
        number: leaf.number,
        previous: leaf.previous.map(|place| position(place).ok_or(ProofError::Record)).transpose()?,
        transaction: proof.receipt.transaction.clone(),
        endorsed_by: endorsed.msps,
        block: proof.receipt.block,
        engine: proof.receipt.engine,
    })
}

/// The entry is in the batch of its school that the header is of.
fn check_batch(proof: &Body, entry: &Entry) -> Result<BatchHeader, ProofError> {
    let header: BatchHeader = message::canonical(&proof.header).map_err(|_| ProofError::Header)?;
    let root: [u8; 32] = header.root.as_slice().try_into().map_err(|_| ProofError::Header)?;
    if header.school != entry.school.as_str() {
        return Err(ProofError::OtherSchool { entry: entry.school.clone(), header: header.school });
    }
    let path: Vec<_> = proof.path.iter().map(|hash| hash.0).collect();
    if !merkle::verify(&entry.id.0, proof.index.into(), header.count.into(), &path, &root) {
        return Err(ProofError::Path);
    }
    match (header.first_time..=header.last_time).contains(&entry.executed_at) {
        true => Ok(header),
        false => Err(ProofError::Time),
    }
}

/// The offices endorsed this very batch, with this leaf in this place, in this transaction. Gives the leaf.
fn check_record(
    proof: &Body,
    entry: &Entry,
    header: &BatchHeader,
    endorsed: &EndorsedWrites,
) -> Result<Leaf, ProofError> {
    let written = endorsed.writes.get(&key::batch(&entry.school, header.sequence));
    let Some(Some(written)) = written else {
        return Err(ProofError::NotRecorded { school: entry.school.clone(), sequence: header.sequence });
    };
    let record: BatchRecord = message::canonical(written).map_err(|_| ProofError::Record)?;
    if record.header != proof.header {
        return Err(ProofError::OtherHeader);
    }
    if record.transaction != proof.receipt.transaction {
        return Err(ProofError::OtherTransaction);
    }
    let place = usize::try_from(proof.index).map_err(|_| ProofError::OtherLeaf)?;
    let same = |leaf: &Leaf| leaf.hash == entry.id.0 && leaf.learner == entry.learner.as_str();
    record.leaves.into_iter().nth(place).filter(same).ok_or(ProofError::OtherLeaf)
}

fn position(place: ledger::Position) -> Option<Position> {
    let school = SchoolId::new(place.school).ok()?;
    Some(Position { school, sequence: place.sequence, index: place.index })
}

impl Verified {
    /// Where the entry stands.
    pub fn position(&self) -> Position {
        let school = self.entry.school.clone();
        Position { school, sequence: self.sequence, index: self.index }
    }
}

/// The educator, or officer, signed for this query.
fn check_request(proof: &Body, entry: &Entry) -> Result<SignedRequest, ProofError> {
    let request = SignedRequest::parse(&proof.request).map_err(ProofError::Request)?;
    if request.digest != entry.request_digest {
        return Err(ProofError::OtherRequest);
    }
    if request.payload.school != entry.school {
        return Err(ProofError::RequestSchool(request.payload.school));
    }
    let place = usize::try_from(entry.query_index).map_err(|_| ProofError::Query)?;
    if request.payload.queries.get(place) != Some(&query_hash(&entry.query)) {
        return Err(ProofError::Query);
    }
    let certificate = Certificate::from_der(&proof.certificate).map_err(ProofError::Certificate)?;
    if certificate.thumbprint() != request.thumbprint {
        return Err(ProofError::OtherCertificate);
    }
    request.verify_with(&certificate).map_err(ProofError::Signature)?;
    Ok(request)
}
