#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use prost::Message as _;
use sillok_contract::{
    batch::{self, Batch, BatchLeaf},
    entry::EntryId,
    id::{EducatorId, LearnerId, SchoolId},
};
use sillok_proto::ledger::{self, BatchBody, BatchHeader, Read, entry::Result as Outcome};

use super::*;
use crate::keys::{Asked, Authority, RequestSigner, Validity};

const NOW: i64 = 1_790_000_000_000_000;

/// A batch of one request of two queries, as the ledger has it.
fn recorded() -> (Batch, Vec<u8>, Signers) {
    let authority = Authority::generate("ca", "School", Validity::days(NOW, 10)).unwrap();
    let (id, school) = (EducatorId::new("T1").unwrap(), SchoolId::new("north").unwrap());
    let issued = authority.issue_educator(&id, Validity::days(NOW, 10)).unwrap();
    let signer = RequestSigner::new(school.clone(), "sillok", &issued.certificate, issued.key).unwrap();
    let asked = ["L1", "L2"].map(|learner| Asked {
        learner: LearnerId::new(learner).unwrap(),
        sql: "SELECT 1".to_owned(),
        params: Vec::new(),
    });
    let signed = signer.sign(asked.clone(), NOW).unwrap();
    let request = SignedRequest::parse(&signed.request).unwrap();
    let entries: Vec<_> = (0..)
        .zip(signed.queries.iter().zip(&asked))
        .map(|(index, (query, asked))| {
            let result = Outcome::Read(Read { rows: 0, digest: vec![0; 32] });
            ledger::Entry {
                query: query.clone().into_bytes(),
                request_digest: request.digest.to_vec(),
                query_index: index,
                school: school.to_string(),
                educator: id.to_string(),
                learner: asked.learner.to_string(),
                executed_at: NOW + i64::from(index),
                result: Some(result),
            }
            .encode_to_vec()
        })
        .collect();
    let formed = batch::build(&school, 1, [0; 32], &[signed.request], &entries).unwrap();
    let header = BatchHeader::decode(formed.header.as_slice()).unwrap();
    let leaf = |(bytes, asked): (&Vec<u8>, &Asked)| BatchLeaf {
        entry: EntryId::of(bytes),
        learner: asked.learner.clone(),
        number: 1,
        previous: None,
    };
    let batch = Batch {
        school,
        sequence: 1,
        header_hash: formed.header_hash,
        header: formed.header,
        previous: [0; 32],
        root: header.root.try_into().unwrap(),
        count: 2,
        first_time: header.first_time,
        last_time: header.last_time,
        leaves: entries.iter().zip(&asked).map(leaf).collect(),
        transaction: "t".to_owned(),
    };
    let signer = Signer { id, certificate: issued.certificate.clone() };
    (batch, formed.body, [(issued.certificate.thumbprint(), signer)].into_iter().collect())
}

fn codes(chapter: &Chapter) -> Vec<&'static str> {
    chapter.faults.iter().map(|fault| fault.code.as_str()).collect()
}

fn body_of(compressed: &[u8]) -> BatchBody {
    batch::read_body(compressed).unwrap()
}

fn compressed(body: &BatchBody) -> Vec<u8> {
    zstd::bulk::compress(&body.encode_to_vec(), 3).unwrap()
}

#[test]
fn a_batch_as_it_was_recorded_is_told_whole() {
    let (batch, body, signers) = recorded();
    let chapter = Chapter::open(batch, Some(&body));
    assert_eq!(codes(&chapter), [""; 0]);
    let mut verifier = Verifier::new(&signers);
    for content in &chapter.contents {
        let Content::Entry(entry, request) = content else { panic!("{content:?}") };
        assert!(verifier.is_signed(entry, request));
        assert!(!Verifier::new(&Signers::new()).is_signed(entry, request));
    }
}

#[test]
fn whatever_is_changed_is_a_fault_and_what_rests_on_it_is_not_told() {
    let unproven = |change: fn(&mut Batch)| {
        let (mut batch, body, _) = recorded();
        change(&mut batch);
        let chapter = Chapter::open(batch, Some(&body));
        assert_eq!(chapter.contents, [Content::Unproven, Content::Unproven]);
        codes(&chapter)[0]
    };
    assert_eq!(unproven(|batch| batch.header.push(0)), "ledger.header");
    assert_eq!(unproven(|batch| batch.header_hash[0] ^= 1), "ledger.header");
    assert_eq!(unproven(|batch| batch.previous[0] ^= 1), "ledger.header");
    assert_eq!(unproven(|batch| batch.count = 1), "ledger.header");
    assert_eq!(unproven(|batch| batch.last_time += 1), "ledger.header");
    assert_eq!(unproven(|batch| batch.leaves.swap(0, 1)), "ledger.root");
    assert_eq!(unproven(|batch| batch.leaves[1].entry.0[0] ^= 1), "ledger.root");
    let (batch, body, _) = recorded();
    assert_eq!(codes(&Chapter::open(batch.clone(), None)), ["ledger.body_missing"]);
    assert_eq!(codes(&Chapter::open(batch.clone(), Some(&body[1..]))), ["ledger.body"]);
    let with = |change: fn(&mut BatchBody)| {
        let mut changed = body_of(&body);
        change(&mut changed);
        Chapter::open(batch.clone(), Some(&compressed(&changed)))
    };
    assert_eq!(codes(&with(|body| body.entries.truncate(1))), ["ledger.body"]);
    let chapter = with(|body| body.entries[0][40] ^= 1);
    assert_eq!(codes(&chapter), ["ledger.body"], "one entry alone");
    assert!(matches!(chapter.contents[..], [Content::Unproven, Content::Entry(..)]));
    assert_eq!(codes(&with(|body| body.requests.clear())), ["ledger.request"; 2]);
    assert_eq!(codes(&with(|body| body.entries[1].clear())), ["ledger.body"], "blank, and not erased");
    let erased = with(|body| {
        body.entries[1].clear();
        body.erased = vec![1];
    });
    assert_eq!(codes(&erased), [""; 0]);
    assert_eq!(erased.contents[1], Content::Erased);
    let mut other = batch.clone();
    other.leaves[0].learner = LearnerId::new("L2").unwrap();
    assert_eq!(codes(&Chapter::open(other, Some(&body))), ["ledger.body"], "another learner's");
    assert!(erased.check_next(&batch.header_hash).is_none());
    assert_eq!(erased.check_next(&[0; 32]).unwrap().code, FaultCode::Chain);
}
