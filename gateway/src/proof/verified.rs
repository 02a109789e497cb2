//! The way from an entry to the offices' roots, step by step.

use std::collections::{HashMap, hash_map};

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

use super::{Body, Hash, ProofError, shared::Shared};
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

/// What receipts prove, each verified once however many proofs rest on it.
pub(super) struct Recorded<'a> {
    roots: &'a Roots,
    transactions: HashMap<Hash, Transaction>,
}

/// What both offices endorsed, and the batches of it that were looked at.
struct Transaction {
    endorsed: EndorsedWrites,
    batches: HashMap<String, BatchRecord>,
}

impl<'a> Recorded<'a> {
    /// By the offices with these root certificates.
    pub(super) fn by(roots: &'a Roots) -> Self {
        Self { roots, transactions: HashMap::new() }
    }

    fn of(&mut self, receipt: &Shared) -> Result<&mut Transaction, ProofError> {
        Ok(match self.transactions.entry(receipt.name()) {
            hash_map::Entry::Occupied(known) => known.into_mut(),
            hash_map::Entry::Vacant(place) => {
                let endorsed = receipt::verify(receipt, self.roots)?;
                place.insert(Transaction { endorsed, batches: HashMap::new() })
            }
        })
    }
}

impl Transaction {
    /// The batch under this key, if the transaction wrote it.
    fn batch(&mut self, key: String) -> Option<Result<&BatchRecord, ProofError>> {
        let written = self.endorsed.writes.get(&key)?.as_ref()?;
        Some(match self.batches.entry(key) {
            hash_map::Entry::Occupied(known) => Ok(known.into_mut()),
            hash_map::Entry::Vacant(place) => message::canonical(written)
                .map(|record| &*place.insert(record))
                .map_err(|_| ProofError::Record),
        })
    }
}

/// Checks a proof from its leaf to the roots.
pub(super) fn verify(proof: &Body<Shared>, recorded: &mut Recorded<'_>) -> Result<Verified, ProofError> {
    let entry = Entry::parse(&proof.entry).map_err(ProofError::Entry)?;
    let header = check_batch(proof, &entry)?;
    let transaction = recorded.of(&proof.receipt)?;
    let leaf = check_record(proof, &entry, &header, transaction)?;
    let endorsed_by = transaction.endorsed.msps.clone();
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
        endorsed_by,
        block: proof.receipt.block,
        engine: proof.receipt.engine,
    })
}

/// The entry is in the batch of its school that the header is of.
fn check_batch(proof: &Body<Shared>, entry: &Entry) -> Result<BatchHeader, ProofError> {
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
    proof: &Body<Shared>,
    entry: &Entry,
    header: &BatchHeader,
    transaction: &mut Transaction,
) -> Result<Leaf, ProofError> {
    let written = transaction.batch(key::batch(&entry.school, header.sequence));
    let Some(record) = written.transpose()? else {
        return Err(ProofError::NotRecorded { school: entry.school.clone(), sequence: header.sequence });
    };
    if record.header != proof.header {
        return Err(ProofError::OtherHeader);
    }
    if record.transaction != proof.receipt.transaction {
        return Err(ProofError::OtherTransaction);
    }
    let place = usize::try_from(proof.index).map_err(|_| ProofError::OtherLeaf)?;
    let same = |leaf: &&Leaf| leaf.hash == entry.id.0 && leaf.learner == entry.learner.as_str();
    record.leaves.get(place).filter(same).cloned().ok_or(ProofError::OtherLeaf)
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
fn check_request(proof: &Body<Shared>, entry: &Entry) -> Result<SignedRequest, ProofError> {
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
