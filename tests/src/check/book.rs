//! A school's book: every batch of it on the ledger, read with its bodies and checked link by link.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};
use prost::Message as _;
use sillok_contract::{
    batch::Batch,
    certificate::Certificate,
    entry::{Entry, EntryId},
    merkle,
    registry::Person as _,
    request::{SignedRequest, query_hash},
};
use sillok_gateway::ledger::contract::Contract;
use sillok_proto::ledger::{BatchBody, BatchHeader};

use crate::school::School;

/// An entry and where it stands.
pub(super) struct Leaf {
    pub(super) entry: Entry,
    pub(super) sequence: u64,
    pub(super) index: u32,
    pub(super) transaction: String,
}

/// A school's batches and entries, in order.
#[derive(Default)]
pub(super) struct Book {
    pub(super) batches: Vec<Batch>,
    pub(super) leaves: Vec<Leaf>,
}

impl Book {
    /// Reads everything there is from the first batch to the head.
    ///
    /// `known` are the entries that were read before: of those that were erased since, they alone can be told.
    pub(super) async fn read(
        contract: &Contract,
        school: &School,
        known: &mut BTreeMap<EntryId, Entry>,
    ) -> Self {
        let head = contract.head(&school.id).await.unwrap();
        let authority = contract.school(&school.id).await.unwrap().unwrap().authority;
        let authority = Certificate::from_pem(&authority).unwrap();
        let mut book = Self::default();
        let mut previous = [0; 32];
        for sequence in 1..=head.sequence {
            let batch = contract.batch(&school.id, sequence).await.unwrap();
            let batch = batch.unwrap_or_else(|| panic!("G3: there is no batch {sequence}"));
            linked(&batch, sequence, previous);
            previous = batch.header_hash;
            let body = contract.body(&school.id, sequence).await.unwrap().expect("the offices keep the body");
            let erased: BTreeSet<_> =
                body.erasures.iter().flat_map(|erasure| erasure.indices.clone()).collect();
            let body = zstd::decode_all(body.body.as_slice()).unwrap();
            let body = BatchBody::decode(body.as_slice()).unwrap();
            assert!(body.erased.iter().eq(&erased), "the ledger says who erased what");
            book.enter(batch, &body, contract, school, &authority, known).await;
        }
        assert_eq!(previous, head.header_hash, "G3: the head is the last batch");
        book
    }

    async fn enter(
        &mut self,
        batch: Batch,
        body: &BatchBody,
        contract: &Contract,
        school: &School,
        authority: &Certificate,
        known: &mut BTreeMap<EntryId, Entry>,
    ) {
        let leaves: Vec<_> = batch.leaves.iter().map(|leaf| leaf.entry.0).collect();
        assert_eq!(body.entries.len(), leaves.len(), "G3: the body's entries are the batch's leaves");
        assert_eq!(merkle::root(&leaves), batch.root, "G3: the root is over the leaves");
        let requests: BTreeMap<_, _> = body
            .requests
            .iter()
            .map(|jws| (sha256(jws.as_bytes()), SignedRequest::parse(jws).unwrap()))
            .collect();
        for request in requests.values() {
            match request.payload.purpose {
                None => signed(request, school, authority),
                Some(_) => signed_by_an_officer(request, contract).await,
            }
        }
        for (index, (bytes, leaf)) in (0..).zip(body.entries.iter().zip(&batch.leaves)) {
            let entry = match body.erased.contains(&index) {
                true => known[&leaf.entry].clone(),
                false => Entry::parse(bytes).unwrap(),
            };
            assert_eq!(bytes.is_empty(), body.erased.contains(&index), "what is erased is gone");
            known.insert(entry.id, entry.clone());
            asked(&entry, &requests[&entry.request_digest], school);
            assert_eq!((entry.id, &entry.learner), (EntryId(leaf.entry.0), &leaf.learner), "G3");
            let transaction = batch.transaction.clone();
            self.leaves.push(Leaf { entry, sequence: batch.sequence, index, transaction });
        }
        self.batches.push(batch);
    }
}

/// G3: the batch follows the one before.
fn linked(batch: &Batch, sequence: u64, previous: [u8; 32]) {
    let header = BatchHeader::decode(batch.header.as_slice()).unwrap();
    assert_eq!((batch.sequence, header.sequence), (sequence, sequence), "G3: no gap");
    assert_eq!(header.previous, previous, "G3: batch {sequence} names the one before");
    assert_eq!(sha256(&batch.header), batch.header_hash, "G3: the hash is the header's");
    assert_eq!(header.root, batch.root, "G3");
    let count = u32::try_from(batch.leaves.len()).unwrap();
    assert_eq!((header.count, batch.count), (count, count), "G3");
}

/// G2: the request carries a signature of one of the school's educators, whose certificate the school issued.
fn signed(request: &SignedRequest, school: &School, authority: &Certificate) {
    let mut educators = school.educators.iter();
    let educator = educators.find(|educator| educator.certificate.thumbprint() == request.thumbprint);
    let educator = educator.expect("G2: the request names a certificate of the school's");
    educator.certificate.issued_by(authority).expect("G2: the school's authority issued the certificate");
    request.verify_with(&educator.certificate).expect("G2: the signature is the educator's");
}

/// G2: the request has a purpose and carries the signature of a registered officer, whose certificate the office issued.
async fn signed_by_an_officer(request: &SignedRequest, contract: &Contract) {
    let officer = contract.officer_by_certificate(&request.thumbprint).await.unwrap();
    let officer = officer.expect("G2: the request names a registered officer's certificate");
    let office = contract.office(&officer.office).await.unwrap().expect("G2: the office is registered");
    let authority = Certificate::from_pem(&office.authority).unwrap();
    let certificate = officer.certificate_of(&authority).expect("G2: the office's authority issued it");
    request.verify_with(&certificate).expect("G2: the signature is the officer's");
}

/// G2: the request asks for this query, and a learner of the school is whom it is about.
fn asked(entry: &Entry, request: &SignedRequest, school: &School) {
    let named = request.payload.queries.get(entry.query_index as usize);
    assert_eq!(named, Some(&query_hash(&entry.query)), "G2: the request names the query");
    assert_eq!((&entry.school, &request.payload.school), (&school.id, &school.id), "G2");
    assert!(school.learners.contains(&entry.learner), "G2: {} is not a learner of the school", entry.learner);
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}
